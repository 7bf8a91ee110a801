//! Faults between the pods of one node, and at one end of a way alone.

use super::assert_one;
use crate::{
    cause::Confidence,
    facts::Fact,
    lab::{Fault, Lab},
    net::IpFamily::V6,
    probe::{Aim, Attempt, Outcome, Target, Vantage},
};

const fn silent() -> Attempt {
    Attempt { millis: 3_010, outcome: Outcome::TimedOut }
}

#[test]
fn pods_of_a_node_that_reach_all_but_each_other_are_one_cause() {
    let lab = || Lab::dual().with(Fault::OwnPodsApart { on: "n2", family: V6 });
    let cause = assert_one(&lab(), "own_pods_apart", &["Pods on node n2", "IPv6", "each other"]);
    assert_eq!(cause.confidence, Confidence::Likely);
    assert!(cause.fix[0].contains("IPv6_rpfilter"), "{:?}", cause.fix);
    assert_one(&lab().with_hosts(), "own_pods_apart", &["Pods on node n2"]);
}

#[test]
fn backends_that_answer_their_own_node_directly_and_not_by_services_are_one_cause() {
    let lab = Lab::dual().with_hosts().with(Fault::OwnBackendsLost { on: "n2", family: V6 });
    let cause = assert_one(&lab, "own_backends_lost", &["Pods on node n2", "IPv6 Services"]);
    assert!(cause.fix[0].contains("net.bridge.bridge-nf-call-ip6tables"), "{:?}", cause.fix);
}

#[test]
fn dns_that_answers_only_where_its_pods_run_is_one_cause_for_all_other_nodes() {
    let lab = Lab::dual().changed(|lab| {
        let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { return };
        value.pods.iter_mut().for_each(|pod| pod.node = Some("n1".to_owned()));
    });
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let elsewhere = matches!(&probe.vantage, Vantage::Pod { node } if node != "n1");
        let asks = matches!(probe.aim, Aim::DnsService | Aim::Records { .. } | Aim::Pointer { .. });
        if elsewhere && asks {
            let detail = "no server answered".to_owned();
            let outcome = Outcome::DnsFailure { detail };
            seen.attempts = vec![Attempt { millis: 3_010, outcome }; 2];
        }
        Some(seen)
    });
    let [cause] = run.record.causes.as_slice() else { panic!("{:#?}", run.record.causes) };
    assert_eq!(cause.id, "dns_unreachable");
    assert!(cause.what.starts_with("Pods on n2 and n3 get no answer"), "{cause:#?}");
    assert!(cause.fix[0].contains("internalTrafficPolicy: Local"), "{cause:#?}");
}

#[test]
fn ways_that_lose_most_packets_are_called_lossy_and_not_missing() {
    let lossy = |between| Fault::Lossy { between, percent: 30, family: V6 };
    let lab = Lab::dual().with(lossy(["n1", "n3"])).with(lossy(["n2", "n3"]));
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let ends = [probe.vantage.node(), probe.aim.backend()];
        let crosses = ends.contains(&Some("n3")) && ends[0] != ends[1];
        let direct = matches!(probe.aim, Aim::Backend { .. }) && probe.family() == V6;
        if direct && crosses && matches!(probe.target, Target::Http { .. }) {
            seen.attempts = vec![silent(); 4];
        }
        Some(seen)
    });
    let causes: Vec<&str> = run.record.causes.iter().map(|cause| cause.id.as_str()).collect();
    assert_eq!(causes, ["lossy_path"]);
}

#[test]
fn a_node_that_is_cut_from_its_pods_does_not_refuse_them_either() {
    let lab = Lab::dual().with_hosts().with(Fault::HostCutFromOwnPods { at: "n2", family: V6 });
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let by_pod = probe.vantage == Vantage::Pod { node: "n2".to_owned() };
        let here = probe.aim.node().is_none_or(|node| node == "n2");
        if by_pod && here && probe.family() == V6 && matches!(probe.target, Target::Closed { .. }) {
            seen.attempts = vec![silent(); 4];
        }
        Some(seen)
    });
    let causes: Vec<&str> = run.record.causes.iter().map(|cause| cause.id.as_str()).collect();
    assert_eq!(causes, ["host_without_own_pods"]);
    assert!(
        run.record.causes[0].explains.iter().any(|name| name.starts_with("service::no_endpoints")),
        "{:#?}",
        run.record.causes
    );
}
