//! Faults of forwarding, filters, masquerading and routes that have a common end.

use super::{assert_cause, assert_explained, assert_one};
use crate::{
    cause::Confidence,
    check::Status,
    lab::{Fault, Lab},
    net::IpFamily::{self, V4, V6},
    probe::{Aim, Attempt, Outcome, Target, Vantage},
    snapshot::RoutingRule,
};

const BOTH: [IpFamily; 2] = [V4, V6];

#[test]
fn a_forward_policy_of_drop_is_one_cause_at_the_node_that_has_it() {
    for nodes in [2, 3, 5] {
        let lab = Lab::new(nodes, &BOTH).with(Fault::ForwardDropped { on: "n2", family: V6 });
        let cause = assert_one(&lab, "forward_filtered", &["Node n2", "IPv6", "FORWARD"]);
        assert!(cause.fix[0].contains("Docker"), "{:?}", cause.fix);
        assert!(cause.reproduce[0].ends_with("ip6tables -S FORWARD"), "{:?}", cause.reproduce);
    }
}

#[test]
fn a_node_without_routes_to_its_own_pods_forwards_all_the_same() {
    let missing = |on| Fault::OwnRoutesMissing { on, family: V6 };
    let cause = assert_one(
        &Lab::dual().with(missing("n2")),
        "own_pod_routes_missing",
        &["Node n2 has no IPv6 routes to its own pods"],
    );
    assert!(cause.reproduce[0].contains("ip -6 route get"), "{:?}", cause.reproduce);
    let lab = Lab::dual().with(missing("n1")).with(missing("n2")).with(missing("n3"));
    assert_one(&lab, "own_pod_routes_missing", &["Nodes n1, n2 and n3"]);
}

#[test]
fn the_only_node_of_a_cluster_has_causes_too() {
    let lab = || Lab::new(1, &BOTH);
    let off = |lab: Lab| lab.with(Fault::NotForwarding { on: "n1", family: V6 });
    let cause = assert_one(&off(lab()), "node_not_forwarding", &["n1", "IPv6"]);
    assert_eq!(cause.confidence, Confidence::Possible);
    let missing = lab().with(Fault::OwnRoutesMissing { on: "n1", family: V6 });
    let cause = assert_one(&missing, "own_pod_routes_missing", &["Node n1", "IPv6"]);
    assert!(cause.fix.iter().all(|fix| !fix.contains("two nodes")), "{:#?}", cause.fix);
    let dropped = lab().with(Fault::ForwardDropped { on: "n1", family: V6 });
    assert_one(&dropped, "forward_filtered", &["Node n1", "IPv6"]);
    let services = lab().with(Fault::ClusterIpDropped { at: "n1", family: V6 });
    let cause = assert_one(&services, "cluster_ip_dead", &[]);
    assert_eq!(cause.what, "IPv6 ClusterIPs are unreachable from node n1.");
    let datagrams = lab().with(Fault::DatagramsDropped { on: "n1", family: V6 });
    assert_one(&datagrams, "udp_dropped", &["on node n1"]);
}

#[test]
fn the_only_node_that_lost_its_address_is_named_and_proved() {
    let lab =
        Lab::new(1, &BOTH).with_hosts().with(Fault::CutOff { node: "n1", family: V6 }).looked_at();
    // The node and its pods look for the address elsewhere then, as everybody does.
    let lost = crate::lab::node_ip(1, V6);
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        if probe.target.address().is_some_and(|it| it.ip() == lost) {
            seen.attempts = vec![Attempt { millis: 3_000, outcome: Outcome::TimedOut }; 4];
        }
        Some(seen)
    });
    let [cause] = run.record.causes.as_slice() else { panic!("{:#?}", run.record.causes) };
    assert_eq!(cause.id, "node_cut_off");
    assert!(cause.what.starts_with("Node n1 has lost its IPv6 address"), "{}", cause.what);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
}

#[test]
fn connections_that_are_refused_on_the_way_are_no_fault_of_nginx() {
    let healthy = Lab::dual().with_hosts();
    let broken = Lab::dual().with_hosts().with(Fault::NotListening { on: "n2", family: V6 });
    // The node itself gets past the filter.
    let run = broken.judge(|probe| {
        let own = probe.vantage == Vantage::HostNetwork { node: "n2".to_owned() };
        Some(if own { healthy.observe(probe) } else { broken.observe(probe) })
    });
    let [cause] = run.record.causes.as_slice() else { panic!("{:#?}", run.record.causes) };
    assert_eq!(cause.id, "backend_filtered");
    assert!(cause.what.starts_with("A filter on node n2 rejects IPv6"), "{}", cause.what);
    assert!(cause.evidence[1].contains("answered"), "{:#?}", cause.evidence);
    assert_one(&broken, "backend_not_listening", &["n2"]);
}

