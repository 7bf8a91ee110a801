//! Each fault of the testbed turns exactly the cases red that the testbed's own words say, with
//! the right cause named.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use dualstack::{cause::Judged, check::Status, net::IpFamily, probe::Outcome, record::Record};
use matrix::truth::{Judgement, options, suite};
use serde_json::Value;
use testbed::{
    fault::{
        ClusterIpDropped, DnsRecordMissing, Fault, InternalIpMissing, NodePortDropped,
        PodAddressMissing, RouteMissing,
    },
    path::{self, Made, Net, Path},
    shape::NETWORKS,
    spec::{Cni, Family},
};

use super::{
    bed::Bed,
    healthy::assert_passed,
    lifecycle::until,
    product::{Run, dualstack, run},
    trial::Trial,
};

const FAMILIES: [Option<Family>; 3] = [Some(Family::V6), None, Some(Family::V4)];

/// Every fault there is, of which the quick ones are tried always, and what one fault alone shows.
pub fn trials() -> Vec<Trial> {
    let each = FAMILIES.into_iter().flat_map(Fault::examples).map(|fault| {
        let long = !quick().contains(&fault);
        trial(fault, Cni::Ptp, long)
    });
    let others = [
        Trial::new(
            "faults::a_route_missing_reddens_both_directions_differently",
            one_way_loss,
            false,
        ),
        Trial::new("faults::endpoint_slices_that_a_policy_refuses", slices_refused, false),
        Trial::new("faults::the_quick_ones_are_red_and_green_again_ten_times", ten_times, true),
    ];
    each.chain(others).collect()
}

/// Every fault of a pod network that isn't the testbed's own, on a cluster over that network.
pub fn of_networks() -> Vec<Trial> {
    let over = |network| {
        let faults = FAMILIES.into_iter().flat_map(move |it| Fault::examples_on(network, it));
        faults.map(move |fault| trial(fault, network, true))
    };
    NETWORKS.iter().flat_map(|shape| over(shape.cni())).collect()
}

fn trial(fault: Fault, network: Cni, long: bool) -> Trial {
    Trial {
        name: format!("faults::{fault}").replace(" --", "::").replace(' ', "="),
        long,
        network,
        test: Box::new(move |bed| is_found(bed, &fault)),
    }
}

/// The faults that are tried in every run of the tests: one of each kind of case.
fn quick() -> [Fault; 6] {
    let (family, node) = (Family::V6, || "n2".to_owned());
    [
        InternalIpMissing { family, node: node() }.into(),
        PodAddressMissing { family, node: node() }.into(),
        NodePortDropped { family, node: node() }.into(),
        ClusterIpDropped { family, node: node() }.into(),
        route_missing(),
        DnsRecordMissing { family }.into(),
    ]
}

/// The fault of one direction between two nodes.
pub fn route_missing() -> Fault {
    RouteMissing { family: Family::V6, node: "n2".to_owned(), to: "n3".to_owned() }.into()
}

fn is_found(bed: &Bed, fault: &Fault) {
    let suite = suite(fault);
    let options = options(fault);
    let told = ["--suite", suite, "--outside", "required"].into_iter();
    let told: Vec<&str> = told.chain(options.iter().map(String::as_str)).collect();
    let healthy = healthy(bed, suite);
    let broken = bed.break_on_purpose(fault);
    let run = run(bed, &told);
    drop(broken);
    let net = Net::new(&bed.spec(), bed.spec().node_names().collect());
    // A node that could run no pods may be tainted for a while.
    if concerns(fault, &net, |path| matches!(path, Path::PodAddress { .. }), path::Outcome::Unseen)
    {
        bed.wait_repaired();
    }
    if concerns(fault, &net, |path| matches!(path, Path::DnsRecord { .. }), path::Outcome::Either) {
        bed.renew_dns();
    }
    assert_exactly(bed, &run, fault);
    // What is asked for beside the suite is not in the healthy record.
    if options.is_empty() {
        assert_is_the_difference(bed, &healthy, &run);
    }
}

/// The records of runs before anything was broken, by the suite and the pod network.
static HEALTHY: Mutex<BTreeMap<(String, String), Record>> = Mutex::new(BTreeMap::new());

/// The record of a run of a suite before anything was broken.
fn healthy(bed: &Bed, suite: &str) -> Record {
    let records = || HEALTHY.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (suite.to_owned(), bed.spec().cni.to_string());
    let known = records().get(&key).cloned();
    known.unwrap_or_else(|| {
        let healthy = run(bed, &["--suite", suite, "--outside", "required"]);
        assert_passed(bed, &healthy);
        records().entry(key).or_insert(healthy.record().clone()).clone()
    })
}

/// What `diff` tells of a healthy and a broken run is what the broken run tells: its causes came, and its
/// failures are new.
fn assert_is_the_difference(bed: &Bed, healthy: &Record, broken: &Run) {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, record: &Record| {
        let path = directory.path().join(name);
        fs::write(&path, serde_json::to_vec(record).unwrap()).unwrap();
        path
    };
    let diff = |old: &PathBuf, new: &PathBuf| {
        let output =
            dualstack(bed, &["diff", "--output", "json"]).arg(old).arg(new).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), found)
    };
    let told = |list: &Value, field: &str| -> BTreeSet<String> {
        let of = |it: &Value| it[field].as_str().map(str::to_owned);
        list.as_array().into_iter().flatten().filter_map(of).collect()
    };
    let (old, new) = (file("old.json", healthy), file("new.json", broken.record()));
    let red: BTreeSet<String> = broken.cases(Status::Fail).into_iter().collect();
    let causes: BTreeSet<String> =
        broken.record().causes.iter().map(|cause| cause.what.clone()).collect();

    let (code, found) = diff(&old, &new);
    assert_eq!(told(&found["regressions"], "case"), red, "{found:#}");
    assert_eq!(told(&found["causes"]["came"], "what"), causes, "{found:#}");
    assert_eq!(code == Some(1), !red.is_empty(), "{found:#}");

    let (_, found) = diff(&new, &old);
    assert_eq!(told(&found["causes"]["went"], "what"), causes, "{found:#}");
    assert_eq!(told(&found["regressions"], "case"), BTreeSet::new(), "{found:#}");
}

