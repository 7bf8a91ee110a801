//! What `dualstack lint` says of whole files.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use dualstack::lint::{
    Format, Input, Limits, Options, Outcome, Report, lint_text,
    rules::{Level, RULES},
    run,
};

fn lint(text: impl AsRef<[u8]>) -> Report {
    lint_text("cluster.yaml", text.as_ref().to_vec(), None, &Options::default())
}

fn render(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    format.write(report, 80, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn plain(report: &Report) -> String {
    anstream::adapter::strip_str(&render(report, Format::Text)).to_string()
}

/// Code, line and column of each finding.
fn places(report: &Report) -> Vec<(&'static str, usize, usize)> {
    let place = |finding: &dualstack::lint::rules::Finding| {
        let at = report.sources.get(finding.span.source).position(finding.span.start);
        (finding.code, at.line, at.column)
    };
    report.findings.iter().map(place).collect()
}

const SEVERAL: &str = r#"# A cluster with several mistakes.
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: fd00:192::11
nodeRegistration:
  name: node-1
  kubeletExtraArgs:
    - name: node-ip
      value: "192.168.0.11,fe80::11"
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
networking:
  podSubnet: 10.244.0.0/16,fd00:8:42::/56
  serviceSubnet: "10.96.0.0/16,fd00:8:42:1::/112
  dnsDomian: cluster.local
controllerManager:
  extraArgs:
    - name: node-cidr-mask-size
      value: "24"
"#;

#[test]
fn the_text_report_reads_well_at_80_columns() {
    let text = plain(&lint(SEVERAL));
    insta::assert_snapshot!(text);
    for line in text.lines().filter(|line| !line.contains("https://")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn each_format_of_one_report_says_the_same() {
    let report = lint(SEVERAL);
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    let json: serde_json::Value = serde_json::from_str(&render(&report, Format::Json)).unwrap();
    let of = |list: &serde_json::Value, key: &str| -> Vec<String> {
        let items = list.as_array().unwrap().iter();
        items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&json["findings"], "code"), codes);
    assert_eq!(json["findings"][0]["line"], 5);
    assert_eq!(json["summary"]["errors"], 5);
    let sarif: serde_json::Value = serde_json::from_str(&render(&report, Format::Sarif)).unwrap();
    assert_eq!(of(&sarif["runs"][0]["results"], "ruleId"), codes);
    let github = render(&report, Format::Github);
    assert_eq!(github.lines().count(), codes.len() + 1);
    assert!(github.starts_with(
        "::error file=cluster.yaml,line=5,endLine=5,col=21,endColumn=33,title=DS201 "
    ));
    let junit = render(&report, Format::Junit);
    assert!(junit.contains(&format!("tests=\"{}\"", RULES.len())), "{junit}");
    assert!(junit.contains("failures=\"5\""), "{junit}");
}

#[test]
fn sarif_holds_what_its_specification_requires() {
    // The properties that this report uses, as SARIF 2.1.0 (OASIS) constrains them.
    let sarif: serde_json::Value =
        serde_json::from_str(&render(&lint(SEVERAL), Format::Sarif)).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "dualstack");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty());
        }
        assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"));
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["note", "warning", "error"].contains(&level));
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let number = |key: &str| region[key].as_u64().unwrap();
        assert!(number("startLine") >= 1 && number("startColumn") >= 1);
        let (start, end) = (
            (number("startLine"), number("startColumn")),
            (number("endLine"), number("endColumn")),
        );
        assert!(start <= end);
    }
}

#[test]
fn an_unclosed_quote_is_reported_at_its_opening_and_the_rest_is_linted() {
    let report = lint(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
         podSubnet: 'fd00::/48\n  serviceSubnet: 10.96.0.0/29\n  dnsDomain: 'cluster.local'\n",
    );
    assert_eq!(places(&report)[0], ("DS001", 4, 14));
    assert!(places(&report).contains(&("DS103", 5, 18)), "{:?}", places(&report));
}

