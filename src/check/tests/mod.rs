//! The registry as a whole, and what holds for every judge.

mod busy;
mod change;
mod control_plane;
mod egress;
mod groups;
mod health;
mod host_backend;
mod load_balancer;
mod nodes;
mod policy;
mod property;
mod ranges;
mod reading;
mod target;
mod untested;

use std::collections::BTreeSet;

use super::{Blocked, DynCheck, REGISTRY, Stage, Status, Verdict, by_id};
use crate::{
    fixture::Slice,
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
};

#[test]
fn every_check_has_an_id_of_its_own_in_an_area() {
    let ids: BTreeSet<&str> = REGISTRY.iter().map(|check| check.id()).collect();
    assert_eq!(ids.len(), REGISTRY.len());
    for check in REGISTRY.iter() {
        let (area, name) = check.id().split_once("::").unwrap();
        for word in [area, name] {
            assert!(word.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{word}");
        }
        assert_eq!(by_id(check.id()).unwrap().id(), check.id());
    }
    let area = |check: &&dyn DynCheck| check.id().split("::").next().unwrap();
    let in_order: Vec<&str> = REGISTRY.iter().map(area).collect();
    let blocks = in_order.chunk_by(|a, b| a == b).count();
    let areas: BTreeSet<&str> = in_order.into_iter().collect();
    assert_eq!(blocks, areas.len(), "the checks of an area stand together");
}

#[test]
fn every_check_says_what_why_and_where_it_is_promised() {
    for check in REGISTRY.iter() {
        let id = check.id();
        assert!(
            !check.promise().summary.is_empty() && !check.promise().summary.ends_with('.'),
            "{id}"
        );
        assert!(check.promise().why.ends_with('.') && check.promise().why.len() > 100, "{id}");
        assert!(!check.promise().source.is_empty(), "{id}");
        let texts = [check.promise().summary, check.promise().why, check.promise().source];
        assert!(texts.iter().all(|text| !text.contains("  ")), "{id} has a gap in its text");
    }
}

#[test]
fn checks_of_one_family_plan_cases_of_one_family_each() {
    let lab = Lab::dual();
    for check in REGISTRY.iter() {
        for case in check.cases(lab.world()) {
            let name = format!("{} of {}", case.subject, check.id());
            assert_eq!(case.family.is_some(), check.promise().per_family, "{name}");
            assert!(case.probes.is_empty() || check.promise().stage == Stage::Probed, "{name}");
        }
    }
}

#[test]
fn every_case_of_a_run_has_a_name_of_its_own() {
    let run = Lab::dual().run();
    let names: BTreeSet<String> =
        run.record.judged.iter().map(|judged| judged.case.name()).collect();
    assert_eq!(names.len(), run.record.judged.len());
}

#[test]
fn every_check_has_been_seen_red() {
    let labs = [
        Lab::dual().under("single-stack-ipv4"),
        Lab::new(3, &[V4]),
        Lab::dual().with(Fault::NoRoute { at: "n1", to: "n2", family: V6 }),
        Lab::dual().with(Fault::NoRecords { pod: None, family: V6 }),
        Lab::dual().with(Fault::NoEndpointNames),
        Lab::dual().with(Fault::OtherSearchPath { on: "n1" }),
        Lab::dual().with(Fault::NoReverse { family: V6 }),
        Lab::dual().with_target().with(Fault::TargetDeaf { pod: None, family: V6 }),
        Lab::dual().with_target().with(Fault::NoRecords { pod: None, family: V6 }),
        Lab::dual().with(Fault::UdpDropped { at: "n1", family: V6 }),
        Lab::dual().with(Fault::HairpinOff { at: "n1" }),
        Lab::dual().with(Fault::EgressDropped { at: "n1", family: V6 }),
        Lab::dual().with(Fault::RejectDropped { at: "n1", family: V6 }),
        Lab::dual().with(Fault::AffinityOff { at: "n1", family: V6 }),
        Lab::dual().with(Fault::LocalIgnored { at: "n1", family: V6 }),
        Lab::dual().with(Fault::ManualIgnored { at: "n1", family: V6 }),
        Lab::dual().with(Fault::Narrow { from: "n1", to: "n2", family: V6 }),
        Lab::dual().with(Fault::NoEndpoints { family: V6 }),
        Lab::dual().with(Fault::KubernetesServiceDropped { at: "n1", family: V4 }),
        Lab::dual().with_hosts().with(Fault::NodePortRefused { at: "n1", family: V6 }),
        Lab::dual().with(Fault::ApiServerCutFromPods { family: V6 }),
        Lab::dual().changed(|lab| lab.fixture.probes[0].host_ips = Some(Vec::new())),
        Lab::dual().changed(|lab| {
            ["n1", "n2", "n3"].into_iter().for_each(|node| lab.node(node).addresses.reverse());
            lab.node("n1").addresses[0].address = "fd00:10:244:9::1".to_owned();
        }),
    ];
    let own = REGISTRY.iter().filter_map(|check| check.broken());
    let red: BTreeSet<String> = labs
        .into_iter()
        .chain(own)
        .flat_map(|lab| lab.run().record.judged)
        .filter(|judged| judged.verdict.status() == Status::Fail)
        .map(|judged| judged.case.check)
        .collect();
    let green: Vec<&str> =
        REGISTRY.iter().map(|check| check.id()).filter(|id| !red.contains(*id)).collect();
    assert_eq!(green, [""; 0], "give them a cluster in which they fail: Check::broken");
}

#[test]
fn a_failure_says_what_is_wrong_how_to_see_it_and_how_to_fix_it() {
    let mut labs = vec![
        Lab::dual().with_target().with(Fault::TargetDeaf { pod: None, family: V6 }),
        Lab::dual().with_target().with(Fault::NoRecords { pod: None, family: V6 }),
        Lab::dual().under("single-stack-ipv4"),
        Lab::dual().under("dual-stack-ipv6-primary"),
        Lab::new(3, &[V4]),
    ];
    for fault in [
        Fault::NoRoute { at: "n1", to: "n2", family: V6 },
        Fault::ClusterIpDropped { at: "n1", family: V6 },
        Fault::NodePortRefused { at: "n1", family: V6 },
        Fault::NodePortDropped { at: "n1", family: V4 },
        Fault::NotListening { on: "n1", family: V6 },
        Fault::CutOff { node: "n1", family: V6 },
        Fault::Narrow { from: "n1", to: "n2", family: V6 },
        Fault::Masquerade { at: "n1", family: V6 },
        Fault::UdpDropped { at: "n1", family: V6 },
        Fault::HairpinOff { at: "n1" },
        Fault::EgressDropped { at: "n1", family: V6 },
        Fault::RejectDropped { at: "n1", family: V6 },
        Fault::AffinityOff { at: "n1", family: V6 },
        Fault::LocalIgnored { at: "n1", family: V6 },
        Fault::SourceLost { at: "n1", family: V6 },
        Fault::ManualIgnored { at: "n1", family: V6 },
        Fault::Lossy { between: ["n1", "n2"], percent: 30, family: V6 },
        Fault::NoRecords { pod: None, family: V6 },
        Fault::NoNames { pod: None },
        Fault::DnsDown,
        Fault::DnsDeaf { pod: "coredns-a" },
        Fault::DnsRefuses { family: V6 },
        Fault::DnsSlow { pod: None },
        Fault::NoReverse { family: V6 },
        Fault::NoEndpointNames,
        Fault::OtherSearchPath { on: "n1" },
        Fault::DnsServiceDropped { at: "n1" },
        Fault::NoEndpoints { family: V6 },
        Fault::WrongBackend { of: "n1", to: "n2" },
        Fault::KubernetesServiceDropped { at: "n1", family: V4 },
        Fault::ApiServerCutFromPods { family: V6 },
    ] {
        labs.push(Lab::dual().with(fault));
    }
    for lab in labs {
        let run = lab.run();
        assert!(!run.names(Status::Fail).is_empty());
        for judged in &run.record.judged {
            assert_well_said(&judged.case.name(), &judged.verdict);
        }
        for cause in &run.record.causes {
            assert!(cause.what.ends_with('.') && !cause.evidence.is_empty(), "{}", cause.id);
            assert!(!cause.reproduce.is_empty() && !cause.fix.is_empty(), "{}", cause.id);
            let lines = cause.reproduce.iter().chain(&cause.fix).chain([&cause.what]);
            lines.for_each(|line| assert_clean(line));
        }
    }
}

/// What holds of every verdict, whatever was observed.
fn assert_well_said(name: &str, verdict: &Verdict) {
    assert!(!verdict.detail().is_empty() && !verdict.detail().contains('\n'), "{name}");
    if let Some(failure) = verdict.failure() {
        assert!(
            failure.what.ends_with(['.', '?']) || failure.what.contains(": "),
            "{}",
            failure.what
        );
        assert!(!failure.reproduce.is_empty() && !failure.fix.is_empty(), "{name}");
        let lines = failure.reproduce.iter().chain(&failure.fix).chain([&failure.what]);
        lines.for_each(|line| assert_clean(line));
    }
}

/// No gap, no line break and no unfilled placeholder.
fn assert_clean(line: &str) {
    assert!(!line.is_empty() && !line.contains('\n'), "{line}");
    assert!(!line.replace("  # ", " # ").contains("  "), "{line}");
    assert!(!line.contains("{family}") && !line.contains("{node}"), "{line}");
}

#[test]
fn a_case_blocked_by_a_check_that_is_not_run_is_in_doubt() {
    let blocked =
        |by: Option<&'static str>| Blocked { by, reason: "there is no address".to_owned() };
    let suite = Lab::dual().suite;
    let reported = blocked(Some("pod::pod_ips")).verdict(&suite);
    assert_eq!(reported.status(), Status::Skip);
    assert_eq!(reported.detail(), "blocked by pod::pod_ips: there is no address");
    let narrowed = suite.narrowed(&[by_id("pod::reachable").unwrap()]);
    assert_eq!(blocked(Some("pod::pod_ips")).verdict(&narrowed).status(), Status::Inconclusive);
    assert_eq!(blocked(None).verdict(&narrowed).status(), Status::Inconclusive);
}

#[test]
fn an_address_that_can_not_be_a_nodes_is_red() {
    for (address, word) in [("fe80::1", "link-local"), ("::1", "loopback"), ("::", "unspecified")] {
        let lab =
            Lab::dual().changed(|lab| lab.node("n1").addresses[1].address = address.to_owned());
        let run = lab.run();
        let case = run.case("node::internal_ips/ipv6/n1");
        assert_eq!(case.verdict.status(), Status::Fail);
        assert!(case.verdict.detail().contains(word), "{}", case.verdict.detail());
    }
}

#[test]
fn pod_ranges_that_overlap_or_can_not_be_read_are_red() {
    let lab = Lab::dual().changed(|lab| {
        lab.node("n1").pod_cidrs[1] = "fd00:10:244:2::/63".to_owned();
        lab.node("n3").pod_cidrs[0] = "10.244.3.0".to_owned();
    });
    let run = lab.run();
    assert_eq!(run.case("node::pod_cidrs/ipv6/n1").verdict.detail(), "overlaps with n2");
    assert_eq!(run.case("node::pod_cidrs/ipv6/n2").verdict.detail(), "overlaps with n1");
    assert_eq!(
        run.case("node::pod_cidrs/ipv4/n3").verdict.detail(),
        "10.244.3.0 is not an address range"
    );
}

#[test]
fn a_cluster_whose_pod_network_has_its_own_ranges_is_not_judged_by_pod_cidrs() {
    let lab = Lab::dual().changed(|lab| {
        ["n1", "n2", "n3"].into_iter().for_each(|node| lab.node(node).pod_cidrs.clear());
    });
    let run = lab.run();
    let skipped = run.names(Status::Skip);
    let of_ranges = skipped.iter().filter(|name| name.starts_with("node::pod_cidrs/"));
    assert_eq!(of_ranges.count(), 6);
    assert!(run.names(Status::Fail).is_empty());
}

#[test]
fn a_cluster_ip_outside_the_service_ranges_is_red() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.service_ranges = vec![crate::facts::Fact::Known {
            value: vec!["10.97.0.0/16".parse().unwrap()],
            source: "ServiceCIDR kubernetes".to_owned(),
        }];
    });
    let run = lab.run();
    let default = run.case("service::cluster_ips/default");
    assert!(default.verdict.detail().ends_with("lies in no Service range"));
    // Nothing is known of the IPv6 range, so nothing is said of it.
    assert_eq!(run.case("service::cluster_ips/ipv6").verdict.status(), Status::Pass);
}

