//! The linter against kubeadm and kube-apiserver of every version that is there, as in `proxy` against
//! kube-proxy: each example, said to be of that version, is refused by both or by neither.
//!
//! The newest is the testbed's. Others are those that `ci/older-kubernetes` builds, or the ones in
//! the directories of `DUALSTACK_COMPONENTS`; the test says which were there.

use std::sync::OnceLock;

use dualstack::lint::{
    Options, lint_text,
    model::{Asked, Version},
    rules::{Binary, EnforcedBy, Level, RULES, by_code},
};
use serde_json::{Map, Value, json};

use super::{
    api::Api,
    api_server::validate,
    binaries::every,
    kubeadm,
    reads::{api_server_flags, by_kubeadm, documents, network, shows_services},
};

/// The first version whose kubeadm takes lists of flags, in its API v1beta4.
const LISTS: Version = Version::v1(31);
/// The first version whose kubeadm has the API v1beta3.
const V1BETA3: Version = Version::v1(22);
/// The kind of kubeadm's document that has the gate.
pub(crate) const CLUSTER: &str = "ClusterConfiguration";
/// The first version in which dual-stack needs no gate.
pub(crate) const UNGATED: Version = Version::v1(21);
/// The first version whose Services have `ipFamilyPolicy`.
const FAMILY_POLICY: Version = Version::v1(20);
/// The rule of ranges that kubeadm before 1.20 took, and only kube-apiserver refused
/// (`validateMaxCIDRRange`); from 1.34 on kubeadm alone refuses them.
const SERVICES_TOO_LARGE: &str = "DS105";
/// The rule that such files without the gate break, which only older versions refuse.
const GATE_NEEDED: &str = "DS404";
/// The rule of the mode that kube-proxy before 1.31 refuses.
const NFTABLES_TOO_NEW: &str = "DS412";

/// A whole file as kubeadm of a version reads it: in the API of its time, whose flags are a mapping.
/// Nothing where the file is about API versions itself, or is no YAML.
pub(crate) fn of_its_time(whole: &str, version: Version) -> Option<String> {
    if version >= LISTS {
        return kubeadm::knows(version, whole).then(|| whole.to_owned());
    }
    let mut texts = Vec::new();
    for mut document in documents(whole) {
        let named = document["apiVersion"].as_str()?.to_owned();
        if named.starts_with("kubeadm.k8s.io/") {
            let later = ["ResetConfiguration", "UpgradeConfiguration"];
            let kind = document["kind"].as_str()?;
            let own = named.ends_with("/v1beta2") && version < V1BETA3;
            if !(named.ends_with("/v1beta4") || own) || later.contains(&kind) {
                return None;
            }
            let api = if version >= V1BETA3 { "v1beta3" } else { "v1beta2" };
            document["apiVersion"] = json!(format!("kubeadm.k8s.io/{api}"));
            if !own {
                map_flags(&mut document)?;
            }
        }
        texts.push(document.to_string());
    }
    (!texts.is_empty()).then(|| texts.join("\n---\n"))
}

/// The same file with the gate that dual-stack needed before 1.21, where a document of a kind sets none.
pub(crate) fn with_gate(whole: &str, kind: &str) -> Option<String> {
    let mut changed = false;
    let mut texts = Vec::new();
    for mut document in documents(whole) {
        if document["kind"] == kind && document["featureGates"].is_null() {
            document["featureGates"] = json!({ "IPv6DualStack": true });
            changed = true;
        }
        texts.push(document.to_string());
    }
    changed.then(|| texts.join("\n---\n"))
}

/// Turns lists of flags into mappings; nothing where one is no list already.
fn map_flags(value: &mut Value) -> Option<()> {
    if let Value::Object(fields) = value {
        for (key, value) in fields {
            if key != "extraArgs" && key != "kubeletExtraArgs" {
                map_flags(value)?;
                continue;
            }
            let mut flags = Map::new();
            for flag in value.as_array()? {
                let name = flag["name"].as_str()?.to_owned();
                if flags.insert(name, flag["value"].clone()).is_some() {
                    return None;
                }
            }
            *value = Value::Object(flags);
        }
    }
    Some(())
}