#[test]
fn routes_that_all_others_lack_are_one_cause_whose_fix_is_where_they_lead() {
    for silent in [false, true] {
        let mut lab = Lab::dual();
        for at in ["n1", "n3"] {
            lab = lab.with(if silent {
                Fault::SilentRoute { at, to: "n2", family: V6 }
            } else {
                Fault::NoRoute { at, to: "n2", family: V6 }
            });
        }
        let cause = assert_one(
            &lab,
            "pod_route_missing",
            &["Nodes n1 and n3 have no IPv6 route to the pods on node n2"],
        );
        assert!(cause.fix[0].starts_with("Look at n2 first"), "{:?}", cause.fix);
    }
}

#[test]
fn a_node_without_any_route_to_others_is_one_cause() {
    let lab = Lab::dual()
        .with(Fault::NoRoute { at: "n2", to: "n1", family: V6 })
        .with(Fault::NoRoute { at: "n2", to: "n3", family: V6 });
    let words = ["Node n2 has no IPv6 route to the pods on nodes n1 and n3"];
    assert_one(&lab, "pod_route_missing", &words);
}

#[test]
fn a_node_whose_pod_network_is_dead_both_ways_is_one_cause_for_both_families() {
    let mut lab = Lab::dual();
    for family in BOTH {
        for (at, to) in [("n1", "n2"), ("n3", "n2"), ("n2", "n1"), ("n2", "n3")] {
            lab = lab.with(Fault::NoRoute { at, to, family });
        }
    }
    let words = ["IPv4 and IPv6 packets between the pods of node n2 and those of n1 and n3"];
    let cause = assert_one(&lab, "pod_route_missing", &words);
    assert!(cause.fix[0].contains("on n2"), "{:?}", cause.fix);
}

#[test]
fn a_port_that_a_node_drops_is_told_from_a_route_by_the_datagrams_that_pass() {
    let lab = Lab::dual().with(Fault::WebPortDropped { on: "n2", family: V6 });
    let words = ["A filter on node n2", "port 8080", "datagrams pass"];
    assert_one(&lab, "tcp_filtered", &words);
    // Of two nodes it is the one that nobody outside gets into.
    let two = Lab::new(2, &BOTH).with(Fault::WebPortDropped { on: "n2", family: V6 });
    assert_one(&two, "tcp_filtered", &words);
}

#[test]
fn a_port_that_a_node_rejects_with_an_icmp_error_is_no_missing_route() {
    for family in BOTH {
        for lab in [Lab::dual(), Lab::dual().with_hosts()] {
            let lab = lab.with(Fault::WebPortRejected { on: "n2", family });
            assert_one(&lab, "tcp_filtered", &["A filter on node n2", "port 8080", "rejected"]);
        }
    }
}

#[test]
fn a_lossy_path_on_which_tcp_fails_is_no_filter() {
    let lossy = Fault::Lossy { between: ["n1", "n2"], percent: 30, family: V6 };
    let lab = Lab::dual().with(lossy).with(Fault::WebPortDropped { on: "n2", family: V6 });
    let run = lab.run();
    let filters: Vec<_> =
        run.record.causes.iter().filter(|cause| cause.id == "tcp_filtered").collect();
    assert_eq!(filters.len(), 1);
    assert!(filters[0].what.contains("from node n3"), "{}", filters[0].what);
}

#[test]
fn a_frozen_proxy_is_one_cause_for_both_families() {
    let mut lab = Lab::dual();
    for family in BOTH {
        lab = lab
            .with(Fault::ClusterIpDropped { at: "n2", family })
            .with(Fault::NodePortRefused { at: "n2", family });
    }
    let words = ["Node n2 does not carry Services over IPv4 and IPv6"];
    assert_one(&lab, "service_proxy_down", &words);
}

#[test]
fn a_node_that_does_not_masquerade_is_named_and_not_its_node_ports() {
    for at in [&["n2"][..], &["n1", "n2", "n3"]] {
        let mut lab = Lab::dual();
        for at in at {
            lab = lab.with(Fault::ServiceMasqueradeLost { at, family: V6 });
        }
        let words = ["masquerade", "IPv6", "n2"];
        assert_one(&lab, "node_port_not_masqueraded", &words);
    }
    let two = Lab::new(2, &BOTH).with(Fault::ServiceMasqueradeLost { at: "n2", family: V6 });
    assert_one(&two, "node_port_not_masqueraded", &["Node n2"]);
}

