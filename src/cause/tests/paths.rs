//! Faults of the paths between nodes and pods.

use super::{Path, assert_cause, assert_explained, assert_red, pages::outside_range};
use crate::{
    cause::Confidence,
    check::Status,
    facts::Fact,
    fixture::ServiceRole,
    lab::{Fault, Lab, Run},
    net::IpFamily::{self, V4, V6},
    probe::{Attempt, Outcome, Target, Vantage},
    suite::OutsidePolicy,
};

const BOTH: [IpFamily; 2] = [V4, V6];

/// Whether a connection has packets, there or back, from a node to the pods of another.
fn crosses(path: &Path<'_>, a: &str, b: &str) -> bool {
    let between = (path.from, path.to) == (a, b) || (path.from, path.to) == (b, a);
    match path.check {
        "pod::reachable" => between,
        "service::cluster_ip_reachable" => {
            between || (path.is_shared() && [a, b].contains(&path.from))
        }
        // Whoever enters at a node, one of the backends is on the other.
        "node_port::from_pod" | "node_port::from_outside" => path.to == a,
        // DNS pods run on n1 and n2.
        "dns::records" => {
            path.to == "DNS"
                && ((path.from == a && ["n1", "n2"].contains(&b))
                    || (path.from == b && ["n1", "n2"].contains(&a)))
        }
        _ => false,
    }
}

#[test]
fn a_route_missing_one_way_reddens_both_directions_with_their_outcomes() {
    for family in BOTH {
        let lab = Lab::dual().with(Fault::NoRoute { at: "n1", to: "n2", family });
        let run = assert_red(&lab, |path| {
            // DNS is asked over IPv4 in this cluster, whichever records are wanted.
            if path.check == "dns::records" {
                return family == V4 && crosses(path, "n1", "n2");
            }
            path.family == Some(family) && crosses(path, "n1", "n2")
        });
        let cause = assert_cause(&run, "pod_route_missing", &["Node n1 has no", "node n2"]);
        assert!(cause.evidence[0].contains("unreachable 3 times"), "{:?}", cause.evidence);
        assert!(cause.evidence[1].contains("timed out 3 times"), "{:?}", cause.evidence);
        let slug = family.slug();
        let there = run.case(&format!("pod::reachable/{slug}/n1 -> n2"));
        assert!(there.verdict.detail().starts_with("unreachable"), "{}", there.verdict.detail());
        let back = run.case(&format!("pod::reachable/{slug}/n2 -> n1"));
        assert_eq!(back.verdict.detail(), "timed out 3 times");
    }
}

#[test]
fn routes_missing_both_ways_are_one_cause() {
    let lab = Lab::dual()
        .with(Fault::NoRoute { at: "n1", to: "n2", family: V6 })
        .with(Fault::NoRoute { at: "n2", to: "n1", family: V6 });
    let run = assert_red(&lab, |path| {
        path.family == Some(V6)
            && path.check != "dns::records"
            && (crosses(path, "n1", "n2") || crosses(path, "n2", "n1"))
    });
    assert_cause(&run, "pod_route_missing", &["n1 and n2", "each other"]);
}

#[test]
fn a_silent_loss_between_two_nodes_is_pinned_down_by_node_ports_alone() {
    let lab = Lab::dual().with(Fault::SilentRoute { at: "n3", to: "n1", family: V6 });
    let broken = |path: &Path<'_>| {
        path.family == Some(V6) && path.check != "dns::records" && crosses(path, "n3", "n1")
    };
    let run = assert_red(&lab, broken);
    assert_cause(&run, "pod_route_missing", &["Node n3", "pods on node n1"]);

    // Without them the two directions look the same.
    let without = ["node", "pod", "service::cluster_ip_reachable", "dns"].map(str::to_owned);
    let lab = lab.changed(|lab| lab.suite.checks = without.to_vec());
    let run = assert_red(&lab, broken);
    let words = ["n1", "n3", "one direction or in both"];
    let cause = assert_cause(&run, "pod_route_missing", &words);
    assert_eq!(cause.confidence, Confidence::Possible);
}

