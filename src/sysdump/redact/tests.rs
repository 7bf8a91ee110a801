use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    cause::tests::pages::examples,
    lab::{Fault, Lab},
    net::IpFamily::V6,
};

fn redacted(record: &Record) -> Result<Record, RedactError> {
    Redactor::new(record, &[]).unwrap().record(record)
}

/// The names and addresses of the lab's cluster, told one by one and not by the redactor.
fn private(record: &Record) -> BTreeSet<String> {
    let facts = &record.facts;
    let mut all = BTreeSet::new();
    for node in facts.nodes.known().into_iter().flatten() {
        all.insert(node.name.clone());
        all.extend(node.addresses.iter().map(|address| address.address.clone()));
        all.extend(node.pod_cidrs.clone());
    }
    let fixture = record.fixture.as_ref().unwrap();
    for pod in fixture.backends.iter().chain(&fixture.probes).chain(&fixture.host_probes) {
        all.extend(pod.pod_ips.iter().map(ToString::to_string));
    }
    all.extend(facts.server.context.clone());
    for target in &facts.targets {
        all.extend([target.name.namespace.clone(), target.name.name.clone()]);
    }
    for lookup in facts.snapshots.iter().flat_map(|snapshot| &snapshot.lookups) {
        all.insert(lookup.address.to_string());
    }
    let links = facts.snapshots.iter().flat_map(|snapshot| &snapshot.links);
    all.extend(links.filter_map(|link| link.address.clone()));
    all
}

/// Every string in a value, and every name of a field.
fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, all)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            all.push(key.clone());
            strings(value, all);
        }),
        _ => {}
    }
}

/// Which of these stand in a record as words of their own.
fn remaining(record: &Record, private: &BTreeSet<String>) -> Vec<String> {
    let mut texts = Vec::new();
    strings(&serde_json::to_value(record).unwrap(), &mut texts);
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == ':');
    let stands = |name: &str| {
        texts.iter().find(|text| {
            text.match_indices(name).any(|(at, _)| {
                let (before, behind) = (&text[..at], &text[at + name.len()..]);
                !word(before.chars().next_back()) && !word(behind.chars().next())
            })
        })
    };
    private.iter().filter_map(|name| Some(format!("{name} in {}", stands(name)?))).collect()
}

#[test]
fn a_redacted_record_of_every_cause_is_judged_alike_and_names_nobody() {
    for (id, lab) in examples() {
        let record = lab.run().record;
        let redacted = redacted(&record).unwrap_or_else(|error| panic!("{id}: {error}"));
        let ids = |record: &Record| -> Vec<String> {
            record.causes.iter().map(|cause| cause.id.clone()).collect()
        };
        assert_eq!(ids(&redacted), ids(&record), "{id}");
        let verdicts = |record: &Record| -> Vec<(String, Status)> {
            let all = record.judged.iter();
            all.map(|it| (it.case.check.clone(), it.verdict.status())).collect()
        };
        assert_eq!(verdicts(&redacted), verdicts(&record), "{id}");
        assert_eq!(remaining(&redacted, &private(&record)), Vec::<String>::new(), "{id}");
    }
}

#[test]
fn what_proves_a_cause_is_kept_and_proves_it_still() {
    let lab = Lab::dual()
        .with_hosts()
        .with_target()
        .with(Fault::NotForwarding { on: "n2", family: V6 })
        .looked_at();
    let record = lab.run().record;
    let redacted = redacted(&record).unwrap();
    assert_eq!(remaining(&redacted, &private(&record)), Vec::<String>::new());
    let cause = &redacted.causes[0];
    assert_eq!(cause.confidence, crate::cause::Confidence::Proved);
    assert_eq!(cause.evidence[0], "net.ipv6.conf.all.forwarding is 0 on node-r2");
    // Twice is not the same.
    let again = super::tests::redacted(&record).unwrap();
    assert_ne!(again.facts.nodes, redacted.facts.nodes);
}