#[test]
fn slices_must_serve_every_backend_and_nothing_else() {
    let slices = |lab: &mut Lab| {
        let service = lab.fixture.services.iter_mut().find(|service| service.name == "ipv6");
        service.unwrap().slices.as_mut().unwrap()[0].clone()
    };
    let judged = |slices: Option<Vec<Slice>>| {
        let mut lab = Lab::dual();
        lab.fixture.services.iter_mut().find(|service| service.name == "ipv6").unwrap().slices =
            slices;
        lab.run().case("service::endpoint_slices/ipv6/ipv6").verdict.clone()
    };
    let whole = slices(&mut Lab::dual());
    assert_eq!(judged(Some(vec![whole.clone()])).status(), Status::Pass);
    let (mut first, mut rest) = (whole.clone(), whole.clone());
    rest.endpoints.remove(0);
    first.endpoints.truncate(1);
    assert_eq!(judged(Some(vec![first, rest.clone()])).status(), Status::Pass, "in several slices");
    assert_eq!(judged(Some(vec![rest])).detail(), "lacks nginx on n1");
    let mut unready = whole.clone();
    unready.endpoints[2].ready = false;
    assert_eq!(judged(Some(vec![unready])).detail(), "lacks nginx on n3");
    let mut more = whole.clone();
    more.endpoints[0].address = "fd00::bad".parse().unwrap();
    more.endpoints.push(whole.endpoints[0].clone());
    assert_eq!(judged(Some(vec![more])).detail(), "serves fd00::bad, which is not a backend");
    let other = Slice { family: Some(V4), ..whole };
    assert_eq!(judged(Some(vec![other])).detail(), "no slice of IPv6");
    assert_eq!(judged(None).status(), Status::Inconclusive);
}

