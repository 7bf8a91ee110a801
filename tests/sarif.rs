//! The SARIF report against the schema of its standard (OASIS SARIF 2.1.0).
#![allow(missing_docs, clippy::unwrap_used)]

use dualstack::lint::{Format, Live, LiveDocument, Options, lint_text, rules::RULES};
use serde_json::Value;

/// The schema of the standard.
fn schema() -> Value {
    let text = include_str!("data/sarif-schema-2.1.0.json");
    // One pattern, of a property that the reports don't have, has a closing bracket without an
    // opening one; not every regular expression engine accepts that.
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
fn the_schema_rejects_wrong_reports() {
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