/// The rules by which the linter says that a program of a version refuses a text, in a phase of it
/// if that is given.
pub(crate) fn refusals(
    text: &str,
    version: Version,
    of: Binary,
    within: Option<&str>,
) -> Vec<&'static str> {
    let asked = Asked { version: Some(version), ..Asked::default() };
    let options = Options { asked, ..Options::default() };
    let report = lint_text("kubeadm.yaml", text.into(), None, &options);
    let by_it = |code: &str| {
        let rule = by_code(code).map_or(&[] as &[EnforcedBy], |rule| rule.enforced_by);
        let rejects = |by: &EnforcedBy| {
            matches!(by, EnforcedBy::Rejects { binary, phase, .. }
                if *binary == of && within.is_none_or(|within| within == *phase))
        };
        // What a rule declares is about the newest version.
        let before = match of {
            Binary::Kubeadm => code == GATE_NEEDED && gives_two_ranges(text),
            Binary::ApiServer => code == SERVICES_TOO_LARGE && within.is_none(),
            Binary::Proxy => [NFTABLES_TOO_NEW, GATE_NEEDED].contains(&code),
            _ => false,
        };
        rule.iter().any(rejects) || before
    };
    let errors = report.findings.iter().filter(|finding| finding.level == Level::Error);
    let taken = of == Binary::Kubeadm && version < Version::v1(20);
    let codes = errors.map(|finding| finding.code).filter(|code| by_it(code));
    codes.filter(|code| !(taken && *code == SERVICES_TOO_LARGE)).collect()
}

/// Whether kubeadm itself is given a second range. It hands kube-proxy's settings on unread, so that
/// only kube-proxy refuses two ranges there.
fn gives_two_ranges(text: &str) -> bool {
    let all = documents(text);
    let ranges = ["podSubnet", "serviceSubnet"].map(|field| network(&all, field));
    ranges.into_iter().flatten().any(|range| range.contains(','))
}

/// What the linter finds that a program of a version refuses or warns of, and its other errors.
pub(crate) fn complaints(
    text: &str,
    version: Version,
    of: Binary,
) -> (Vec<&'static str>, Vec<&'static str>) {
    let asked = Asked { version: Some(version), ..Asked::default() };
    let options = Options { asked, ..Options::default() };
    let report = lint_text("kubeadm.yaml", text.into(), None, &options);
    let by_it = |code: &str| {
        let rule = by_code(code).map_or(&[] as &[EnforcedBy], |rule| rule.enforced_by);
        rule.iter().any(|by| match by {
            EnforcedBy::Rejects { binary, .. } | EnforcedBy::Warns { binary, .. } => *binary == of,
            _ => false,
        })
    };
    let errors = report.findings.iter().filter(|finding| finding.level == Level::Error);
    errors.map(|finding| finding.code).partition(|code| by_it(code))
}

