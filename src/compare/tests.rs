//! Comparisons of runs in the lab.

use std::collections::BTreeSet;

use super::*;
use crate::{
    check::Stage,
    exit::Exit,
    facts::Fact,
    fixture::{Exclusion, ExclusionKind},
    lab::{Fault, Lab, Run},
    net::IpFamily::{V4, V6},
    record::BrokenOff,
};

/// One of each kind.
fn faults() -> Vec<Fault> {
    vec![
        Fault::NoRoute { at: "n2", to: "n1", family: V6 },
        Fault::SilentRoute { at: "n2", to: "n1", family: V4 },
        Fault::ClusterIpDropped { at: "n1", family: V6 },
        Fault::NodePortDropped { at: "n2", family: V6 },
        Fault::NodePortRefused { at: "n2", family: V4 },
        Fault::NodePortFiltered { at: "n2", family: V6 },
        Fault::NotListening { on: "n3", family: V6 },
        Fault::PodFiltered { on: "n3", family: V4 },
        Fault::NotForwarding { on: "n1", family: V6 },
        Fault::CutOff { node: "n1", family: V6 },
        Fault::NoWayOutside { family: V6 },
        Fault::Narrow { from: "n1", to: "n2", family: V6 },
        Fault::NarrowOutside { at: "n1", family: V6 },
        Fault::Masquerade { at: "n1", family: V6 },
        Fault::NoRecords { pod: None, family: V6 },
        Fault::NoNames { pod: Some("coredns-a") },
        Fault::NoEndpoints { family: V6 },
        Fault::DnsDown,
        Fault::HairpinOff { at: "n2" },
        Fault::RejectDropped { at: "n2", family: V6 },
        Fault::UdpDropped { at: "n2", family: V6 },
        Fault::Lossy { between: ["n1", "n2"], percent: 40, family: V6 },
        Fault::WrongBackend { of: "n1", to: "n3" },
        Fault::OwnRoutesMissing { on: "n2", family: V6 },
        Fault::ForwardDropped { on: "n2", family: V4 },
        Fault::WebPortDropped { on: "n1", family: V6 },
        Fault::ServiceMasqueradeLost { at: "n2", family: V4 },
        Fault::NodePortWayBack { at: Some("n1"), from: None, family: V6 },
        Fault::DatagramsDropped { on: "n2", family: V6 },
        Fault::MasqueradeEntering { at: "n2", family: V6 },
        Fault::DnsDeaf { pod: "coredns-a" },
        Fault::WrongRecords { pod: None, family: V6 },
        Fault::ExternalLocal,
        Fault::InternalLocal,
        Fault::KeepsToOne,
    ]
}

fn healthy() -> Run {
    Lab::dual().run()
}

/// The same cluster some days later: another run, with other addresses and other pods.
fn another(fault: Option<Fault>) -> Run {
    let mut lab = Lab::dual().changed(|lab| {
        lab.fixture.run = "zz9zz".to_owned();
        lab.fixture.namespace = "dualstack-zz9zz".to_owned();
        for service in &mut lab.fixture.services {
            let text = serde_json::to_string(&(&service.allocation, &service.changes)).unwrap();
            let moved =
                text.replace("10.96.1.", "10.96.7.").replace("fd00:10:96::1", "fd00:10:96::7");
            (service.allocation, service.changes) = serde_json::from_str(&moved).unwrap();
        }
        for pod in lab.fixture.backends.iter_mut() {
            pod.pod = pod.pod.as_ref().map(|name| name.replace("xyz", "bcdfg"));
        }
    });
    if let Some(fault) = fault {
        lab = lab.with(fault);
    }
    lab.run()
}

fn names(changes: &[Change]) -> BTreeSet<&str> {
    changes.iter().map(|change| change.case.as_str()).collect()
}

fn red(run: &Run) -> BTreeSet<String> {
    run.names(Status::Fail).into_iter().collect()
}