#[test]
fn two_nodes_without_a_way_are_a_missing_route_too() {
    let lab = Lab::new(2, &BOTH).with(Fault::NoRoute { at: "n2", to: "n1", family: V6 });
    let run = assert_red(&lab, |path| {
        path.family == Some(V6) && path.check != "dns::records" && crosses(path, "n2", "n1")
    });
    assert_cause(&run, "pod_route_missing", &["Node n2 has no IPv6 route"]);
}

#[test]
fn a_pod_network_that_carries_no_family_between_nodes_is_one_cause() {
    let mut lab = Lab::dual();
    for (at, to) in
        [("n1", "n2"), ("n2", "n1"), ("n1", "n3"), ("n3", "n1"), ("n2", "n3"), ("n3", "n2")]
    {
        lab = lab.with(Fault::SilentRoute { at, to, family: V6 });
    }
    let run = assert_red(&lab, |path| {
        path.family == Some(V6)
            && match path.check {
                "pod::reachable" => path.from != path.to,
                "service::cluster_ip_reachable" => path.from != path.to,
                "node_port::from_pod" | "node_port::from_outside" => true,
                _ => false,
            }
    });
    assert_cause(&run, "pod_network_down", &["IPv6", "between nodes"]);
}

/// Whether a case has to do with a node, as one end or as the place where a connection enters.
fn involves(path: &Path<'_>, node: &str) -> bool {
    match path.check {
        "pod::reachable" => (path.from == node) != (path.to == node),
        "service::cluster_ip_reachable" => {
            path.is_shared() || (path.from == node) != (path.to == node)
        }
        // Any node sends to the backend on this one.
        "node_port::from_pod" | "node_port::from_outside" => true,
        "egress::to_runner" => path.from == node,
        _ => false,
    }
}

#[test]
fn a_node_that_is_cut_off_is_one_cause() {
    let lab = Lab::dual().with(Fault::CutOff { node: "n2", family: V6 });
    let run = assert_red(&lab, |path| path.family == Some(V6) && involves(path, "n2"));
    let cause = assert_cause(&run, "node_cut_off", &["n2", "IPv6"]);
    assert!(cause.evidence.iter().any(|seen| seen.contains("doesn't reach n2's own")));
}

#[test]
fn a_node_that_is_cut_off_from_dns_loses_dns_too() {
    let lab = Lab::dual().with(Fault::CutOff { node: "n2", family: V4 });
    let run = assert_red(&lab, |path| {
        // DNS pods run on n1 and n2: everyone asks one across the cut now and then.
        let dns = path.check == "dns::records" && path.to == "DNS";
        // The API server is on n1.
        let api = path.check == "control_plane::kubernetes_service" && path.from == "n2";
        (path.family == Some(V4) && involves(path, "n2")) || dns || api
    });
    assert_cause(&run, "node_cut_off", &["n2", "IPv4"]);
}

#[test]
fn a_node_that_does_not_forward_is_told_from_one_that_is_cut_off() {
    let broken = |path: &Path<'_>| {
        let own = path.from == "n2" && path.to == "n2" && !path.check.starts_with("node_port");
        path.family == Some(V6) && (involves(path, "n2") || own)
    };
    let lab = Lab::dual().with(Fault::NotForwarding { on: "n2", family: V6 });
    let run = assert_red(&lab, broken);
    assert_cause(&run, "node_not_forwarding", &["n2", "IPv6"]);

    // Without the view from outside the node's own pods tell.
    let unseen = lab.changed(|lab| lab.suite.outside = OutsidePolicy::Off);
    let run = assert_red(&unseen, |path| path.check != "node_port::from_outside" && broken(path));
    assert_cause(&run, "node_not_forwarding", &["n2", "IPv6"]);
}