/// The record with another name for each node.
fn renamed(value: Value, names: &[(&str, String)]) -> Value {
    let renamed_text = |text: String| {
        names.iter().find(|(name, _)| *name == text).map_or(text, |(_, other)| other.clone())
    };
    match value {
        Value::String(text) => Value::String(renamed_text(text)),
        Value::Array(all) => all.into_iter().map(|value| renamed(value, names)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(fields.map(|(key, it)| (renamed_text(key), renamed(it, names))).collect())
        }
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn whatever_nodes_are_called_nothing_remains(
        names in prop::collection::btree_set("w[a-z0-9]{2,8}(-[a-z0-9]{1,5}){0,2}(\\.corp\\.example)?", 3),
    ) {
        let lab = Lab::dual().with(Fault::CutOff { node: "n2", family: V6 });
        let names: Vec<String> = names.into_iter().collect();
        let pairs: Vec<(&str, String)> = ["n1", "n2", "n3"].into_iter().zip(names.clone()).collect();
        let value = renamed(serde_json::to_value(lab.run().record).unwrap(), &pairs);
        let record: Record = serde_json::from_value(value).unwrap();
        let record = run::rejudge(record.clone(), record.suite.checks());
        let redacted = redacted(&record).unwrap();
        prop_assert_eq!(redacted.causes.len(), 1);
        prop_assert_eq!(&redacted.causes[0].id, "node_cut_off");
        prop_assert_eq!(remaining(&redacted, &private(&record)), Vec::<String>::new());
    }
}

#[test]
fn a_name_that_is_a_word_of_ours_is_replaced_or_the_redaction_refused() {
    for name in ["node", "svc", "ready", "pod", "http", "cluster", "ipv6", "n1"] {
        let lab = Lab::dual().with(Fault::CutOff { node: "n2", family: V6 });
        let pairs = [("n2", name.to_owned())];
        let value = renamed(serde_json::to_value(lab.run().record).unwrap(), &pairs);
        let Ok(record) = serde_json::from_value::<Record>(value) else { continue };
        let record = run::rejudge(record.clone(), record.suite.checks());
        if let Ok(redacted) = redacted(&record) {
            assert_eq!(redacted.causes.len(), record.causes.len(), "{name}");
            let nodes = redacted.facts.nodes.known().unwrap();
            assert!(nodes.iter().all(|node| node.name.starts_with("node-r")), "{name}");
        }
    }
}

#[test]
fn objects_and_logs_of_others_get_the_same_names_and_addresses() {
    let record = Lab::dual().run().record;
    let object = serde_json::json!({
        "metadata": {
            "name": "n1",
            "labels": {"kubernetes.io/os": "linux", "team.corp.example/owner": "ada"},
        },
        "spec": {"providerID": "aws:///eu-west-1a/i-0abc"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}]},
        "data": {"Corefile": "corp.example:53 { forward . 10.9.9.9 }"},
    });
    let log = "dial tcp [fd00:192:168::1]:6443: registry.corp.example not found, n1";
    let text = object.to_string();
    let mut redactor = Redactor::new(&record, &[&text, log]).unwrap();
    let redacted = redactor.record(&record).unwrap();
    let node = &redacted.facts.nodes.known().unwrap()[0];
    let object = redactor.object(object);
    assert_eq!(object["metadata"]["name"], *node.name);
    assert_eq!(object["metadata"]["labels"], serde_json::json!({"kubernetes.io/os": "linux"}));
    assert_eq!(object["spec"]["providerID"], "aws:///redacted");
    assert_eq!(object["status"]["addresses"][0]["address"], *node.addresses[0].address);
    let log = redactor.text(log);
    let six = &node.addresses[1].address;
    assert!(log.contains(&format!("[{six}]:6443")) && log.contains("node-r1"), "{log}");
    for text in [object.to_string(), log] {
        assert_eq!(redactor.remaining(&text), Vec::<String>::new(), "{text}");
        assert!(!text.contains("corp.example") && !text.contains("10.9.9.9"), "{text}");
    }
}