#[test]
fn every_fault_is_told_as_its_red_cases_and_its_cause_and_as_fixed_the_other_way_round() {
    for fault in faults() {
        let (old, new) = (healthy(), another(Some(fault.clone())));
        let found = compare(&old.record, &new.record);
        let expected = red(&new);
        assert_eq!(names(&found.regressions), expected.iter().map(String::as_str).collect());
        let came: Vec<&str> = found.causes.came.iter().map(|cause| cause.what.as_str()).collect();
        let named: Vec<&str> = new.record.causes.iter().map(|cause| cause.what.as_str()).collect();
        assert_eq!(came, named, "{fault:?}");
        assert_eq!(found.causes.went, []);
        assert_eq!((found.fixed, found.gone), (vec![], vec![]), "{fault:?}");
        assert_eq!((found.slower, found.faster), (vec![], vec![]), "{fault:?}");
        assert_eq!(found.facts, [], "{fault:?}");
        let doubts: BTreeSet<String> = new.names(Status::Inconclusive).into_iter().collect();
        assert_eq!(names(&found.inconclusive), doubts.iter().map(String::as_str).collect());
        let back = compare(&new.record, &old.record);
        assert_eq!(names(&back.fixed), expected.iter().map(String::as_str).collect());
        assert_eq!((back.regressions, back.inconclusive), (vec![], vec![]), "{fault:?}");
        let went: Vec<&str> = back.causes.went.iter().map(|cause| cause.what.as_str()).collect();
        assert_eq!(went, named, "{fault:?}");
        assert_eq!(back.causes.came, []);
    }
}

#[test]
fn two_runs_on_one_cluster_with_other_addresses_and_pods_differ_in_nothing() {
    let (old, new) = (healthy(), another(None));
    let found = compare(&old.record, &new.record);
    assert_eq!(found.unchanged, old.record.judged.len());
    assert_eq!(found.exit(), Exit::Passed);
    assert_eq!(found.appeared, 0);
    assert_eq!((found.gone, found.facts), (vec![], vec![]));
}

#[test]
fn the_same_fault_in_both_runs_is_still_there_and_no_regression() {
    let fault = Fault::NodePortDropped { at: "n2", family: V6 };
    let (old, new) = (Lab::dual().with(fault.clone()).run(), another(Some(fault)));
    let found = compare(&old.record, &new.record);
    assert_eq!(found.still_failing.len(), red(&new).len());
    assert_eq!((found.regressions.len(), found.exit()), (0, Exit::Passed));
    assert_eq!((found.causes.came.len(), found.causes.stayed.len()), (0, 1));
}

#[test]
fn one_fault_in_place_of_another_is_one_that_went_and_one_that_came() {
    let old = Lab::dual().with(Fault::HairpinOff { at: "n1" }).run();
    let new = Lab::dual().with(Fault::NoRecords { pod: None, family: V6 }).run();
    let found = compare(&old.record, &new.record);
    assert_eq!(found.causes.went.len(), 1, "{:?}", found.causes);
    assert_eq!(found.causes.came.len(), 1, "{:?}", found.causes);
    assert_eq!(found.exit(), Exit::Failed);
}

#[test]
fn a_dns_pod_that_was_replaced_is_the_same_case_wherever_it_runs() {
    let with_pods = |pods: [(&str, &str); 2]| {
        Lab::dual().changed(|lab| {
            let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { panic!() };
            for (pod, (name, node)) in value.pods.iter_mut().zip(pods) {
                pod.name = name.to_owned();
                pod.node = Some(node.to_owned());
            }
        })
    };
    let old = with_pods([("coredns-589f44dc88-c4g7q", "n1"), ("coredns-589f44dc88-vxkml", "n2")]);
    let new = with_pods([("coredns-7c65d6cfc9-bbbbb", "n2"), ("coredns-7c65d6cfc9-ccccc", "n3")]);
    let found = compare(&old.run().record, &new.run().record);
    assert_eq!((found.gone.len(), found.appeared), (0, 0), "{:?}", found.gone);
    let broken = new.with(Fault::NoNames { pod: Some("coredns-7c65d6cfc9-ccccc") });
    let found = compare(&old.run().record, &broken.run().record);
    assert!(!found.regressions.is_empty());
    assert!(
        found.regressions.iter().any(|change| change.case.contains("coredns-7c65d6cfc9-ccccc"))
    );
}

#[test]
fn a_check_that_is_no_longer_run_leaves_a_gap() {
    let new = Lab::dual().changed(|lab| lab.suite.checks.retain(|name| name != "dns"));
    let new = new.changed(|lab| lab.suite.checks.retain(|name| !name.starts_with("dns")));
    let found = compare(&healthy().record, &new.run().record);
    assert!(!found.gone.is_empty());
    assert!(found.gone.iter().all(|gone| gone.because == RemovalReason::CheckNotRun));
    assert!(found.facts.iter().any(|fact| fact.what == "dns::records"), "{:?}", found.facts);
    assert_eq!(found.exit(), Exit::Inconclusive);
}

#[test]
fn a_node_that_left_the_cluster_is_a_fact_and_leaves_no_gap() {
    let (old, new) = (healthy(), Lab::new(2, &[V4, V6]).run());
    let found = compare(&old.record, &new.record);
    let left = RemovalReason::NodeLeft { node: "n3".to_owned() };
    assert!(!found.gone.is_empty());
    assert!(found.gone.iter().all(|gone| gone.because == left), "{:?}", found.gone);
    assert!(found.facts.iter().any(|fact| fact.what == "node n3"));
    assert_eq!(found.exit(), Exit::Passed);
}