#[test]
fn a_backend_that_does_not_listen_is_told_from_the_network() {
    let lab = Lab::dual().with(Fault::NotListening { on: "n3", family: V6 });
    let broken = |path: &Path<'_>| {
        path.family == Some(V6)
            && match path.check {
                "pod::reachable" => path.to == "n3",
                "service::cluster_ip_reachable" => path.to == "n3" || path.is_shared(),
                "node_port::from_pod" | "node_port::from_outside" => true,
                _ => false,
            }
    };
    let run = assert_red(&lab, broken);
    let cause = assert_cause(&run, "backend_not_listening", &["n3", "IPv6"]);
    assert!(cause.reproduce.iter().any(|command| command.contains("nginx-3-xyz")));
}

#[test]
fn nothing_listens_on_ipv6_anywhere_is_one_cause() {
    let mut lab = Lab::dual();
    for on in ["n1", "n2", "n3"] {
        lab = lab.with(Fault::NotListening { on, family: V6 });
    }
    let run = assert_red(&lab, |path| {
        path.family == Some(V6)
            && [
                "pod::reachable",
                "service::cluster_ip_reachable",
                "node_port::from_pod",
                "node_port::from_outside",
            ]
            .contains(&path.check)
    });
    assert_cause(&run, "backend_not_listening", &["n1, n2 and n3"]);
}

#[test]
fn a_pod_to_which_a_policy_drops_a_family_is_told_from_its_node() {
    let lab = Lab::dual().with(Fault::PodFiltered { on: "n3", family: V6 });
    let run = assert_red(&lab, |path| {
        path.family == Some(V6)
            && match path.check {
                "pod::reachable" => path.to == "n3",
                "service::cluster_ip_reachable" => path.to == "n3" || path.is_shared(),
                "node_port::from_pod" | "node_port::from_outside" => true,
                _ => false,
            }
    });
    assert_cause(&run, "backend_filtered", &["n3", "IPv6"]);
}

#[test]
fn large_answers_that_are_lost_one_way_are_a_matter_of_mtu() {
    let lab = Lab::dual().with(Fault::Narrow { from: "n2", to: "n1", family: V6 });
    let run = assert_red(&lab, |path| {
        [
            "pod::reachable",
            "service::cluster_ip_reachable",
            "service::udp",
            "node_port::from_pod",
            "node_port::udp",
            "pod::payload",
        ]
        .iter()
        .any(|check| path.is(check, V6, "n1", "n2"))
    });
    assert_cause(&run, "path_mtu", &["n2 to n1", "IPv6"]);
    let case = run.case("pod::reachable/ipv6/n1 -> n2");
    assert_eq!(case.verdict.detail(), "large answers: timed out 3 times");
    let sizes = run.case("pod::payload/ipv6/n1 -> n2").verdict.detail();
    assert_eq!(sizes, "lost from answers of 1380 bytes: timed out 3 times");
}

#[test]
fn large_requests_to_a_host_network_pod_that_go_the_same_way_have_the_same_cause() {
    let lab = Lab::dual().with_hosts().with(Fault::Narrow { from: "n1", to: "n2", family: V6 });
    let run = lab.run();
    let host = run.case("service::host_backend/ipv6/n1 -> n2");
    assert_eq!(host.verdict.status(), Status::Fail);
    assert_explained(&run);
    let [cause] = run.record.causes.as_slice() else { panic!("{:?}", run.record.causes) };
    assert_eq!(cause.id, "path_mtu");
}

#[test]
fn large_answers_lost_between_a_node_and_outside_are_seen_there() {
    let lab = Lab::dual().with(Fault::NarrowOutside { at: "n2", family: V6 });
    let run = assert_red(&lab, |path| path.is("node_port::from_outside", V6, "outside", "n2"));
    assert_cause(&run, "path_mtu", &["n2", "clients outside", "IPv6"]);
    let case = run.case("node_port::from_outside/ipv6/outside -> n2");
    assert_eq!(case.verdict.detail(), "large answers: timed out 3 times");
}

