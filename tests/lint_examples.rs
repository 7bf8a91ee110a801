//! What a person reads of each rule: the text report of every bad example, one snapshot for each
//! area. `INSTA_UPDATE=always cargo test --test lint_examples` writes them again.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{env, fs, path::Path};

use dualstack::lint::{
    Format, Live, LiveDocument, Options, lint_text,
    rules::{Area, Example, RULES},
};

const WIDTH: usize = 80;

fn rendered(example: &Example) -> String {
    let live = example.live.map(|text| Live {
        documents: vec![LiveDocument { name: "live".into(), text: text.into() }],
        unread: Vec::new(),
    });
    let options = Options { asked: example.asked, ..Options::default() };
    let bytes = example.text.as_bytes().to_vec();
    let report = lint_text("cluster.yaml", bytes, live.as_ref(), &options);
    let mut out = Vec::new();
    Format::Text.write(&report, WIDTH, &mut out).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

/// The reports of an area's bad examples, each under the code of its rule.
fn area(area: Area) -> String {
    let mut text = String::new();
    for rule in RULES.iter().filter(|rule| rule.area == area) {
        for example in rule.bad {
            let report = rendered(example);
            for line in report.lines().filter(|line| !line.contains("https://")) {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", rule.code);
            }
            text.push_str(&format!("## {} {}\n\n{report}\n", rule.code, rule.name));
        }
    }
    text
}

#[test]
fn the_report_of_every_bad_example_reads_well() {
    let mut areas: Vec<Area> = RULES.iter().map(|rule| rule.area).collect();
    areas.dedup();
    for each in areas {
        insta::assert_snapshot!(format!("{each:?}").to_lowercase(), area(each));
    }
}

/// The table of the documentation: every rule with the versions of Kubernetes that it holds for.
fn table() -> String {
    let mut text = String::from(
        "# Rules of `dualstack lint`\n\nWritten by `DUALSTACK_WRITE_DOCS=1 cargo test --test \
         lint_examples`. A rule is applied to the\nversions of Kubernetes that it holds for: the one \
         of `--kubernetes-version`, else the lowest that\nthe documents name, else the newest that \
         lint knows.\n\n| rule | level | Kubernetes | finds |\n|---|---|---|---|\n",
    );
    for rule in RULES {
        let (code, name, level) = (rule.code, rule.name, rule.level.as_str());
        let summary = rule.summary.replace('|', "\\|");
        text.push_str(&format!("| {code} {name} | {level} | {} | {summary} |\n", rule.versions));
    }
    text
}

#[test]
fn the_documentation_lists_every_rule_with_its_versions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lint-rules.md");
    if env::var_os("DUALSTACK_WRITE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, table()).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), table());
}