#[test]
fn a_node_that_is_no_longer_tested_leaves_a_gap() {
    let new = Lab::dual().changed(|lab| {
        let kind = ExclusionKind::Deliberate;
        lab.fixture.nodes[2].excluded = Some(Exclusion { kind, reason: "cordoned".to_owned() });
        lab.fixture.backends.pop();
        lab.fixture.probes.pop();
        lab.fixture.services.retain(|service| !service.role.to_string().ends_with("n3"));
    });
    let found = compare(&healthy().record, &new.run().record);
    let untested = RemovalReason::NodeNotTested { node: "n3".to_owned() };
    assert!(found.gone.iter().any(|gone| gone.because == untested), "{:?}", found.gone);
    assert_eq!((found.regressions.len(), found.exit()), (0, Exit::Inconclusive));
}

#[test]
fn what_can_no_longer_be_told_is_not_fixed() {
    let old = Lab::dual().with(Fault::NoRoute { at: "n2", to: "n1", family: V6 }).run();
    let found = compare(&old.record, &Lab::dual().without_exec().record);
    let failed_before = |change: &&Change| change.before == Some(Status::Fail);
    assert!(found.inconclusive.iter().filter(failed_before).count() > 0);
    // What this machine tries needs no exec.
    let told = |change: &Change| change.case.contains("outside -> ");
    assert!(found.fixed.iter().all(told), "{:?}", found.fixed);
    assert_eq!(found.exit(), Exit::Inconclusive);
}

#[test]
fn a_run_that_broke_off_is_no_success() {
    let why = BrokenOff { error: "interrupted".to_owned(), exit: Some(Exit::Interrupted) };
    let new = Lab::dual().broken_off(Stage::Applied, "n1", why);
    let found = compare(&healthy().record, &new.record);
    assert_eq!(found.new.broken_off.as_deref(), Some("interrupted"));
    assert_eq!(found.exit(), Exit::Inconclusive);
}

#[test]
fn a_path_is_slower_if_its_fastest_answers_are_and_not_by_one_bad_one() {
    let timed = |slow: &'static str, millis: u32, all: bool| {
        let lab = Lab::dual();
        lab.judge(|probe| {
            let mut seen = lab.observe(probe);
            if probe.vantage.to_string() == slow {
                let attempts = seen.attempts.iter_mut();
                attempts.take(if all { usize::MAX } else { 1 }).for_each(|it| it.millis = millis);
            }
            Some(seen)
        })
        .record
    };
    let found = compare(&healthy().record, &timed("pod on n2", 400, true));
    assert!(!found.slower.is_empty());
    assert!(found.slower.iter().all(|change| (change.before_ms, change.now_ms) == (10, 400)));
    assert_eq!((found.faster.len(), found.exit()), (0, Exit::Passed));
    let found = compare(&healthy().record, &timed("pod on n2", 3_000, false));
    assert_eq!(found.slower, [], "one unlucky attempt says nothing");
    let found = compare(&healthy().record, &timed("pod on n2", 90, true));
    assert_eq!(found.slower, [], "a busy machine takes so long");
}

#[test]
fn facts_that_changed_are_told_and_addresses_are_none() {
    let new = Lab::dual().changed(|lab| {
        lab.facts.server.version = "v1.37.0".to_owned();
        if let Fact::Known { value, .. } = &mut lab.facts.cni {
            value.version = Some("v2".to_owned());
        }
        if let Fact::Known { value, .. } = &mut lab.facts.kube_proxy {
            value.mode = "nftables".to_owned();
        }
        lab.node("n2").kubelet_version = "v1.37.0".to_owned();
        lab.node("n1").pod_cidrs = vec!["10.9.9.0/24".to_owned(), "fd00:9::/64".to_owned()];
        lab.node("n3").addresses.retain(|address| !address.address.contains(':'));
    });
    let found = compare(&healthy().record, &new.run().record);
    let told: Vec<String> = found
        .facts
        .iter()
        .map(|fact| format!("{}: {} -> {}", fact.what, fact.before, fact.now))
        .collect();
    assert_eq!(
        told,
        [
            "Kubernetes: v1.36.3 -> v1.37.0",
            "CNI: kindnet -> kindnet v2",
            "kube-proxy mode: default -> nftables",
            "kubelet of n2: v1.36.3 -> v1.37.0",
            "InternalIPs of n3: IPv4, IPv6 -> IPv4",
        ]
    );
}