#[test]
fn node_ports_that_are_dead_for_pods_alone_are_a_matter_of_the_way_back() {
    let way = |at, from| Fault::NodePortWayBack { at, from, family: V6 };
    let everywhere = Lab::dual().with(way(None, None));
    assert_one(&everywhere, "node_port_way_back", &["every node", "answer this machine"]);
    let one = Lab::dual().with(way(Some("n2"), None));
    assert_one(&one, "node_port_way_back", &["NodePorts at n2"]);
    let sender = Lab::dual().with(way(None, Some("n3")));
    assert_one(&sender, "node_port_way_back", &["Pods on n3 don't reach NodePorts of other nodes"]);
}

#[test]
fn what_a_node_masquerades_on_the_way_in_is_one_place() {
    let lab = Lab::dual().with(Fault::MasqueradeEntering { at: "n2", family: V6 });
    let words = ["Node n2 masquerades IPv6 traffic to its own pods"];
    assert_one(&lab, "pods_masqueraded", &words);
    // Between two nodes, clients outside tell it.
    let two = Lab::new(2, &BOTH)
        .with(Fault::MasqueradeEntering { at: "n2", family: V6 })
        .with(Fault::SourceLost { at: "n2", family: V6 });
    assert_one(&two, "pods_masqueraded", &words);
}

#[test]
fn what_a_node_itself_sends_is_told_from_what_its_pods_do_and_what_it_passes_on() {
    for nodes in [2, 3] {
        let lab = || Lab::new(nodes, &BOTH).with_hosts();
        let lost = lab().with(Fault::HostToPodsDropped { at: "n2", family: V6 });
        assert_one(
            &lost,
            "host_to_pods_filtered",
            &["IPv6 packets from node n2 itself", "other nodes"],
        );
        let all = lab()
            .with(Fault::HostToPodsDropped { at: "n2", family: V6 })
            .with(Fault::HostCutFromOwnPods { at: "n2", family: V6 });
        assert_one(
            &all,
            "host_to_pods_filtered",
            &["IPv6 packets from node n2 itself", "its own too"],
        );
    }
}

#[test]
fn datagrams_dropped_at_a_node_with_a_dns_pod_explain_its_silence() {
    let lab = Lab::dual().with(Fault::DatagramsDropped { on: "n2", family: V4 });
    let run = lab.run();
    assert_explained(&run);
    let cause = assert_cause(&run, "udp_dropped", &["to and from pods on n2", "IPv4"]);
    assert!(cause.evidence.iter().any(|seen| seen.contains("coredns-b")), "{:?}", cause.evidence);
    let asked = run.names(Status::Fail);
    assert!(asked.iter().any(|name| name.starts_with("dns::records")), "{asked:?}");
}

#[test]
fn what_the_nodes_own_network_reaches_tells_forwarding_from_filters() {
    let lab = Lab::new(1, &BOTH).with_hosts();
    assert_eq!(lab.run().names(Status::Fail), Vec::<String>::new());
    let lab = lab.with(Fault::NotForwarding { on: "n1", family: V6 });
    let cause = assert_one(&lab, "node_not_forwarding", &["n1", "IPv6"]);
    assert_eq!(cause.confidence, Confidence::Likely);
    // The same faults as without such pods, and the same causes.
    let hosts = || Lab::dual().with_hosts();
    let missing = hosts().with(Fault::OwnRoutesMissing { on: "n2", family: V6 });
    assert_one(&missing, "own_pod_routes_missing", &["Node n2"]);
    let forward = hosts().with(Fault::ForwardDropped { on: "n2", family: V6 });
    assert_one(&forward, "forward_filtered", &["Node n2"]);
    let port = hosts().with(Fault::WebPortDropped { on: "n2", family: V6 });
    assert_one(&port, "tcp_filtered", &["node n2"]);
    let datagrams = hosts().with(Fault::DatagramsDropped { on: "n2", family: V4 });
    let run = datagrams.run();
    assert_explained(&run);
    assert_cause(&run, "udp_dropped", &["to and from pods on n2"]);
}

#[test]
fn pods_that_do_not_get_out_of_the_cluster_are_one_cause_for_all_their_nodes() {
    let dropped = |at| Fault::EgressDropped { at, family: V6 };
    let lab = Lab::dual().with_hosts().with(dropped("n2"));
    let cause = assert_one(&lab, "egress_dead", &["Pods on n2", "IPv6", "masquerade"]);
    assert_eq!(cause.confidence, Confidence::Likely);
    assert_eq!(cause.explains, ["egress::to_runner/ipv6/n2 -> outside"]);
    let lab = Lab::dual().with(dropped("n1")).with(dropped("n2")).with(dropped("n3"));
    let cause = assert_one(&lab, "egress_dead", &["Pods on n1, n2 and n3", "IPv6"]);
    assert_eq!((cause.confidence, cause.explains.len()), (Confidence::Possible, 3));
}

