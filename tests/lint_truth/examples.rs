//! The rules' examples, and what the components' tests need of them.

use dualstack::lint::rules::{Binary, EnforcedBy, Example, RULES, Rule};
use serde_json::Value;

/// What a rule declares of one binary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared {
    pub(crate) rule: &'static Rule,
    /// Whether the binary refuses the bad examples, or only warns of them.
    pub(crate) rejects: bool,
    /// What it says.
    pub(crate) text: &'static str,
}

/// What the rules declare of a binary.
pub(crate) fn declared(of: Binary) -> Vec<Declared> {
    let mut all = Vec::new();
    for rule in RULES {
        for by in rule.enforced_by {
            match by {
                EnforcedBy::Rejects { binary, text, .. } if *binary == of => {
                    all.push(Declared { rule, rejects: true, text });
                }
                EnforcedBy::Warns { binary, text } if *binary == of => {
                    all.push(Declared { rule, rejects: false, text });
                }
                _ => {}
            }
        }
    }
    all
}

/// An example, and whether it is a bad one.
pub(crate) fn examples(rule: &'static Rule) -> impl Iterator<Item = (&'static Example, bool)> {
    let current = |example: &&Example| example.asked.version.is_none();
    let good = rule.good.iter().filter(current).map(|example| (example, false));
    good.chain(rule.bad.iter().filter(current).map(|example| (example, true)))
}

/// The example's documents as values.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).expect("the documents of an example")
}

/// The documents of a kind.
pub(crate) fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

/// One string of the `ClusterConfiguration`'s `networking`.
pub(crate) fn network(documents: &[Value], field: &str) -> Option<String> {
    let cluster = of_kind(documents, "ClusterConfiguration");
    Some(cluster.first()?["networking"][field].as_str()?.to_owned())
}
