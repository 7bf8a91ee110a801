//! What the nodes' own tables add to what the paths say.

use std::net::IpAddr;

use super::assert_one;
use crate::{
    cause::Confidence,
    check::Status,
    fixture::{ServiceRole, WorkloadState},
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
    probe::{Outcome, Vantage},
    run::rejudge,
    snapshot::{Backlog, Deprecated, Gateway, Link, Lookup, Neighbour, Route},
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
fn connections_that_wait_in_the_pod_prove_that_its_server_hangs() {
    let silent = || Lab::dual().with(Fault::PodFiltered { on: "n2", family: V6 });
    let lab = silent().changed(|lab| lab.hangs("n2", V6, 31));
    let cause =
        assert_one(&lab, "backend_hung", &["nginx in pod", "on node n2 hangs", "over IPv6"]);
    assert_eq!(cause.confidence, Confidence::Proved);
    let fact = "over IPv6: 31 connections not accepted yet";
    assert!(cause.evidence[0].contains(fact), "{:#?}", cause.evidence);
    assert!(cause.fix.iter().all(|fix| !fix.contains("Look for a rule")), "{:#?}", cause.fix);
    let both = silent().with(Fault::PodFiltered { on: "n2", family: V4 });
    let both = both.changed(|lab| {
        lab.hangs("n2", V6, 31);
        let other = Backlog { family: V4, ..lab.facts.inside_pods[0].backlogs[0].clone() };
        lab.facts.inside_pods[0].backlogs.push(other);
    });
    let run = both.run();
    assert_eq!(run.rules(), ["backend_hung"], "both families at once");
    assert!(run.record.causes[0].what.contains("over IPv4 and IPv6"), "{:?}", run.record.causes);
    // One that waits may be about to be taken, and another pod's are no proof.
    for other in [
        silent().changed(|lab| lab.hangs("n2", V6, 1)),
        silent().changed(|lab| lab.hangs("n2", V4, 31)),
        silent().changed(|lab| lab.hangs("n1", V6, 31)),
    ] {
        assert_one(&other, "backend_filtered", &[]);
    }
}

#[test]
fn a_gateway_that_answers_proves_nothing_of_a_pod_that_is_dead() {
    let (_, broken) =
        super::pages::examples().into_iter().find(|(id, _)| *id == "pod_gateway_silent").unwrap();
    assert_one(&broken, "pod_gateway_silent", &["Pods on node n2", "IPv6 gateway"]);
    let answered = broken.clone().changed(|lab| {
        for neighbour in lab.facts.inside_pods.iter_mut().flat_map(|inside| &mut inside.neighbours)
        {
            neighbour.state = "STALE".to_owned();
        }
    });
    assert_one(&answered, "node_not_forwarding", &["n2"]);
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
fn of_two_nodes_the_other_ones_routes_prove_that_one_is_missing() {
    let fault = Fault::SilentRoute { at: "n1", to: "n2", family: V6 };
    let lab = Lab::new(2, &[V4, V6]).with_hosts().with(fault).looked_at();
    let cause = assert_one(&lab, "pod_route_missing", &["n1", "n2"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert_eq!(cause.evidence[1], "n2 has routes of its own to the pods of other nodes");
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
    assert!(cause.evidence[1].contains("so a rule (`ip rule`) bypasses it"), "{cause:#?}");
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
    assert!(cause.evidence[0].contains("as its own address"), "{cause:#?}");
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
    proved(fault, "own_pod_routes_missing", "the route from n2 to its own pod");
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

#[test]
fn a_node_with_nothing_left_of_the_pod_network_shows_it_without_pods() {
    let mut lab = Lab::dual().with_hosts();
    for to in ["n1", "n3"] {
        for family in [V4, V6] {
            lab = lab.with(Fault::SilentRoute { at: "n2", to, family });
        }
    }
    let mut lab = lab
        .changed(|lab| {
            let pods = lab.fixture.backends.iter_mut().chain(&mut lab.fixture.probes);
            for pod in pods.filter(|pod| pod.node == "n2") {
                let reason =
                    "FailedCreatePodSandBox: plugin type=\"flannel\" failed (add)".to_owned();
                pod.state = WorkloadState::Failed { reason };
                pod.pod_ips.clear();
            }
        })
        .looked_at();
    for snapshot in lab.facts.snapshots.iter_mut().filter(|snapshot| snapshot.node != "n2") {
        let tunnel = Link { name: "flannel.1".to_owned(), mtu: Some(1450), address: None };
        snapshot.links.push(tunnel);
    }
    let run = lab.run();
    let causes = &run.record.causes;
    let cause = causes.iter().find(|cause| cause.id == "pod_route_missing");
    let cause = cause.unwrap_or_else(|| panic!("{:#?}", run.rules()));
    assert_eq!(cause.confidence, Confidence::Proved);
    let start = "Node n2 has no correct IPv4 and IPv6 route to the pods on any other node";
    assert!(cause.what.starts_with(start), "{}", cause.what);
    let link = "flannel.1, which the other nodes have, is missing on n2";
    assert!(cause.evidence.iter().any(|fact| fact == link), "{:#?}", cause.evidence);
    let explained: Vec<&String> = causes.iter().flat_map(|cause| &cause.explains).collect();
    let red = run.names(Status::Fail);
    assert!(red.iter().all(|name| explained.contains(&name)), "{red:#?}\n{causes:#?}");
}

#[test]
fn a_node_that_does_not_find_its_own_pods_is_named_where_nobody_comes_in_from_outside() {
    let fault = Fault::OwnRoutesMissing { on: "n2", family: V6 };
    let mut lab = Lab::dual().with(fault).looked_at();
    let pod = lab.fixture.backend_on("n2").and_then(|pod| pod.address(V6)).unwrap();
    let snapshot = lab.facts.snapshots.iter_mut().find(|it| it.node == "n2").unwrap();
    for lookup in snapshot.lookups.iter_mut().filter(|lookup| lookup.address == pod) {
        let link = Some("veth0".to_owned());
        lookup.route = Some(Route { family: Some(V6), link, ..Route::default() });
    }
    let (link, state) = ("veth0".to_owned(), "FAILED".to_owned());
    snapshot.neighbours.push(Neighbour { address: pod, link, link_address: None, state });
    // Nobody says that there is no way, and what comes in from outside is not known.
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        if probe.vantage == Vantage::Outside {
            seen.attempts.clear();
            seen.lost = Some("this machine was too busy".to_owned());
        }
        for attempt in &mut seen.attempts {
            if matches!(attempt.outcome, Outcome::Unreachable { .. }) {
                attempt.outcome = Outcome::TimedOut;
            }
        }
        Some(seen)
    });
    let causes = &run.record.causes;
    assert_eq!(causes.len(), 1, "{:#?}", run.rules());
    assert_eq!(causes[0].id, "own_pod_routes_missing");
    assert!(causes[0].what.starts_with("Packets from n2 to its own pods over IPv6 are lost there"));
}

#[test]
fn a_nodes_narrow_interface_is_the_proved_reason_for_large_packets_that_are_lost_there() {
    let mut lab = Lab::dual()
        .with(Fault::Narrow { from: "n2", to: "n1", family: V6 })
        .with(Fault::Narrow { from: "n1", to: "n2", family: V6 })
        .looked_at();
    let snapshot = lab.facts.snapshots.iter_mut().find(|it| it.node == "n2").unwrap();
    snapshot.links[0].mtu = Some(1_280);
    let cause = assert_one(&lab, "path_mtu", &["node n2", "eth0 carries 1280 bytes", "1500"]);
    assert!(cause.fix[0].contains("ip link set eth0 mtu 1500"), "{cause:#?}");
    // What is lost between equal ones is no matter of their interfaces.
    let lab = lab.with(Fault::Narrow { from: "n3", to: "n1", family: V6 });
    let run = lab.run();
    let causes = &run.record.causes;
    assert!(causes.iter().all(|cause| !cause.what.contains("its interface")), "{causes:#?}");
}

#[test]
fn an_mtu_below_what_ipv6_needs_is_the_reason_for_a_lost_address() {
    let mut lab = Lab::dual().with(Fault::CutOff { node: "n2", family: V6 }).looked_at();
    let snapshot = lab.facts.snapshots.iter_mut().find(|it| it.node == "n2").unwrap();
    snapshot.links[0].mtu = Some(1_200);
    let cause = assert_one(&lab, "node_cut_off", &["n2"]);
    let mtu = cause.evidence.iter().any(|fact| fact.starts_with("the MTU of eth0 on n2 is 1200"));
    assert!(mtu && cause.fix[0].starts_with("Raise the MTU"), "{cause:#?}");
}

#[test]
fn a_black_hole_for_the_service_range_is_no_missing_default_route() {
    let mut lab = Lab::dual().with_hosts().with(Fault::NoDefaultRoute { at: "n2", family: V6 });
    let service = lab.fixture.service(&ServiceRole::NodePort).unwrap();
    let address = service.cluster_ip(V6).unwrap();
    lab = lab.looked_at();
    let default = lab.facts.snapshots[0].routes.iter().find(|route| route.family == Some(V6));
    let default = default.cloned().unwrap();
    let snapshot = lab.facts.snapshots.iter_mut().find(|it| it.node == "n2").unwrap();
    snapshot.routes.push(default);
    let said = "RTNETLINK answers: Invalid argument".to_owned();
    snapshot.lookups.push(Lookup { address, route: None, said });
    let words = ["A routing rule or a route of node n2 keeps the node itself"];
    assert_one(&lab, "service_range_unrouted", &words);
}

#[test]
fn what_a_node_itself_sends_is_lost_before_it_is_translated_where_it_has_a_way() {
    let lab = Lab::dual().with_hosts().with(Fault::NoDefaultRoute { at: "n2", family: V6 });
    let mut lab = lab.looked_at();
    let default = lab.facts.snapshots[0].routes.iter().find(|route| route.family == Some(V6));
    let default = default.cloned().unwrap();
    let snapshot = lab.facts.snapshots.iter_mut().find(|it| it.node == "n2").unwrap();
    snapshot.routes.push(default);
    let cause = assert_one(&lab, "service_range_unrouted", &["Packets that node n2 itself sends"]);
    assert!(cause.fix[0].contains("ip6tables -t nat -S OUTPUT"), "{cause:#?}");
}

#[test]
fn a_deprecated_address_explains_that_no_answer_comes_back_from_outside() {
    let lost = |address: &str| {
        let line = format!("deprecated\t{address}\teth0");
        let lab = Lab::dual().with_hosts().with(Fault::EgressDropped { at: "n2", family: V6 });
        lab.changed(|lab| {
            lab.facts.deprecated = Deprecated::read("n2", &line).into_iter().collect()
        })
    };
    let lab = Lab::dual();
    let own = lab.facts.node("n2").and_then(|node| node.internal_ips(V6).next()).unwrap();
    let cut = || lost(&own.to_string()).with(Fault::HostEgressDropped { family: V6 }).looked_at();
    // The kernel goes on sending from the only one that it has.
    let only = assert_one(&cut(), "egress_dead", &["masquerade"]);
    assert!(!only.what.contains("deprecated"), "{}", only.what);
    let mut cut = cut();
    let snapshot = cut.facts.snapshots.iter_mut().find(|it| it.node == "n2").unwrap();
    let mut pods = snapshot.addresses[1].clone();
    pods.address = "fd00:10:244:2::1".parse().unwrap();
    snapshot.addresses.push(pods);
    let cause =
        assert_one(&cut, "egress_dead", &["n2", "IPv6", "the node's own address is deprecated"]);
    assert_eq!(cause.evidence[0], format!("{own} on eth0 of n2 is deprecated"));
    assert!(cause.fix[0].contains("preferred_lft"), "{:#?}", cause.fix);
    // It is another matter where the node itself gets there, and where the address is none of Kubernetes'.
    for other in [lost(&own.to_string()), lost("2001:db8::9")] {
        let cause = assert_one(&other, "egress_dead", &["masquerade"]);
        assert!(!cause.what.contains("deprecated"), "{}", cause.what);
    }
}

#[test]
fn a_silent_gateway_is_not_blamed_where_the_node_itself_gets_out() {
    let lab = || {
        Lab::dual().with_hosts().with(Fault::EgressDropped { at: "n2", family: V6 }).changed(
            |lab| {
                let line = "6\tfd00:31:4::1\teth0\tFAILED";
                lab.facts.gateways = Gateway::read("n2", line).into_iter().collect();
            },
        )
    };
    assert_one(&lab(), "egress_dead", &["n2"]);
    let cut = lab().with(Fault::HostEgressDropped { family: V6 });
    let cause = assert_one(&cut, "gateway_silent", &["gateway of n2, fd00:31:4::1"]);
    assert_eq!(cause.confidence, Confidence::Proved);
}
