//! The SARIF report against the schema of its standard (OASIS SARIF 2.1.0), which a crate carries.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, path::PathBuf, process::Command};

use dualstack::lint::{Live, LiveDocument, Options, lint_text, render::Format, rules::RULES};
use serde_json::Value;

/// The schema, as it lies in the sources of the package `serde-sarif`.
fn schema() -> Value {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = run("rustc", &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--format-version=1", "--locked", "--offline"];
    let metadata = run(env!("CARGO"), &[&arguments[..], &["--filter-platform", host]].concat());
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    let text = fs::read_to_string(manifest.with_file_name("src/schema.json")).unwrap();
    // One pattern, of a property that the reports don't have, ends in a bracket without its
    // counterpart; not every reader of regular expressions takes that.
    let (stray, meant) = ("{2}]?$", "{2}\\\\]?$");
    serde_json::from_str(&text.replace(stray, meant)).unwrap()
}

/// The report of a text as SARIF.
fn sarif(name: &str, text: &str, live: Option<&str>) -> Value {
    let live = live.map(|text| Live {
        documents: vec![LiveDocument { name: "ConfigMap kube-system/a".into(), text: text.into() }],
        unread: Vec::new(),
    });
    let report = lint_text(name, text.into(), live.as_ref(), &Options::default());
    let mut bytes = Vec::new();
    Format::Sarif.write(&report, 80, &mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn sarif_reports_of_every_example_are_valid_by_the_schema_of_the_standard() {
    let schema = schema();
    assert!(schema["$id"].as_str().unwrap().contains("oasis-tcs/sarif-spec"));
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let mut results = 0;
    for example in RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad)) {
        for name in ["cluster.yaml", "./a b/\u{e9}#?.yaml", "/etc/kubernetes/%41.yaml", "<stdin>"] {
            let report = sarif(name, example.text, example.live);
            results += report["runs"][0]["results"].as_array().unwrap().len();
            let errors: Vec<_> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{errors:#?}\n{}", example.text);
        }
    }
    assert!(results > 300, "{results} results");
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let text = RULES[0].bad[0].text;
    let mut report = sarif("cluster.yaml", text, None);
    assert!(validator.is_valid(&report));
    report["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&report));
    let mut report = sarif("cluster.yaml", text, None);
    let region = "/runs/0/results/0/locations/0/physicalLocation/region/startLine";
    *report.pointer_mut(region).unwrap() = 0.into();
    assert!(!validator.is_valid(&report));
}