#[test]
fn a_quote_that_swallows_the_rest_of_the_file_is_reported_at_its_opening() {
    let report = lint(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
         podSubnet: \"10.244.0.0/16\n  serviceSubnet: 10.96.0.0/29\n",
    );
    assert_eq!(places(&report), [("DS001", 4, 14), ("DS103", 5, 18)]);
}

#[test]
fn tabs_are_reported_at_the_first_and_read_as_spaces() {
    let report = lint(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n\t\
         podSubnet: 10.244.0.0/16\n\tserviceSubnet: 10.96.0.0/29\ncontrollerManager:\n\t\
         extraArgs:\n\t\t- name: node-cidr-mask-size-ipv6\n\t\t  value: \"64\"\n",
    );
    assert_eq!(places(&report), [("DS001", 4, 1), ("DS103", 5, 17), ("DS302", 9, 12)]);
}

#[test]
fn an_ipv6_address_that_ends_in_a_colon_is_understood_and_explained() {
    let report = lint(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint:\n  \
         advertiseAddress: fd00::\n---\napiVersion: kubeadm.k8s.io/v1beta4\n\
         kind: ClusterConfiguration\nnetworking:\n  serviceSubnet: 10.96.0.0/16\n",
    );
    assert_eq!(places(&report), [("DS001", 4, 21), ("DS201", 4, 21)]);
}

#[test]
fn a_syntax_error_does_not_hide_the_other_documents() {
    let report = lint(
        "a: [1, 2\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n\
         networking:\n  serviceSubnet: 10.96.0.0/29\n",
    );
    assert_eq!(places(&report), [("DS001", 1, 1), ("DS103", 6, 18)]);
}

#[test]
fn a_line_without_a_colon_is_reported_and_ignored() {
    let report = lint(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
         podSubnet 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/29\n",
    );
    assert_eq!(places(&report), [("DS001", 4, 3), ("DS103", 5, 18)]);
}

#[test]
fn an_unrendered_template_is_named_as_such() {
    let report = lint("apiVersion: v1\nkind: Service\nspec:\n  {{- if .Values.dual }}\n  a: b\n");
    assert_eq!(places(&report), [("DS001", 4, 3)]);
    assert!(report.findings[0].message.contains("template"));
}

#[test]
fn json_is_read_by_the_same_path_with_tabs_and_surrogates() {
    let report = lint(
        "{\n\t\"apiVersion\": \"kubeadm.k8s.io/v1beta4\",\n\t\"kind\": \"ClusterConfiguration\",\n\
         \t\"clusterName\": \"\\ud83d\\ude00\",\n\t\"networking\": {\"serviceSubnet\": \
         \"10.96.0.0/29\"}\n}\n",
    );
    assert_eq!(places(&report), [("DS103", 5, 35)]);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_no_position() {
    let text = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
                serviceSubnet: 10.96.0.0/29\n";
    let plain = lint(text);
    let windows = lint(format!("\u{FEFF}{}", text.replace('\n', "\r\n")));
    assert_eq!(places(&plain), [("DS103", 4, 18)]);
    assert_eq!(places(&plain), places(&windows));
}

#[test]
fn utf_16_is_linted_and_reported() {
    let text = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
                serviceSubnet: 10.96.0.0/29\n";
    let mut bytes = vec![0xFF, 0xFE];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(places(&lint(bytes)), [("DS006", 1, 1), ("DS103", 4, 18)]);
}

#[test]
fn documents_inside_config_maps_keep_their_positions() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kubeadm-config\ndata:\n  \
                ClusterConfiguration: |\n    apiVersion: kubeadm.k8s.io/v1beta4\n    kind: \
                ClusterConfiguration\n    networking:\n      serviceSubnet: 10.96.0.0/29\n";
    assert_eq!(places(&lint(text)), [("DS103", 10, 22)]);
}

#[test]
fn documents_inside_a_quoted_string_become_a_source_of_their_own() {
    let report = lint(concat!(
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"ClusterConfiguration":
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n"#,
        r#"  serviceSubnet: 10.96.0.0/29\n"}}"#,
    ));
    assert_eq!(places(&report), [("DS103", 4, 18)]);
    let name = &report.sources.get(report.findings[0].span.source).name;
    assert_eq!(name, "cluster.yaml (ClusterConfiguration)");
}

