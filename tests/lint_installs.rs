//! What `dualstack lint` says of configurations that people have, for each tool: the files under
//! `tests/data/lint/bad` name the codes that they yield in their first line, those under
//! `tests/data/lint/good` yield nothing. A directory there is one cluster of several files.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use dualstack::lint::{Format, Input, Options, Outcome, Report, lint_text, run};

fn cases(kind: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lint").join(kind);
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.collect();
    cases.sort();
    cases
}

fn lint(path: &Path) -> Report {
    run(&[Input::Path(path.to_owned())], None, &Options::default())
}

fn codes(report: &Report) -> BTreeSet<String> {
    report.findings.iter().map(|finding| finding.code.to_owned()).collect()
}

fn plain(report: &Report) -> String {
    let mut bytes = Vec::new();
    Format::Text.write(report, 100, &mut bytes).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string()
}

/// The codes that the first line of a file names, or of one in the directory.
fn expected(path: &Path) -> BTreeSet<String> {
    let files = if path.is_dir() {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    } else {
        vec![path.to_owned()]
    };
    let texts = files.into_iter().filter_map(|file| fs::read_to_string(file).ok());
    let lines = texts.filter_map(|text| text.lines().next().map(str::to_owned));
    let named = lines.filter_map(|line| line.strip_prefix("# expect: ").map(str::to_owned));
    named.flat_map(|codes| codes.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_mistake_of_an_installer_yields_exactly_its_codes() {
    let mut wrong = Vec::new();
    for path in cases("bad") {
        let report = lint(&path);
        let wanted = expected(&path);
        assert!(!wanted.is_empty(), "{} names no code", path.display());
        if codes(&report) != wanted {
            wrong.push(format!("{}: {wanted:?} wanted\n{}", path.display(), plain(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_that_end_as_windows_ends_them_say_the_same() {
    let mut wrong = Vec::new();
    for path in cases("bad").into_iter().chain(cases("good")).filter(|path| path.is_file()) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let places = |text: String| {
            let report = lint_text(name, text.into(), None, &Options::default());
            let place = |at: &dualstack::lint::rules::Finding| {
                let source = report.sources.get(at.span.source);
                (at.code, at.message.clone(), source.position(at.span.start).line)
            };
            report.findings.iter().map(place).collect::<Vec<_>>()
        };
        let (unix, windows) = (places(text.clone()), places(text.replace('\n', "\r\n")));
        if unix != windows {
            wrong.push(format!("{name}: {unix:?} and {windows:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_right_yields_nothing_and_is_understood() {
    let mut wrong = Vec::new();
    for path in cases("good") {
        let report = lint(&path);
        if !report.findings.is_empty() || report.outcome() != Outcome::Clean {
            wrong.push(format!("{}:\n{}", path.display(), plain(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn templates_and_patches_in_a_directory_are_skipped_and_counted() {
    let directory = cases("good").into_iter().find(|path| path.ends_with("repository")).unwrap();
    let report = lint(&directory);
    assert_eq!(report.templates, 3);
    assert!(plain(&report).contains("3 templates or patches skipped"), "{}", plain(&report));
    // The same files named by themselves are read as they are.
    let named = |name: &str| codes(&lint(&directory.join(name)));
    assert_eq!(named("chart/templates/service.yaml"), BTreeSet::from(["DS001".to_owned()]));
    assert_eq!(lint(&directory.join("overlay/calico.yaml")).templates, 0);
}

#[test]
fn documents_of_unknown_kinds_are_named() {
    let text = "apiVersion: example.com/v1\nkind: Widget\n---\nkind: Gadget\n---\na: 1\n";
    let report = lint_text("a.yaml", text.into(), None, &Options::default());
    assert_eq!(report.outcome(), Outcome::NothingToLint);
    let wanted = "2 documents of kinds that this linter doesn't know: Gadget, Widget, 1 document \
                  without a kind that this linter doesn't know";
    assert!(plain(&report).replace('\n', " ").contains(wanted), "{}", plain(&report));
    let mut json = Vec::new();
    Format::Json.write(&report, 80, &mut json).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["summary"]["unknownKinds"], serde_json::json!({ "Gadget": 1, "Widget": 1 }));
    assert_eq!(json["summary"]["withoutKind"], 1);
    assert_eq!(json["summary"]["templates"], 0);
    let silent = "apiVersion: v1\nkind: Secret\n";
    let report = lint_text("a.yaml", silent.into(), None, &Options::default());
    let said = plain(&report);
    assert!(said.contains("none of 1 document says anything about the network"), "{said}");
}

#[test]
fn a_value_in_brackets_that_begins_with_a_colon_must_be_quoted() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  type: LoadBalancer\n  \
                loadBalancerSourceRanges: [0.0.0.0/0, ::/0]\n  ports: [{port: 80}]\n";
    let report = lint_text("a.yaml", text.into(), None, &Options::default());
    assert_eq!(codes(&report), BTreeSet::from(["DS001".to_owned()]), "{}", plain(&report));
}

#[test]
fn kernel_settings_are_read_from_a_file_of_any_name() {
    let text = "net.ipv6.conf.all.forwarding = 1\nnet.ipv6.conf.eth0.accept_ra = 1\n";
    let report = lint_text("kubernetes-node.conf", text.into(), None, &Options::default());
    assert_eq!(codes(&report), BTreeSet::from(["DS702".to_owned()]), "{}", plain(&report));
    assert_eq!(report.sources.get(report.findings[0].span.source).name, "kubernetes-node.conf");
}

#[test]
fn a_component_that_is_an_argument_of_another_command_is_not_started() {
    let line = |command: &str| format!("jobs:\n  - run: |\n      {command}\n");
    let lint = |command: &str| {
        codes(&lint_text("a.yaml", line(command).into(), None, &Options::default()))
    };
    let own = "kubelet --node-ip=10.0.0.1,10.0.0.2";
    assert_eq!(lint(&format!("sudo {own}")), BTreeSet::from(["DS202".to_owned()]));
    assert_eq!(lint(&format!("systemctl restart {own}")), BTreeSet::new());
    assert_eq!(lint("kubectl logs kube-proxy --proxy-mode=ipvs"), BTreeSet::new());
}