#[test]
fn facts_that_may_not_be_seen_leave_doubt_that_names_the_right() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.nodes = crate::facts::Fact::Forbidden { reason: "list nodes".to_owned() };
        lab.facts.cluster_dns =
            crate::facts::Fact::Forbidden { reason: "list services in kube-system".to_owned() };
    });
    let run = lab.run();
    assert!(run.names(Status::Fail).is_empty());
    assert_eq!(
        run.case("node::pod_cidrs/ipv6/cluster").verdict.detail(),
        "missing permission: list nodes"
    );
    let dns = run.case("dns::records/ipv6/cluster");
    assert!(dns.verdict.detail().contains("list services in kube-system"));
}

#[test]
fn a_dns_pod_that_is_not_ready_is_passed_over() {
    let lab = Lab::dual().changed(|lab| {
        if let crate::facts::Fact::Known { value, .. } = &mut lab.facts.cluster_dns {
            value.pods[1].ready = false;
        }
    });
    let run = lab.run();
    assert_eq!(run.case("dns::records/ipv6/coredns-b on n2").verdict.status(), Status::Skip);
    assert_eq!(run.case("dns::records/ipv6/coredns-a on n1").verdict.status(), Status::Pass);
}

#[test]
fn a_domain_that_could_not_be_read_is_not_held_against_dns() {
    let lab = Lab::dual().with(Fault::NoNames { pod: None });
    assert_eq!(lab.run().case("dns::records/ipv4/n1 -> DNS").verdict.status(), Status::Fail);
    let guessed = lab.changed(|lab| {
        if let crate::facts::Fact::Known { value, .. } = &mut lab.facts.cluster_dns {
            value.domain = None;
        }
    });
    let run = guessed.run();
    assert_eq!(run.case("dns::records/ipv4/n1 -> DNS").verdict.status(), Status::Inconclusive);
}

#[test]
fn an_external_address_that_works_counts_for_a_node() {
    let lab = Lab::dual().changed(|lab| {
        // What the lab reaches is the address that was the node's InternalIP.
        let addresses = &mut lab.node("n1").addresses;
        for address in addresses.iter_mut() {
            address.kind = "ExternalIP".to_owned();
        }
    });
    let run = lab.run();
    assert_eq!(
        run.case("node_port::from_outside/ipv6/outside -> n1").verdict.status(),
        Status::Pass
    );
    assert_eq!(run.case("node_port::from_pod/ipv6/n2 -> n1").verdict.status(), Status::Skip);
}

#[test]
fn host_network_probes_try_cluster_ips_too() {
    let lab = Lab::dual().changed(|lab| {
        let mut host = lab.fixture.probes[0].clone();
        host.pod = Some("busybox-host-1".to_owned());
        lab.fixture.host_probes.push(host);
    });
    let run = lab.run();
    let case = run.case("service::cluster_ip_reachable/ipv6/host network of n1 -> n2");
    assert_eq!(case.verdict.status(), Status::Pass);
}