#[test]
fn the_linter_and_kubeadm_of_each_version_refuse_the_same_examples() {
    let found = every("kubeadm");
    if found.is_empty() {
        return;
    }
    let versions: Vec<String> = found.iter().map(|(version, _)| version.to_string()).collect();
    eprintln!("kubeadm of {}", versions.join(", "));
    let mut wrong = Vec::new();
    for (version, binary) in found {
        let mut tried = 0;
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        for example in examples.filter(|example| by_kubeadm(example.text)) {
            // What names a version of its own is about that one.
            if example.text.contains("kubernetesVersion:") {
                continue;
            }
            let whole = kubeadm::whole_of(example.text, version);
            let Some(whole) = of_its_time(&whole, version) else { continue };
            let gated = (version < UNGATED).then(|| with_gate(&whole, CLUSTER)).flatten();
            for whole in gated.into_iter().chain([whole]) {
                tried += 1;
                let (accepted, said) = kubeadm::validate_whole(&binary, version, &whole);
                let codes = refusals(&whole, version, Binary::Kubeadm, None);
                if accepted != codes.is_empty() {
                    wrong.push(format!(
                        "{version}: accepted: {accepted}, we: {codes:?}\n{said}\n{whole}"
                    ));
                }
            }
        }
        eprintln!("kubeadm {version}: {tried} examples");
        assert!(tried > 30, "only {tried} examples were tried with kubeadm {version}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

/// When kube-apiserver refuses a Service, in the words of the rules.
const ADMITTING: &str = "admitting the Service";

#[test]
fn the_linter_and_kube_apiserver_of_each_version_refuse_the_same_flags() {
    let mut wrong = Vec::new();
    for (version, binary) in every("kube-apiserver") {
        let mut tried = 0;
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        for example in examples.filter(|example| !shows_services(example.text)) {
            // What names a version of its own is about that one.
            if example.text.contains("kubernetesVersion:") {
                continue;
            }
            let Some(mut flags) = api_server_flags(example.text) else { continue };
            let dual = flags
                .iter()
                .any(|flag| flag.starts_with("--service-cluster-ip-range=") && flag.contains(','));
            let gated = flags.iter().any(|flag| flag.starts_with("--feature-gates"));
            if dual && version < UNGATED && !gated {
                flags.push("--feature-gates=IPv6DualStack=true".to_owned());
            }
            tried += 1;
            let (accepted, said) = validate(&binary, &flags);
            let mut codes = refusals(example.text, version, Binary::ApiServer, None);
            let services = refusals(example.text, version, Binary::ApiServer, Some(ADMITTING));
            codes.retain(|code| !services.contains(code));
            if accepted != codes.is_empty() {
                wrong.push(format!(
                    "{version}: accepted: {accepted}, we: {codes:?}\n{said}\n{}",
                    example.text
                ));
            }
        }
        eprintln!("kube-apiserver {version}: {tried} sets of flags");
        assert!(tried > 2, "only {tried} sets of flags were tried with kube-apiserver {version}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

#[test]
fn the_linter_and_kube_apiserver_of_each_version_refuse_the_same_services() {
    const BOTH: &str = "10.96.0.0/16,fd00:10:96::/112";
    let found = every("kube-apiserver");
    let versions: Vec<String> = found.iter().map(|(version, _)| version.to_string()).collect();
    eprintln!("kube-apiserver of {}", versions.join(", "));
    let mut wrong = Vec::new();
    for (version, binary) in found {
        if version < FAMILY_POLICY {
            eprintln!("kube-apiserver {version}: its Services have no ipFamilyPolicy");
            continue;
        }
        let (dual, single) = (OnceLock::new(), OnceLock::new());
        let mut tried = 0;
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        for example in examples.filter(|example| shows_services(example.text)) {
            let all = documents(example.text);
            let ranges = network(&all, "serviceSubnet").unwrap_or_else(|| BOTH.to_owned());
            let api = match ranges.as_str() {
                BOTH => &dual,
                "10.96.0.0/16" => &single,
                _ => continue,
            };
            let start = || Api::start_of(&binary, None, &ranges);
            let Some(api) = api.get_or_init(start) else { return };
            tried += 1;
            let arguments = ["create", "--dry-run=server", "--validate=strict"];
            let mut said = String::new();
            let services = all.iter().filter(|document| document["kind"] == "Service");
            for mut service in services.cloned() {
                // There are no namespaces here but Kubernetes' own.
                if let Some(metadata) = service["metadata"].as_object_mut() {
                    metadata.remove("namespace");
                }
                // Examples leave out what has nothing to do with families.
                if service["spec"]["ports"].is_null() {
                    service["spec"]["ports"] = json!([{ "port": 80 }]);
                }
                let (admitted, answer) = api.kubectl(&arguments, &service);
                if !admitted {
                    said.push_str(&answer);
                }
            }
            let codes = refusals(example.text, version, Binary::ApiServer, Some(ADMITTING));
            if said.is_empty() != codes.is_empty() {
                wrong.push(format!("{version}: we: {codes:?}, it: {said}\n{}", example.text));
            }
        }
        eprintln!("kube-apiserver {version}: {tried} examples");
        assert!(tried > 15, "only {tried} examples were tried with kube-apiserver {version}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
