//! What belongs to which part of a report: each check says it of itself.

use crate::check::{DynCheck, Level, REGISTRY};

/// The name of the profile.
pub(crate) const PROFILE: &str = "DUAL-STACK";

/// The ids of the checks of the core.
pub(super) fn core() -> Vec<&'static str> {
    let core = REGISTRY.iter().filter(|check| check.promise().about.level == Level::Core);
    core.map(|check| check.id()).collect()
}

/// A feature beyond the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExtendedFeature {
    /// Its name.
    pub(super) name: String,
    /// The ids of the checks that show it.
    pub(super) checks: Vec<&'static str>,
}

/// The extended features, in the registry's order.
pub(super) fn extended() -> Vec<ExtendedFeature> {
    let mut features: Vec<ExtendedFeature> = Vec::new();
    for check in REGISTRY.iter() {
        let Some(name) = feature(*check) else { continue };
        match features.iter_mut().find(|feature| feature.name == name) {
            Some(feature) => feature.checks.push(check.id()),
            None => features.push(ExtendedFeature { name, checks: vec![check.id()] }),
        }
    }
    features
}

/// The feature that a check shows: `PodHostPorts` for `pod::host_ports` unless it says otherwise.
fn feature(check: &dyn DynCheck) -> Option<String> {
    match check.promise().about.level {
        Level::Core | Level::Own => None,
        Level::Feature(name) => Some(name.to_owned()),
        Level::Extended => Some(camel_case(check.id())),
    }
}

fn camel_case(id: &str) -> String {
    let words = id.split([':', '_']).filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    words.map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_without_a_name_is_named_after_its_check() {
        assert_eq!(camel_case("node_port::from_pod"), "NodePortFromPod");
    }
}