/// Whether anything of a kind may not work while the fault lasts.
fn concerns(fault: &Fault, net: &Net, is: impl Fn(&Path) -> bool, what: path::Outcome) -> bool {
    net.paths(Made::After)
        .iter()
        .filter(|path| is(path))
        .any(|path| fault.outcome(path, net) >= what)
}

fn assert_exactly(bed: &Bed, run: &Run, fault: &Fault) {
    let mut judgement = Judgement::of(fault, run.record(), &bed.spec());
    // A machine without time to spare leaves doubts about what is sound. What must be red is held to it.
    judgement.undetermined.retain(|case| !doubted_for_time(run, case));
    assert!(judgement.is_exact(), "{fault}: {judgement:#?}\n{}", run.output);
    assert_eq!(run.code == 1, judgement.is_red(), "{fault}:\n{}", run.output);
}

/// Whether a case is inconclusive because the machine was too busy, and says so.
fn doubted_for_time(run: &Run, case: &str) -> bool {
    let of_it = |judged: &&Judged| judged.case.name() == case;
    run.judged().find(of_it).is_some_and(|judged| judged.verdict.detail().contains("too busy"))
}

fn ten_times(bed: &Bed) {
    for _ in 0..10 {
        for fault in quick() {
            is_found(bed, &fault);
            assert_passed(bed, &run(bed, &["--outside", "required"]));
        }
    }
}

/// The node without the route is told at once that there is no way; the other one sends into a
/// void, because only the answers are lost.
fn one_way_loss(bed: &Bed) {
    let _broken = bed.break_on_purpose(&route_missing());
    let run = run(bed, &["--outside", "required"]);
    assert_exactly(bed, &run, &route_missing());
    let outcomes = |cases: &str| -> Vec<Outcome> {
        let judged = run.judged().filter(|judged| judged.case.name().ends_with(cases));
        let seen = judged.flat_map(|judged| run.record().observations(judged));
        seen.flat_map(|seen| &seen.attempts).map(|attempt| attempt.outcome.clone()).collect()
    };
    let there = outcomes("/ipv6/n2 -> n3");
    let back = outcomes("pod::reachable/ipv6/n3 -> n2");
    let told = |outcome: &Outcome| matches!(outcome, Outcome::Unreachable { .. });
    // A kernel limits how often it says so, and leaves most attempts to time out.
    assert!(there.iter().any(told), "{there:?}");
    assert!(!back.is_empty() && back.iter().all(|o| *o == Outcome::TimedOut), "{back:?}");
}

/// An admission policy that lets nobody write an EndpointSlice of IPv6, until this is dropped.
struct Refused<'a>(&'a Bed);

const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: no-ipv6-slices }
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [discovery.k8s.io]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [endpointslices]
  validations:
    - expression: object.addressType != 'IPv6'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: no-ipv6-slices }
spec: { policyName: no-ipv6-slices, validationActions: [Deny] }
"#;

const SLICE: &str = r#"
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: probe }
addressType: IPv6
endpoints: []
ports: []
"#;

fn slices_refused(bed: &Bed) {
    let apply = |options: &str, text: &str| {
        let script = format!("kubectl apply {options} -f - 2>&1 <<'END' || true\n{text}\nEND");
        bed.testbed(&["exec", "n1", "--", "sh", "-c", &script])
    };
    let refused = Refused(bed);
    apply("", POLICY);
    // The API server takes a moment to follow a new policy.
    until("the policy to be followed", || {
        apply("--dry-run=server", SLICE).contains("no-ipv6-slices")
    });
    let run = run(bed, &["--outside", "required"]);
    drop(refused);
    let red: Vec<_> =
        run.judged().filter(|judged| judged.verdict.status() == Status::Fail).collect();
    let slices = red.iter().filter(|judged| judged.case.check == "service::endpoint_slices");
    let of_services = run.judged().filter(|judged| {
        judged.case.check == "service::endpoint_slices" && judged.case.family == Some(IpFamily::V6)
    });
    assert_eq!(slices.count(), of_services.count(), "each Service of IPv6:\n{}", run.output);
    for judged in &red {
        let name = judged.case.name();
        assert_eq!(judged.case.family, Some(IpFamily::V6), "{name}:\n{}", run.output);
        assert_ne!(judged.case.check, "pod::reachable", "pods need no slices:\n{}", run.output);
    }
    let causes: Vec<_> = run.record().causes.iter().map(|cause| cause.id.as_str()).collect();
    assert!(causes.contains(&"endpoints_missing"), "{causes:?}\n{}", run.output);
}

impl Drop for Refused<'_> {
    fn drop(&mut self) {
        for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
            self.0.kubectl(&["delete", kind, "no-ipv6-slices", "--ignore-not-found"]);
        }
    }
}