#[test]
fn kinds_patches_are_read_where_they_stand() {
    let report = lint(
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nkubeadmConfigPatches:\n  - |\n    \
         kind: ClusterConfiguration\n    networking:\n      dnsDomain: Cluster_Local\n",
    );
    assert_eq!(places(&report), [("DS117", 7, 18)]);
}

#[test]
fn the_flags_of_a_static_pod_are_understood_in_both_spellings() {
    let report = lint(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-apiserver\nspec:\n  containers:\n    \
         - command:\n        - kube-apiserver\n        - --advertise-address=192.168.0.11\n        \
         - --service-cluster-ip-range\n        - fd00:10:96::/112\n",
    );
    assert_eq!(places(&report), [("DS201", 9, 31)]);
}

#[test]
fn documents_of_other_kinds_are_ignored_and_counted() {
    let report = lint("apiVersion: apps/v1\nkind: StatefulSet\na: 1\na: 2\n---\nplain: text\n");
    assert_eq!((report.understood, report.ignored), (0, 2));
    assert!(report.findings.is_empty());
    assert_eq!(report.outcome(), Outcome::NothingToLint);
}

#[test]
fn denied_findings_become_errors_and_allowed_ones_go() {
    let text = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
                podSubnet: 10.244.0.0/16,2001:db8::/56\n  serviceSubnet: \
                10.96.0.0/16,fd00:10:96::/112\n";
    let with = |allow: &[&str], deny: &[&str]| {
        let list = |codes: &[&str]| codes.iter().map(ToString::to_string).collect();
        let options = Options { allow: list(allow), deny: list(deny), ..Options::default() };
        lint_text("a.yaml", text.into(), None, &options)
    };
    assert_eq!(with(&[], &[]).outcome(), Outcome::Clean);
    assert_eq!(with(&[], &["warnings"]).outcome(), Outcome::Errors);
    assert_eq!(with(&[], &["ds110"]).findings[0].level, Level::Error);
    let allowed = with(&["documentation-range"], &["note"]);
    assert_eq!((allowed.findings.len(), allowed.allowed), (0, 1));
}

#[test]
fn deep_nesting_and_alias_bombs_end_with_a_message() {
    let head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nwhat: ";
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let deep = format!("{head}{}1{}", open.repeat(200), close.repeat(200));
        let codes: Vec<_> = places(&lint(deep)).into_iter().map(|(code, ..)| code).collect();
        assert!(codes.contains(&"DS005"), "{codes:?}");
    }
    let blocks: String = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let report = lint(format!("{head}\n{}", blocks.replace("\na", "\n a").replace("a:", " a:")));
    assert!(!report.findings.is_empty());
    let mut bomb = format!("{head}x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let codes: Vec<_> = places(&lint(bomb)).into_iter().map(|(code, ..)| code).collect();
    assert!(codes.contains(&"DS005"), "{codes:?}");
}

fn run_in(directory: &Path, limits: Limits) -> Report {
    let options = Options { limits, ..Options::default() };
    run(&[Input::Path(directory.to_owned())], None, &options)
}

const SMALL: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n\
                     networking:\n  serviceSubnet: 10.96.0.0/29\n";

#[test]
fn directories_are_read_with_all_below_them_and_loops_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    fs::write(below.join("cluster.yaml"), SMALL).unwrap();
    fs::write(below.join("notes.txt"), "not: [yaml").unwrap();
    fs::write(directory.path().join(".hidden.yaml"), "not: [yaml").unwrap();
    std::os::unix::fs::symlink(directory.path(), below.join("loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", below.join("gone.yaml")).unwrap();
    let report = run_in(directory.path(), Limits::default());
    assert_eq!((report.files, places(&report)), (1, vec![("DS103", 4, 18)]));
    assert!(report.skipped.iter().any(|text| text.contains("links back")), "{report:?}");
    assert!(report.skipped.iter().any(|text| text.contains("no such file")), "{report:?}");
}