#[test]
fn a_path_that_loses_packets_is_lossy_and_not_down() {
    let lossy = |percent| Fault::Lossy { between: ["n1", "n2"], percent, family: V6 };
    let run = assert_red(&Lab::dual().with(lossy(30)), |path| {
        path.is("pod::loss", V6, "n1", "n2") || path.is("pod::loss", V6, "n2", "n1")
    });
    assert_cause(&run, "lossy_path", &["n1", "n2", "IPv6", "but is not down"]);
    let case = run.case("pod::loss/ipv6/n1 -> n2");
    assert_eq!(case.verdict.detail(), "lossy: 36 of 120 datagrams lost (30 %)");
    let run = assert_red(&Lab::dual().with(lossy(3)), |_| false);
    let case = run.case("pod::loss/ipv6/n1 -> n2");
    assert_eq!(case.verdict.detail(), "3 of 100 datagrams lost (3 %)");
}

#[test]
fn losses_on_all_ways_of_a_node_are_one_cause_at_the_node() {
    let lossy = |other| Fault::Lossy { between: ["n2", other], percent: 30, family: V6 };
    let run = assert_red(&Lab::dual().with(lossy("n1")).with(lossy("n3")), |path| {
        path.check == "pod::loss"
            && path.family == Some(V6)
            && (path.from == "n2" || path.to == "n2")
    });
    let cause = assert_cause(&run, "lossy_path", &["node n2", "other nodes", "IPv6"]);
    assert!(cause.evidence[0].starts_with("144 of 480 datagrams lost there (30 %)"), "{cause:#?}");
}

#[test]
fn a_small_loss_explains_what_failed_once_there_and_nothing_that_is_dead() {
    let lossy = |other| Fault::Lossy { between: ["n2", other], percent: 5, family: V6 };
    let small = || Lab::dual().with(lossy("n1")).with(lossy("n3"));
    let lab = small();
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let at_n2 = probe.vantage == Vantage::Pod { node: "n2".to_owned() };
        if at_n2 && probe.target.is_udp() && probe.family() == V6 && probe.can_be_repeated() {
            let answered = seen.attempts.first().cloned();
            let silent = Attempt { millis: 3_000, outcome: Outcome::TimedOut };
            seen.attempts = answered.into_iter().chain([silent]).collect();
        }
        Some(seen)
    });
    assert!(!run.names(Status::Fail).is_empty());
    let cause = assert_cause(&run, "lossy_path", &["node n2", "other nodes"]);
    assert!(
        cause.evidence.iter().any(|fact| fact.contains("5 of 100 datagrams lost")),
        "{cause:#?}"
    );
    let dead = small().with(Fault::UdpDropped { at: "n3", family: V6 }).run();
    assert!(dead.rules().contains(&"udp_dropped"), "{:?}", dead.rules());
}

/// A path between nodes that lose a few datagrams times out once between its answers, where a probe from
/// this node was stopped so many milliseconds after its start.
fn doubted_beside_a_small_loss(stopped_late: Option<(&str, u32)>) -> Run {
    let lab = Lab::dual().with(Fault::Lossy { between: ["n1", "n2"], percent: 5, family: V6 });
    let healthy = lab.run();
    let doubted = healthy.probes_of("pod::reachable/ipv6/n1 -> n2");
    let timed_out = |millis| Attempt { millis, outcome: Outcome::TimedOut };
    lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let late = stopped_late.filter(|(node, _)| probe.vantage.node() == Some(node));
        if let (Some((_, millis)), Target::Udp { .. }) = (late, &probe.target) {
            seen.attempts.insert(0, timed_out(millis));
        } else if doubted.contains(&probe) {
            let answer = seen.attempts[0].clone();
            seen.attempts = vec![answer.clone(), timed_out(3_010), answer.clone(), answer];
        }
        Some(seen)
    })
}

