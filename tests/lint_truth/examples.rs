//! The rules' examples as cases for the components: what each rule declares, and what shows it.
//!
//! The cases are computed from the registry. A rule that names a component, and that no example
//! can show to it, fails a test that needs no component.

use std::fmt;

use dualstack::lint::rules::{Binary, EnforcedBy, Example, RULES, Rule};

use super::reads;

/// An example of a rule that declares something of a binary, to be held against that binary.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    rule: &'static Rule,
    /// The documents.
    pub(crate) example: &'static str,
    /// Whether the rule finds something in it.
    pub(crate) bad: bool,
    /// Whether the binary refuses the bad examples, or only warns of them.
    pub(crate) rejects: bool,
    /// What it says of them.
    pub(crate) text: &'static str,
}

impl Case {
    /// What is wrong with the declaration, if a binary took the example or not and said this: it
    /// must say the text of the bad examples and of no good one, and refuse exactly the bad ones
    /// if that is declared.
    pub(crate) fn judge(&self, accepted: bool, said: &str) -> Option<String> {
        let says = said.contains(self.text);
        let right = says == self.bad && accepted != (self.bad && self.rejects);
        let last: Vec<_> = said.lines().rev().take(40).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        (!right)
            .then(|| format!("{self}: accepted: {accepted}, says: {says}\n{}\n", last.join("\n")))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.bad { "bad" } else { "good" };
        write!(f, "{} ({kind}), \"{}\":\n{}", self.rule.code, self.text, self.example)
    }
}

/// What the rules declare of a binary: whether it refuses, and what it says.
fn declared(rule: &Rule, of: Binary) -> Option<(bool, &'static str)> {
    rule.enforced_by.iter().find_map(|by| match by {
        EnforcedBy::Rejects { binary, text, .. } if *binary == of => Some((true, *text)),
        EnforcedBy::Warns { binary, text } if *binary == of => Some((false, *text)),
        _ => None,
    })
}

/// Whether an example holds anything that the binary reads.
fn shows(example: &str, to: Binary) -> bool {
    match to {
        Binary::Kubeadm => reads::by_kubeadm(example),
        Binary::ApiServer => {
            reads::api_server_flags(example).is_some() || reads::shows_services(example)
        }
        Binary::ControllerManager => reads::controller_manager_flags(example).is_some(),
        Binary::Kubelet => reads::node_ip(example).is_some(),
        Binary::Proxy => reads::proxy_configuration(example).is_some(),
        Binary::Kind => reads::by_kind(example),
    }
}

/// A rule's examples for the current version of Kubernetes, and whether each is a bad one.
fn examples(rule: &'static Rule) -> impl Iterator<Item = (&'static Example, bool)> {
    let current = |example: &&Example| example.asked.version.is_none();
    let good = rule.good.iter().filter(current).map(|example| (example, false));
    good.chain(rule.bad.iter().filter(current).map(|example| (example, true)))
}

/// All examples that show a binary what the rules declare of it.
pub(crate) fn cases(of: Binary) -> Vec<Case> {
    let mut all = Vec::new();
    for rule in RULES {
        let Some((rejects, text)) = declared(rule, of) else { continue };
        let shown = examples(rule).filter(|(example, _)| shows(example.text, of));
        all.extend(shown.map(|(example, bad)| Case {
            rule,
            example: example.text,
            bad,
            rejects,
            text,
        }));
    }
    all
}

/// All examples that a binary reads and of which no rule declares that it says anything.
pub(crate) fn silent(of: Binary) -> Vec<(&'static Rule, &'static str)> {
    let speaks = |code: &str| {
        let rule = RULES.iter().find(|rule| rule.code == code);
        rule.is_some_and(|rule| declared(rule, of).is_some())
    };
    let rules = RULES.iter().filter(|rule| declared(rule, of).is_none());
    rules
        .flat_map(|rule| examples(rule).map(move |(example, _)| (rule, example)))
        .filter(|(_, example)| !example.also.iter().any(|code| speaks(code)))
        .filter(|(_, example)| shows(example.text, of))
        .map(|(rule, example)| (rule, example.text))
        .collect()
}

#[test]
fn every_rule_that_names_a_component_is_held_against_it_by_good_and_bad_examples() {
    let mut untested = Vec::new();
    let mut named = 0;
    for binary in Binary::ALL {
        let cases = cases(binary);
        for rule in RULES.iter().filter(|rule| declared(rule, binary).is_some()) {
            named += 1;
            for bad in [false, true] {
                if !cases.iter().any(|case| case.rule.code == rule.code && case.bad == bad) {
                    let kind = if bad { "bad" } else { "good" };
                    let name = binary.as_str();
                    untested.push(format!("{}: no {kind} example that {name} reads", rule.code));
                }
            }
        }
    }
    assert!(untested.is_empty(), "{}", untested.join("\n"));
    assert!(named > 30, "only {named} declarations");
}