#[test]
fn a_missing_file_is_an_error() {
    let report = run(&["no-such-file.yaml".into()], None, &Options::default());
    assert_eq!(report.outcome(), Outcome::Errors);
    assert_eq!(
        report.findings[0].message,
        "no-such-file.yaml can't be read: no such file or directory"
    );
}

#[test]
fn files_beyond_the_limits_are_not_read_and_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a.yaml", "b.yaml", "c.yaml"] {
        fs::write(directory.path().join(name), SMALL).unwrap();
    }
    let small = run_in(directory.path(), Limits { file_bytes: 20, ..Limits::default() });
    assert_eq!(small.count(Level::Error), 3);
    assert!(small.findings[0].message.contains("larger than 20 bytes"));
    let few = run_in(directory.path(), Limits { files: 2, ..Limits::default() });
    assert_eq!((few.files, few.skipped.len()), (2, 1));
}

#[test]
fn an_endless_file_is_read_no_further_than_the_limit() {
    let limits = Limits { file_bytes: 1 << 16, ..Limits::default() };
    let report = run_in(Path::new("/dev/zero"), limits);
    assert!(report.findings[0].message.contains("larger than 65536 bytes"), "{report:?}");
}

#[test]
fn alternative_clusters_in_one_directory_are_not_compared() {
    let directory = tempfile::tempdir().unwrap();
    let kind = |pods: &str, services: &str| {
        format!(
            "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking:\n  podSubnet: \
             {pods}\n  serviceSubnet: {services}\n"
        )
    };
    fs::write(directory.path().join("a.yaml"), kind("10.96.0.0/16", "10.97.0.0/16")).unwrap();
    fs::write(directory.path().join("b.yaml"), kind("10.98.0.0/16", "10.96.0.0/16")).unwrap();
    assert!(places(&run_in(directory.path(), Limits::default())).is_empty());
}

#[test]
fn files_of_one_cluster_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("a.yaml"),
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
         podSubnet: 10.244.0.0/16,fd00:10:244::/56\n  \
         serviceSubnet: 10.96.0.0/16,fd00:10:96::/112\n",
    )
    .unwrap();
    fs::write(
        directory.path().join("b.yaml"),
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n\
         clusterCIDR: 10.244.0.0/16\n",
    )
    .unwrap();
    assert_eq!(places(&run_in(directory.path(), Limits::default())), [("DS303", 3, 14)]);
}

#[test]
fn kernel_settings_are_read_from_sysctl_files() {
    let directory = tempfile::tempdir().unwrap();
    let settings = directory.path().join("sysctl.d");
    fs::create_dir(&settings).unwrap();
    fs::write(settings.join("k8s.conf"), "# nodes\nnet.ipv4.ip_forward = 1\n").unwrap();
    fs::write(
        directory.path().join("a.yaml"),
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
         podSubnet: 10.244.0.0/16,fd00:10:244::/56\n  \
         serviceSubnet: 10.96.0.0/16,fd00:10:96::/112\n",
    )
    .unwrap();
    assert_eq!(places(&run_in(directory.path(), Limits::default())), [("DS704", 2, 1)]);
}

#[test]
fn text_that_is_not_yaml_is_reported_once() {
    let report = lint("[workspace]\nmembers = [\".\"]\nresolver = \"3\"\n");
    assert_eq!(places(&report), [("DS001", 2, 1)]);
}

#[test]
fn text_of_a_file_can_not_control_the_terminal() {
    let report = lint(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  \
         podSubnet: \"\\e[31m10.0.0.0\"\n  serviceSubnet: '\u{7f}'\n",
    );
    assert!(report.count(Level::Error) > 0);
    let text = render(&report, Format::Text);
    assert!(text.contains("[31m10.0.0.0"), "{text:?}");
    assert!(!text.contains("\u{1b}[31m10") && !text.contains('\u{7f}'), "{text:?}");
}