#[test]
fn what_a_busy_machine_explains_is_no_sign_of_a_lossy_path() {
    let doubt = |run: &Run| run.names(Status::Inconclusive).len();
    let quiet = doubted_beside_a_small_loss(None);
    assert_eq!(quiet.rules(), ["lossy_path"], "nothing else explains the time-out");
    let elsewhere = doubted_beside_a_small_loss(Some(("n3", 4_590)));
    assert_eq!(elsewhere.rules(), ["lossy_path"]);
    // Trains are in doubt from a second on, single time-outs before that.
    for late in [3_600, 4_590] {
        let busy = doubted_beside_a_small_loss(Some(("n1", late)));
        assert_eq!(busy.rules(), [""; 0], "{late}: {:#?}", busy.record.causes);
        assert!(doubt(&quiet) > 0 && doubt(&busy) > 0, "{late}");
    }
}

#[test]
fn a_pod_that_does_not_reach_itself_is_a_matter_of_hairpin_mode() {
    let lab = Lab::dual().with(Fault::HairpinOff { at: "n2" });
    let run = assert_red(&lab, |path| path.check == "service::hairpin" && path.to == "n2");
    assert_cause(&run, "hairpin_off", &["n2", "IPv4 and IPv6"]);
}

#[test]
fn a_node_that_does_not_refuse_for_services_without_endpoints_is_named() {
    let lab = Lab::dual().with(Fault::RejectDropped { at: "n2", family: V6 });
    let run = assert_red(&lab, |path| {
        path.check == "service::no_endpoints" && path.to == "n2" && path.family == Some(V6)
    });
    assert_cause(&run, "rejections_lost", &["n2", "IPv6"]);
}

#[test]
fn datagrams_that_one_node_drops_are_one_cause() {
    let lab = Lab::dual().with(Fault::UdpDropped { at: "n1", family: V6 });
    let run = assert_red(&lab, |path| {
        path.family == Some(V6)
            && ((path.from == "n1" && (path.check.ends_with("::udp") || path.check == "pod::loss"))
                // It asks each of them.
                || path.check == "dns::servers")
    });
    assert_cause(&run, "udp_dropped", &["pods on n1 send", "IPv6"]);
}

#[test]
fn pods_that_are_masqueraded_are_found_by_the_address_that_the_backend_saw() {
    let lab = Lab::dual().with(Fault::Masquerade { at: "n1", family: V6 });
    let run = assert_red(&lab, |path| {
        path.check == "pod::reachable" && path.family == Some(V6) && path.from == "n1"
    });
    assert_cause(&run, "pods_masqueraded", &["n1", "IPv6"]);
}

#[test]
fn a_machine_without_a_route_says_nothing_of_the_cluster() {
    let lab = Lab::dual().with(Fault::NoWayOutside { family: V6 });
    let run = assert_red(&lab, |_| false);
    let doubtful = run.names(Status::Inconclusive);
    let nodes = ["n1", "n2", "n3"];
    let into = nodes.map(|n| format!("node_port::from_outside/ipv6/outside -> {n}"));
    let out = nodes.map(|n| format!("egress::to_runner/ipv6/{n} -> outside"));
    assert_eq!(doubtful, [&into[..], &out[..]].concat());
    let cause = assert_cause(&run, "outside_without_way", &["no IPv6 route"]);
    assert_eq!(cause.explains, into);
}

#[test]
fn a_machine_without_a_route_is_a_failure_where_one_is_required() {
    let lab = Lab::dual()
        .with(Fault::NoWayOutside { family: V6 })
        .changed(|lab| lab.suite.outside = OutsidePolicy::Required);
    let run =
        assert_red(&lab, |path| path.check == "node_port::from_outside" && path.family == Some(V6));
    assert_cause(&run, "outside_without_way", &["no IPv6 route"]);
}