#[test]
fn a_node_without_a_route_for_cluster_ips_is_told_from_its_proxy() {
    for family in BOTH {
        let lab = Lab::dual().with_hosts().with(Fault::NoDefaultRoute { at: "n2", family });
        let cause = assert_one(&lab, "service_range_unrouted", &["Node n2", family.as_str()]);
        assert_eq!(cause.confidence, Confidence::Likely);
    }
}

#[test]
fn a_node_that_drops_some_of_the_new_connections_has_reached_a_limit() {
    let lab = || Lab::dual().with(Fault::ConnectionsLimited { at: "n2", family: V6 });
    let cause = assert_one(&lab(), "connections_limited", &["Node n2", "IPv6", "a limit"]);
    assert_eq!(cause.confidence, Confidence::Likely);
    let count = |count: &str| {
        let mut lab = lab().looked_at();
        let settings = &mut lab.facts.snapshots[1].settings;
        settings.insert("net.netfilter.nf_conntrack_count".to_owned(), count.to_owned());
        settings.insert("net.netfilter.nf_conntrack_max".to_owned(), "262144".to_owned());
        assert_one(&lab, "connections_limited", &["Node n2"])
    };
    assert_eq!(count("262001").confidence, Confidence::Proved);
    assert_eq!(count("1200").confidence, Confidence::Likely);
}

/// The causes of a run in which some attempts at backends over IPv6 run out of time: `change` is given those
/// of each probe, the node of the backend, and whether the way passes n2.
fn with_time_outs(mut change: impl FnMut(&mut Vec<Attempt>, &str, bool)) -> Vec<String> {
    let lab = Lab::dual();
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let is_small = matches!(probe.target, Target::Http { payload: 0, .. });
        if let Some(backend) = probe.aim.backend().filter(|_| is_small && probe.family() == V6) {
            let ends = [probe.vantage.node(), probe.aim.node(), Some(backend)];
            change(&mut seen.attempts, backend, ends.contains(&Some("n2")));
        }
        Some(seen)
    });
    run.record.causes.iter().map(|cause| cause.id.clone()).collect()
}

const fn silent(millis: u32) -> Attempt {
    Attempt { millis, outcome: Outcome::TimedOut }
}

#[test]
fn connections_that_come_and_go_are_a_limit_however_each_path_ended() {
    let mut turn = 0;
    let causes = with_time_outs(|attempts, _, by_n2| {
        turn += usize::from(by_n2);
        match turn % 4 {
            0 if by_n2 => {
                *attempts = vec![silent(500), silent(1_050), silent(2_010), silent(3_010)];
            }
            1 | 2 if by_n2 => drop(attempts.splice(..0, [silent(500), silent(1_050)])),
            _ => {}
        }
    });
    assert_eq!(causes, ["connections_limited"]);
}

#[test]
fn a_backend_that_stops_answering_is_no_limit_of_its_node() {
    let causes = with_time_outs(|attempts, backend, _| {
        if backend == "n2" {
            attempts.extend([silent(3_010), silent(3_010)]);
        }
    });
    let limits = causes.iter().filter(|id| *id == "connections_limited").count();
    assert_eq!(limits, 0, "{causes:?}");
}

#[test]
fn datagrams_that_a_node_loses_on_their_way_to_cluster_ips_are_told_with_the_node() {
    let lab = Lab::dual();
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let by_n3 = probe.vantage == Vantage::Pod { node: "n3".to_owned() };
        let to_service = matches!(probe.aim, Aim::ClusterIp { .. });
        if by_n3 && to_service && probe.target.is_udp() && probe.family() == V6 {
            seen.attempts = vec![silent(3_010); 4];
        }
        Some(seen)
    });
    let [cause] = run.record.causes.as_slice() else { panic!("{:#?}", run.record.causes) };
    assert_eq!(cause.id, "udp_dropped");
    assert!(cause.what.starts_with("Datagrams from node n3 to ClusterIPs over IPv6"), "{cause:#?}");
}

