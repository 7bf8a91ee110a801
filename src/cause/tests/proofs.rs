//! What the nodes' own tables add to what the paths say.

use std::net::IpAddr;

use super::assert_one;
use crate::{
    cause::Confidence,
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
    run::rejudge,
    snapshot::{Lookup, Route},
};

/// The one cause of a fault, with and without a look at the nodes.
fn proved(fault: Fault, rule: &str, fact: &str) {
    let lab = Lab::dual().with_hosts().with(fault).looked_at();
    let cause = assert_one(&lab, rule, &[]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert!(cause.evidence[0].contains(fact), "{:#?}", cause.evidence);
}

#[test]
fn a_sysctl_proves_that_a_node_does_not_forward() {
    let fault = Fault::NotForwarding { on: "n2", family: V6 };
    proved(fault, "node_not_forwarding", "net.ipv6.conf.all.forwarding is 0 on n2");
}

#[test]
fn a_pods_own_interface_proves_that_it_lost_an_address() {
    let dropped = || Lab::dual().with(Fault::PodFiltered { on: "n2", family: V6 });
    let lab = dropped().changed(|lab| lab.loses_address("n2", V6));
    let cause = assert_one(&lab, "pod_address_lost", &["Pod", "on n2 has lost the IPv6 address"]);
    assert_eq!(cause.confidence, Confidence::Proved);
    // A pod that has it is not suspected of that.
    let other = dropped().changed(|lab| lab.loses_address("n1", V6));
    assert_one(&other, "backend_filtered", &[]);
    let other = dropped().changed(|lab| lab.loses_address("n2", V4));
    assert_one(&other, "backend_filtered", &[]);
}

#[test]
fn a_node_that_forwards_is_not_told_to_switch_forwarding_on() {
    let mut lab = Lab::dual().with(Fault::NotForwarding { on: "n2", family: V6 }).looked_at();
    for snapshot in &mut lab.facts.snapshots {
        snapshot.settings.insert("net.ipv6.conf.all.forwarding".to_owned(), "1".to_owned());
    }
    let cause = assert_one(&lab, "node_not_forwarding", &[]);
    assert_eq!(cause.confidence, Confidence::Likely);
    assert!(cause.evidence.iter().any(|fact| fact.contains("forwarding is 1 on n2")));
    assert!(cause.fix.iter().all(|fix| !fix.contains("Set net.ipv6")), "{:#?}", cause.fix);
}

#[test]
fn what_an_interface_says_of_ipv6_forwarding_proves_nothing() {
    let mut lab = Lab::dual().with(Fault::NotForwarding { on: "n2", family: V6 }).looked_at();
    for snapshot in &mut lab.facts.snapshots {
        snapshot.settings.insert("net.ipv6.conf.all.forwarding".to_owned(), "1".to_owned());
        snapshot.settings.insert("net.ipv6.conf.eth0.forwarding".to_owned(), "0".to_owned());
    }
    let cause = assert_one(&lab, "node_not_forwarding", &[]);
    assert_eq!(cause.confidence, Confidence::Likely, "{cause:#?}");
}

#[test]
fn of_several_routes_each_must_be_seen_missing_for_a_proof() {
    let broken = || {
        Lab::dual()
            .with(Fault::SilentRoute { at: "n1", to: "n2", family: V6 })
            .with(Fault::SilentRoute { at: "n3", to: "n2", family: V6 })
            .looked_at()
    };
    let cause = assert_one(&broken(), "pod_route_missing", &["no correct IPv6 route", "n1", "n3"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    let mut lab = broken();
    lab.facts.snapshots.retain(|snapshot| snapshot.node != "n3");
    let cause = assert_one(&lab, "pod_route_missing", &[]);
    assert_ne!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert!(cause.evidence[0].contains("n1 sends packets"), "{:#?}", cause.evidence);
}

#[test]
fn the_default_route_in_place_of_a_pod_route_proves_that_it_is_missing() {
    let fault = Fault::SilentRoute { at: "n1", to: "n2", family: V6 };
    proved(fault, "pod_route_missing", "n1 sends packets for fd00:10:244:2::");
    let lab = Lab::dual().with(Fault::SilentRoute { at: "n1", to: "n2", family: V6 }).looked_at();
    let cause = assert_one(&lab, "pod_route_missing", &["n1", "n2"]);
    assert!(cause.what.ends_with("to the pods on node n2."), "{}", cause.what);
}

#[test]
fn where_the_network_itself_routes_to_pods_a_default_route_proves_nothing() {
    let mut lab =
        Lab::dual().with(Fault::SilentRoute { at: "n1", to: "n2", family: V6 }).looked_at();
    for snapshot in &mut lab.facts.snapshots {
        let default = snapshot.routes.iter().find(|route| route.family == Some(V6)).cloned();
        for lookup in &mut snapshot.lookups {
            if lookup.route.as_ref().is_some_and(|route| route.via.is_some()) {
                lookup.route.clone_from(&default);
            }
        }
    }
    let cause = assert_one(&lab, "pod_route_missing", &[]);
    assert_ne!(cause.confidence, Confidence::Proved, "{cause:#?}");
}

#[test]
fn a_detour_is_named() {
    let mut lab =
        Lab::dual().with(Fault::SilentRoute { at: "n1", to: "n2", family: V6 }).looked_at();
    let n3 = lab.facts.node("n3").and_then(|node| node.internal_ips(V6).next());
    let pod = lab.fixture.backend_on("n2").and_then(|pod| pod.address(V6)).unwrap();
    let lookups = &mut lab.facts.snapshots[0].lookups;
    let lookup = lookups.iter_mut().find(|lookup| lookup.address == pod).unwrap();
    lookup.route.as_mut().unwrap().via = n3;
    let cause = assert_one(&lab, "pod_route_missing", &[]);
    assert!(cause.evidence[0].contains("to n3"), "{:#?}", cause.evidence);
}

/// n1 of a cluster in which it doesn't reach the pods on n2, and what its kernel says of the way there.
fn no_way(change: impl FnOnce(&mut Lookup, &mut Vec<Route>, IpAddr)) -> Lab {
    let mut lab =
        Lab::dual().with(Fault::SilentRoute { at: "n1", to: "n2", family: V6 }).looked_at();
    let pod = lab.fixture.backend_on("n2").and_then(|pod| pod.address(V6)).unwrap();
    let snapshot = &mut lab.facts.snapshots[0];
    let lookup = snapshot.lookups.iter_mut().find(|lookup| lookup.address == pod).unwrap();
    change(lookup, &mut snapshot.routes, pod);
    lab
}

fn route(to: IpAddr, rejects: Option<&str>) -> Route {
    let to = ipnet::IpNet::new(to, 64).unwrap().trunc();
    let link = Some("eth0".to_owned());
    let rejects = rejects.map(str::to_owned);
    Route { to: Some(to), family: Some(V6), link, rejects, ..Route::default() }
}

#[test]
fn a_route_that_throws_packets_away_is_named_and_to_be_taken_away() {
    let lab = no_way(|lookup, routes, pod| {
        (lookup.route, lookup.said) = (None, "RTNETLINK answers: Permission denied".to_owned());
        routes.extend([route(pod, None), route(pod, Some("prohibit"))]);
    });
    let cause = assert_one(&lab, "pod_route_missing", &["n1", "n2"]);
    assert_eq!(cause.confidence, Confidence::Proved);
    assert!(cause.evidence[1].ends_with("/64: prohibit"), "{:#?}", cause.evidence);
    let [fix] = cause.fix.as_slice() else { panic!("{:#?}", cause.fix) };
    assert!(fix.starts_with("Find what set that route or rule on n1"), "{fix}");
}

#[test]
fn a_rule_that_leads_past_a_route_is_named() {
    let lab = no_way(|lookup, routes, pod| {
        (lookup.route, lookup.said) =
            (None, "RTNETLINK answers: Network is unreachable".to_owned());
        routes.push(route(pod, None));
    });
    let cause = assert_one(&lab, "pod_route_missing", &["n1", "n2"]);
    assert!(cause.evidence[1].contains("so a rule (`ip rule`) leads past it"), "{cause:#?}");
    assert!(cause.fix[0].starts_with("Find what set that route or rule on n1"), "{cause:#?}");
}

#[test]
fn a_node_that_takes_pods_of_another_for_its_own_has_no_route_to_them() {
    let lab = no_way(|lookup, _, pod| {
        lookup.said = format!("local {pod} dev lo table local");
        lookup.route = Some(Route { link: Some("lo".to_owned()), ..Route::default() });
    });
    let cause = assert_one(&lab, "pod_route_missing", &["n1", "n2"]);
    assert_eq!(cause.confidence, Confidence::Proved);
    assert!(cause.evidence[0].contains("for an address of its own"), "{cause:#?}");
}

#[test]
fn a_loss_on_routes_that_are_there_is_no_missing_route() {
    let lab = no_way(|lookup, _, pod| {
        let via = "fd00:31:4::12".parse().unwrap();
        lookup.route = Some(Route { via: Some(via), ..route(pod, None) });
    });
    let cause = assert_one(&lab, "pod_route_missing", &["n1 has the route: a filter"]);
    assert_ne!(cause.confidence, Confidence::Proved);
    assert!(cause.fix[0].contains("nft list ruleset"), "{cause:#?}");
    assert!(cause.fix.iter().all(|fix| !fix.contains("Restart")), "{cause:#?}");
}

#[test]
fn a_detour_on_which_datagrams_pass_is_no_filter() {
    // The node on the way sees half of each connection, and drops it as invalid.
    let mut lab = Lab::dual().with(Fault::WebPortDropped { on: "n2", family: V6 }).looked_at();
    let n3 = lab.facts.node("n3").and_then(|node| node.internal_ips(V6).next());
    let pod = lab.fixture.backend_on("n2").and_then(|pod| pod.address(V6)).unwrap();
    let lookups = &mut lab.facts.snapshots[0].lookups;
    let lookup = lookups.iter_mut().find(|lookup| lookup.address == pod).unwrap();
    lookup.route.as_mut().unwrap().via = n3;
    let causes = lab.run().record.causes;
    let route = causes.iter().find(|cause| cause.id == "pod_route_missing").unwrap();
    assert_eq!(route.confidence, Confidence::Proved);
    assert!(route.evidence[0].contains("n1 sends packets"), "{:#?}", route.evidence);
    let filters = causes.iter().filter(|cause| cause.id == "tcp_filtered");
    assert!(filters.clone().all(|cause| !cause.what.contains("node n1")), "{causes:#?}");
}

#[test]
fn a_node_without_a_route_to_its_own_pods_shows_it() {
    let fault = Fault::OwnRoutesMissing { on: "n2", family: V6 };
    proved(fault, "own_pod_routes_missing", "the way from n2 to its own pod");
}

#[test]
fn a_node_without_a_default_route_shows_it() {
    let fault = Fault::NoDefaultRoute { at: "n2", family: V6 };
    proved(fault, "service_range_unrouted", "n2 has no IPv6 default route");
}

#[test]
fn a_node_that_lost_its_address_shows_it() {
    let fault = Fault::CutOff { node: "n2", family: V6 };
    proved(fault, "node_cut_off", "no interface of n2 has fd00:");
}

#[test]
fn an_address_that_answers_elsewhere_is_a_cause_of_its_own() {
    let fault = Fault::AddressTaken { of: "n2", family: V6 };
    proved(fault, "address_duplicate", "02:de:ad:00:00:01");
}

#[test]
fn a_saved_run_has_the_same_proofs_when_it_is_judged_again() {
    let lab = Lab::dual().with(Fault::NotForwarding { on: "n2", family: V6 }).looked_at();
    let record = lab.run().record;
    let text = serde_json::to_string(&record).unwrap();
    let read = serde_json::from_str(&text).unwrap();
    assert_eq!(rejudge(read, lab.suite.checks()).causes, record.causes);
}