#[test]
fn two_faults_are_two_causes() {
    let lab = Lab::dual()
        .with(Fault::NoRoute { at: "n1", to: "n2", family: V6 })
        .with(Fault::NodePortDropped { at: "n3", family: V4 });
    let run = assert_red(&lab, |path| {
        let route =
            path.family == Some(V6) && path.check != "dns::records" && crosses(path, "n1", "n2");
        let port = path.family == Some(V4)
            && path.check.starts_with("node_port")
            && (path.to == "n3" || path.from == "n3");
        route || port
    });
    assert_eq!(run.rules(), ["pod_route_missing", "node_port_dead"]);
}

#[test]
fn node_ports_that_pods_find_dead_are_dead_though_this_machine_was_too_busy_to_tell() {
    let lab = Lab::dual().with(Fault::NodePortDropped { at: "n2", family: V6 });
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let last = seen.attempts.last_mut();
        if let Some(last) = last
            .filter(|last| probe.vantage == Vantage::Outside && last.outcome == Outcome::TimedOut)
        {
            last.millis = 5_000;
        }
        Some(seen)
    });
    let outside = run.case("node_port::from_outside/ipv6/outside -> n2");
    assert_eq!(outside.verdict.status(), Status::Inconclusive, "{}", outside.verdict.detail());
    assert_eq!(run.rules(), ["node_port_dead"]);
    assert_explained(&run);
}

#[test]
fn a_node_port_that_the_node_itself_refused_at_first_does_not_show_that_it_forwards() {
    let lab = Lab::dual().with(Fault::NotForwarding { on: "n2", family: V6 });
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let at_n2 = probe.aim.node() == Some("n2") && probe.family() == V6;
        if probe.vantage == Vantage::Outside && at_n2 && probe.aim.needs_proxy() {
            seen.attempts.insert(0, Attempt { millis: 1, outcome: Outcome::Refused });
        }
        Some(seen)
    });
    assert_eq!(run.rules(), ["node_not_forwarding"]);
    assert_explained(&run);
}

#[test]
fn pods_outside_their_nodes_range_are_named_where_the_range_counts() {
    let named = |lab: &Lab| lab.run().rules().contains(&"pods_outside_range");
    assert!(named(&outside_range()));
    // Cilium gives out ranges of its own, which may agree with the Node objects by chance.
    let own = outside_range().changed(|lab| {
        let Fact::Known { value, .. } = &mut lab.facts.cni else { panic!("no pod network") };
        value.name = "cilium".to_owned();
    });
    assert!(!named(&own));
    // Where several nodes' pods are elsewhere, so may one of an unknown pod network.
    let several = outside_range().changed(|lab| {
        let ranges = &mut lab.node("n3").pod_cidrs;
        for range in ranges.iter_mut().filter(|range| range.contains(':')) {
            *range = "fd00:10:244:98::/64".to_owned();
        }
    });
    assert!(!named(&several));
    // Where they are reached all the same, somebody leads there.
    let mut reached = outside_range();
    reached.faults.clear();
    assert!(!named(&reached));
}

#[test]
fn datagrams_that_are_lost_between_two_nodes_one_way_name_both() {
    let lab = Lab::dual();
    let run = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        let from_n1 = probe.vantage == Vantage::Pod { node: "n1".to_owned() };
        let to_n2 = probe.aim.backend() == Some("n2")
            || probe.aim.service() == Some(&ServiceRole::SessionAffinity);
        if from_n1 && to_n2 && probe.family() == V6 && probe.target.is_udp() {
            let silent = || Attempt { millis: 3_000, outcome: Outcome::TimedOut };
            seen.attempts = vec![silent(), silent()];
        }
        Some(seen)
    });
    let cause = assert_cause(&run, "udp_dropped", &["from pods on n1 to pods on n2", "IPv6"]);
    assert!(cause.fix[0].contains("rule on n2"), "{:?}", cause.fix);
}