#[test]
fn connections_that_a_node_drops_in_both_directions_and_families_are_one_cause() {
    let lab = Lab::dual();
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let is = |node: Option<&str>| node == Some("n2");
        let http = matches!(probe.target, Target::Http { .. } | Target::Request { .. });
        if http && (is(probe.vantage.node()) || is(probe.aim.backend()) || is(probe.aim.node())) {
            seen.attempts = vec![silent(3_010); 4];
        }
        Some(seen)
    });
    let [cause] = run.record.causes.as_slice() else { panic!("{:#?}", run.record.causes) };
    assert_eq!(cause.id, "tcp_filtered");
    assert!(cause.what.starts_with("A filter on node n2: IPv4 and IPv6 connections"), "{cause:#?}");
    assert!(cause.what.contains("in both directions"), "{cause:#?}");
}

#[test]
fn a_routing_rule_that_throws_away_what_pods_send_is_proved_though_the_node_has_the_route() {
    let rule = |text: &str| RoutingRule { family: V6, text: text.to_owned() };
    let broken = Lab::dual().with(Fault::NoRoute { at: "n1", to: "n3", family: V6 });
    let cause = |text: &str| {
        let lab =
            Lab::dual().changed(|lab| drop(lab.rules.insert("n1".to_owned(), vec![rule(text)])));
        let run = lab.looked_at().judge(|probe| Some(broken.observe(probe)));
        let [cause] = run.record.causes.as_slice() else { panic!("{:#?}", run.record.causes) };
        assert_eq!(cause.id, "pod_route_missing");
        cause.clone()
    };
    let text = "from fd00:10:244:1::/64 to fd00:10:244:3::/64 lookup unspec prohibit";
    let shown = cause(text);
    assert_eq!(shown.confidence, Confidence::Proved, "{shown:#?}");
    assert!(shown.evidence[0].contains(text), "{shown:#?}");
    assert!(shown.fix[0].contains("ip -6 rule"), "{shown:#?}");
    for other in [
        "from fd00:10:244:1::/64 to fd00:10:244:2::/64 lookup unspec prohibit",
        "from fd00:10:244:2::/64 to fd00:10:244:3::/64 lookup unspec prohibit",
        "from fd00:10:244:1::/64 lookup 999",
    ] {
        assert_ne!(cause(other).confidence, Confidence::Proved, "{other}");
    }
}

#[test]
fn a_node_that_drops_what_its_own_pods_send_to_it_is_one_cause() {
    let lab = Lab::dual().with_hosts().with(Fault::HostCutFromOwnPods { at: "n2", family: V6 });
    let words = ["Node n2 itself", "IPv6", "a filter on n2"];
    let cause = assert_one(&lab, "host_without_own_pods", &words);
    assert!(cause.reproduce[0].ends_with("ip6tables -S INPUT"), "{:?}", cause.reproduce);
}

#[test]
fn a_masquerade_on_the_way_into_a_node_is_one_cause_for_pods_and_for_clients() {
    let lab = Lab::dual()
        .with(Fault::MasqueradeEntering { at: "n2", family: V6 })
        .with(Fault::SourceLost { at: "n2", family: V6 });
    let cause =
        assert_one(&lab, "pods_masqueraded", &["Node n2 masquerades IPv6 traffic to its own pods"]);
    assert!(cause.explains.iter().any(|name| name.starts_with("service::traffic_policy")));
}

#[test]
fn what_a_node_sends_under_its_own_address_is_told_from_what_its_pods_send() {
    let dropped = |at| Fault::NodeAddressDropped { of: "n3", at, family: V6 };
    let lab = || Lab::dual().with_hosts();
    let words =
        ["Packets that n3 sends from its own address over IPv6 don't reach n2", "a filter on n2"];
    assert_one(&lab().with(dropped("n2")), "node_address_filtered", &words);
    let words = ["don't reach n1 and n2", "a filter on n3"];
    assert_one(&lab().with(dropped("n2")).with(dropped("n1")), "node_address_filtered", &words);
}

#[test]
fn a_node_that_this_machine_does_not_reach_at_all_is_one_cause_with_the_silence_its_pods_meet() {
    let lab = Lab::dual().with_hosts();
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let enters = probe.vantage == Vantage::Outside && probe.aim.node() == Some("n2");
        let leaves = matches!(probe.aim, Aim::Outside) && probe.vantage.node() == Some("n2");
        let waits = !matches!(probe.target, Target::Unanswered { .. });
        if probe.family() == V6 && waits && (enters || leaves) {
            seen.attempts = vec![Attempt { millis: 3_010, outcome: Outcome::TimedOut }; 3];
        }
        Some(seen)
    });
    assert_explained(&run);
    let cause = assert_cause(&run, "node_port_dead", &["from any port of n2", "IPv6"]);
    assert_eq!(run.record.causes.len(), 1, "{:#?}", run.record.causes);
    assert!(cause.explains.iter().any(|name| name.starts_with("egress::")), "{cause:#?}");
}
