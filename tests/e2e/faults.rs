//! Each fault turns exactly the cases red that the cluster's topology says, with the cause named.

use std::collections::BTreeSet;

use dualstack::{
    check::{Status, Subject},
    net::IpFamily,
    probe::Outcome,
};

use super::{
    Test,
    bed::Bed,
    healthy::assert_passed,
    lifecycle::until,
    product::{Run, run},
    topology::{Family, Fault},
};

pub const QUICK: &[(&str, Test)] = &[
    ("faults::a_node_without_an_internal_ip", |bed| is_found(bed, INTERNAL_IP, Family::V6)),
    ("faults::pods_without_an_address", |bed| is_found(bed, POD_ADDRESS, Family::V6)),
    ("faults::node_ports_dropped_on_a_node", |bed| is_found(bed, NODE_PORT, Family::V6)),
    ("faults::cluster_ips_dropped_on_a_node", |bed| is_found(bed, CLUSTER_IP, Family::V6)),
    ("faults::a_route_missing_reddens_both_directions_differently", one_way_loss),
    ("faults::dns_without_records", |bed| is_found(bed, DNS, Family::V6)),
    ("faults::endpoint_slices_that_a_policy_refuses", slices_refused),
];

pub const LONG: &[(&str, Test)] = &[
    ("faults::the_ipv4_mirror_of_each", |bed| {
        // A cluster's kubelet can't be without an address of the primary family.
        for fault in [NODE_PORT, CLUSTER_IP, ROUTE, DNS] {
            is_found(bed, fault, Family::V4);
        }
    }),
    ("faults::each_is_red_and_green_again_ten_times", |bed| {
        for _ in 0..10 {
            for fault in [INTERNAL_IP, POD_ADDRESS, NODE_PORT, CLUSTER_IP, ROUTE, DNS] {
                is_found(bed, fault, Family::V6);
                assert_passed(bed, &run(bed, &["--outside", "required"]));
            }
        }
    }),
];

const INTERNAL_IP: Fault = Fault::InternalIpMissing { node: "n2" };
const POD_ADDRESS: Fault = Fault::PodAddressMissing { node: "n2" };
const NODE_PORT: Fault = Fault::NodePortDropped { node: "n2" };
const CLUSTER_IP: Fault = Fault::ClusterIpDropped { node: "n2" };
const ROUTE: Fault = Fault::RouteMissing { node: "n2", to: "n3" };
const DNS: Fault = Fault::DnsRecordMissing;

fn is_found(bed: &Bed, fault: Fault, family: Family) {
    let _broken = bed.break_on_purpose(&fault.words(family));
    let run = run(bed, &["--outside", "required"]);
    assert_exactly(&run, fault, family);
}

fn assert_exactly(run: &Run, fault: Fault, family: Family) {
    let red: BTreeSet<String> = run.cases(Status::Fail).into_iter().collect();
    let expected = fault.red(family, &dns_pods(run));
    let missed: Vec<_> = expected.difference(&red).collect();
    let wrong: Vec<_> = red.difference(&expected).collect();
    assert!(
        missed.is_empty() && wrong.is_empty(),
        "{fault:?} in {family:?}: green and should be red: {missed:#?}\nred and should not be: \
         {wrong:#?}\n{}",
        run.output
    );
    let doubtful = run.cases(Status::Inconclusive);
    assert!(doubtful.is_empty(), "{fault:?} in {family:?}: {doubtful:#?}\n{}", run.output);
    assert_eq!(run.code, 1, "{}", run.output);
    let causes = &run.record().causes;
    let named: Vec<_> = causes.iter().map(|cause| cause.id.as_str()).collect();
    assert!(named.contains(&fault.cause()), "{fault:?} in {family:?}: {named:?}\n{}", run.output);
    let explained: BTreeSet<&String> = causes.iter().flat_map(|cause| &cause.explains).collect();
    let unexplained: Vec<_> = red.iter().filter(|name| !explained.contains(name)).collect();
    assert!(unexplained.is_empty(), "{fault:?}: no cause explains {unexplained:#?}");
}

/// The subjects of the cases that ask a DNS pod.
fn dns_pods(run: &Run) -> Vec<String> {
    let subjects: BTreeSet<String> = run
        .judged()
        .filter(|judged| {
            judged.case.check == "dns::records"
                && matches!(judged.case.subject, Subject::Pod { .. })
        })
        .map(|judged| judged.case.subject.to_string())
        .collect();
    subjects.into_iter().collect()
}

/// The node without the route is told at once that there is no way; the other one sends into a
/// void, because only the answers are lost.
fn one_way_loss(bed: &Bed) {
    let _broken = bed.break_on_purpose(&ROUTE.words(Family::V6));
    let run = run(bed, &["--outside", "required"]);
    assert_exactly(&run, ROUTE, Family::V6);
    let outcomes = |case: &str| -> Vec<Outcome> {
        let judged = run.judged().find(|judged| judged.case.name() == case).unwrap();
        let seen = run.record().observations(judged);
        seen.flat_map(|seen| &seen.attempts).map(|attempt| attempt.outcome.clone()).collect()
    };
    let there = outcomes("pod::reachable/ipv6/n2 -> n3");
    let back = outcomes("pod::reachable/ipv6/n3 -> n2");
    let told = |outcome: &Outcome| matches!(outcome, Outcome::Unreachable { .. });
    // A kernel limits how often it says so, and now and then leaves an attempt to time out.
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
