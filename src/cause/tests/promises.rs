//! What Services ask for beyond a backend: affinity, local traffic, endpoints of one's own, and
//! packets of all sizes.

use super::{assert_cause, assert_one, assert_red};
use crate::{
    check::Status,
    facts::Fact,
    fixture::ServiceRole,
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
    probe::{Attempts, Target},
    suite::OutsidePolicy,
};

#[test]
fn a_node_that_forgets_its_clients_is_named_with_its_family() {
    let off = |at| Fault::AffinityOff { at, family: V6 };
    let run = assert_red(&Lab::dual().with(off("n2")), |path| {
        path.is("service::session_affinity", V6, "n2", "session-affinity")
    });
    let cause = assert_cause(&run, "affinity_off", &["Node n2 does not keep", "IPv6"]);
    assert!(cause.evidence[0].ends_with("3 backends in 16 attempts"), "{:?}", cause.evidence);
    let case = run.case("service::session_affinity/ipv6/n2 -> session-affinity");
    assert_eq!(case.verdict.detail(), "3 backends answered 16 connections");
    let what = &case.verdict.failure().unwrap().what;
    assert!(what.contains("the ClusterIP") && what.contains("NodePort"), "{what}");
    assert_one(&Lab::dual().with(off("n1")).with(off("n3")), "affinity_off", &["Nodes n1 and n3"]);
}

#[test]
fn affinity_is_tried_as_often_as_luck_demands() {
    let run = Lab::new(2, &[V4, V6]).run();
    let probes = run.probes_of("service::session_affinity/ipv4/n1 -> session-affinity");
    assert_eq!(probes.len(), 4, "ClusterIP and NodePort, TCP and UDP");
    let enough = |attempts: &Attempts| attempts.successes == 25 && attempts.distinct == 1;
    assert!(probes.iter().all(|probe| enough(&probe.attempts)));
}

#[test]
fn affinity_is_not_judged_where_it_can_not_be_seen() {
    let alone = Lab::new(1, &[V4, V6]).run();
    let case = alone.case("service::session_affinity/ipv6/n1 -> session-affinity");
    assert_eq!(case.verdict.status(), Status::Skip);
    assert!(case.verdict.detail().contains("only one backend"), "{}", case.verdict.detail());

    let changed = Lab::dual().with(Fault::AffinityOff { at: "n1", family: V6 }).changed(|lab| {
        for service in &mut lab.fixture.services {
            service.actual.session_affinity = "None".to_owned();
        }
    });
    let run = assert_red(&changed, |_| false);
    let case = run.case("service::session_affinity/ipv6/n1 -> session-affinity");
    assert_eq!(
        case.verdict.detail(),
        "an admission policy changed the sessionAffinity of the Service from ClientIP to None"
    );

    // Which of the backends a client is kept to is luck, and with it whether a dead one shows.
    let dead = Lab::dual().with(Fault::NotListening { on: "n3", family: V6 });
    let run = dead.with(Fault::AffinityOff { at: "n1", family: V6 }).run();
    for node in ["n1", "n2", "n3"] {
        let name = format!("service::session_affinity/ipv6/{node} -> session-affinity");
        let detail = run.case(&name).verdict.detail();
        assert!(detail.starts_with("blocked by service::cluster_ip_reachable"), "{detail}");
    }
    let lost = Lab::dual().without_exec();
    let case = lost.case("service::session_affinity/ipv6/n1 -> session-affinity");
    assert_eq!(case.verdict.status(), Status::Inconclusive);
}

#[test]
fn a_node_that_ignores_local_policies_answers_where_it_must_not() {
    let lab = || Lab::dual().with(Fault::LocalIgnored { at: "n2", family: V6 });
    // n2 tries the Service of n3, and clients outside try that of n1 at n2.
    let run = assert_red(&lab(), |path| {
        path.is("service::traffic_policy", V6, "n2", "local on n3")
            || path.is("service::traffic_policy", V6, "outside", "local on n1")
    });
    assert_cause(&run, "local_policy_ignored", &["Node n2 sends IPv6", "another node"]);
    let case = run.case("service::traffic_policy/ipv6/n2 -> local on n3");
    assert_eq!(case.verdict.detail(), "n2, a node without a backend, answers");
    let unseen = lab().changed(|lab| lab.suite.outside = OutsidePolicy::Off);
    let run = unseen.run();
    assert_cause(&run, "local_policy_ignored", &["Node n2"]);
    let outside = run.case("service::traffic_policy/ipv6/outside -> local on n1");
    assert_eq!(outside.verdict.status(), Status::Skip);
}

#[test]
fn a_client_whose_address_is_lost_is_told_from_one_that_is_the_node_itself() {
    let lost = |at| Fault::SourceLost { at, family: V6 };
    let run = assert_red(&Lab::dual().with(lost("n2")), |path| {
        path.is("service::traffic_policy", V6, "outside", "local on n2")
            || path.is("service::traffic_policy", V6, "n1", "local on n2")
    });
    assert_cause(&run, "client_address_lost", &["Node n2 masquerades IPv6 clients"]);
    let case = run.case("service::traffic_policy/ipv6/outside -> local on n2");
    let detail = "source address lost: nginx saw fd00:10:244:2::1 as the client";
    assert_eq!(case.verdict.detail(), detail);
    let all = Lab::dual().with(lost("n1")).with(lost("n2")).with(lost("n3"));
    assert_one(&all, "client_address_lost", &["Nodes n1, n2 and n3"]);
    // A lone node may be this machine.
    let run = assert_red(&Lab::new(1, &[V4, V6]).with(lost("n1")), |_| false);
    let case = run.case("service::traffic_policy/ipv6/outside -> local on n1");
    assert!(case.verdict.detail().contains("is unknown"), "{}", case.verdict.detail());
}

#[test]
fn a_silence_that_is_due_proves_nothing_where_all_is_silent() {
    let lab = Lab::dual().with(Fault::ClusterIpDropped { at: "n1", family: V6 });
    let run = lab.run();
    let case = run.case("service::traffic_policy/ipv6/n1 -> local on n2");
    let detail = case.verdict.detail();
    assert!(detail.starts_with("blocked by service::cluster_ip_reachable"), "{detail}");
    let run = Lab::dual().with(Fault::NoWayOutside { family: V6 }).run();
    let case = run.case("service::traffic_policy/ipv6/outside -> local on n2");
    let detail = case.verdict.detail();
    assert!(detail.starts_with("blocked by node_port::from_outside"), "{detail}");
}

#[test]
fn policies_that_admission_took_away_are_not_tried() {
    let lab = Lab::dual().with(Fault::LocalIgnored { at: "n2", family: V6 }).changed(|lab| {
        for service in &mut lab.fixture.services {
            if matches!(service.role, ServiceRole::Local(_)) {
                service.actual.internal_traffic_policy = "Cluster".to_owned();
            }
        }
    });
    let run = assert_red(&lab, |_| false);
    let case = run.case("service::traffic_policy/ipv6/n2 -> local on n3");
    assert_eq!(case.verdict.status(), Status::Skip);
    assert!(case.verdict.detail().contains("internalTrafficPolicy"), "{}", case.verdict.detail());
}

#[test]
fn endpoints_that_only_their_owner_wrote_must_be_known_to_every_node() {
    let lab = Lab::dual().with(Fault::ManualIgnored { at: "n2", family: V6 });
    let run = lab.run();
    assert_eq!(run.names(Status::Fail), ["service::manual_slices/ipv6/n2 -> manual"]);
    let failure = run.case("service::manual_slices/ipv6/n2 -> manual").verdict.failure().unwrap();
    assert!(failure.what.contains("our own EndpointSlices"), "{}", failure.what);
    let refused = Lab::dual().changed(|lab| {
        lab.fixture.manual_slices_missing =
            Some("no permission to create endpointslices".to_owned());
    });
    let case = refused.run().case("service::manual_slices/ipv6/n2 -> manual").verdict.clone();
    assert_eq!(case.status(), Status::Inconclusive);
    assert!(case.detail().contains("no permission to create"), "{}", case.detail());
    let dead = Lab::dual().with(Fault::NotListening { on: "n3", family: V6 }).run();
    let case = &dead.case("service::manual_slices/ipv6/n2 -> manual").verdict;
    assert!(case.detail().starts_with("blocked by service::cluster_ip_reachable"));
}

#[test]
fn the_first_size_that_fails_is_named_for_each_direction() {
    let narrow = |from, to| Fault::Narrow { from, to, family: V6 };
    let up = Lab::dual().with(narrow("n1", "n2")).run();
    let case = up.case("pod::payload/ipv6/n1 -> n2");
    assert_eq!(case.verdict.detail(), "lost from requests of 1380 bytes: timed out 3 times");
    let cause = assert_cause(&up, "path_mtu", &["on the path from n1 to n2"]);
    let sizes = "1280 bytes pass from n1 to n2, 1380 bytes don't";
    assert!(cause.evidence.iter().any(|seen| seen == sizes), "{:?}", cause.evidence);
    let both = Lab::dual().with(narrow("n1", "n2")).with(narrow("n2", "n1")).run();
    let detail = both.case("pod::payload/ipv6/n1 -> n2").verdict.detail().to_owned();
    assert!(detail.contains("requests of 1380 bytes, and answers of 1380 bytes"), "{detail}");
    let dead = Lab::dual().with(Fault::SilentRoute { at: "n1", to: "n2", family: V6 }).run();
    let detail = dead.case("pod::payload/ipv6/n1 -> n2").verdict.detail().to_owned();
    assert!(detail.starts_with("blocked by pod::reachable"), "{detail}");
}

#[test]
fn every_pair_of_three_nodes_is_tried_with_all_sizes() {
    let run = Lab::dual().run();
    for (from, to) in [("n1", "n2"), ("n2", "n3"), ("n3", "n1")] {
        let probes = run.probes_of(&format!("pod::payload/ipv4/{from} -> {to}"));
        let up = probes.iter().filter(|probe| matches!(probe.target, Target::Request { .. }));
        assert_eq!((probes.len(), up.count()), (10, 5));
    }
}

#[test]
fn a_service_over_sctp_without_endpoints_or_a_family_is_red() {
    let lab = Lab::dual().changed(|lab| {
        let sctp = lab.fixture.services.iter_mut().find(|it| it.role == ServiceRole::Sctp);
        if let crate::fixture::Allocation::Accepted { cluster_ips, ip_families, .. } =
            &mut sctp.unwrap().allocation
        {
            cluster_ips.truncate(1);
            ip_families.truncate(1);
        }
    });
    let run = lab.run();
    assert_eq!(run.names(Status::Fail), ["service::sctp/ipv6/sctp"]);
    let run = Lab::dual().with(Fault::NoEndpoints { family: V6 }).run();
    let case = run.case("service::sctp/ipv6/sctp");
    assert_eq!(case.verdict.detail(), "no slice of IPv6");
    assert_cause(&run, "endpoints_missing", &["IPv6"]);
    let healthy = Lab::dual().run();
    let detail = healthy.case("service::sctp/ipv4/sctp").verdict.detail().to_owned();
    assert!(detail.contains("traffic not tested"), "{detail}");
}

#[test]
fn datagrams_that_do_not_come_back_to_their_sender_are_told_from_datagrams_that_are_lost() {
    let run = Lab::dual().run();
    assert_eq!(run.probes_of("service::hairpin/ipv6/busybox on n2").len(), 4);
    let run = Lab::dual().with(Fault::UdpDropped { at: "n1", family: V6 }).run();
    let detail = run.case("service::hairpin/ipv6/busybox on n1").verdict.detail().to_owned();
    assert!(detail.starts_with("blocked by service::udp"), "{detail}");
}

#[test]
fn a_client_that_is_masqueraded_at_cluster_ips_is_red_unless_kube_proxy_is_told_to() {
    let lab = || Lab::dual().with(Fault::ClusterIpMasqueraded { at: "n1", family: V6 });
    let red: Vec<String> = ["n1", "n2", "n3"]
        .map(|to| format!("service::cluster_ip_reachable/ipv6/n1 -> {to}"))
        .to_vec();
    let run = lab().run();
    assert_eq!(run.names(Status::Fail), red);
    let detail = run.case(&red[1]).verdict.detail();
    assert_eq!(detail, "nginx saw fd00:192:168::9 as the client, not fd00:10:244:1::11");
    let told: [fn(&mut crate::facts::KubeProxy); 4] = [
        |proxy| proxy.masquerade_all = Some(true),
        |proxy| proxy.masquerade_all = None,
        |proxy| proxy.detect_local_mode = "NodeCIDR".to_owned(),
        |proxy| proxy.cluster_cidrs = vec!["10.244.0.0/16".parse().unwrap()],
    ];
    for legal in told {
        let told = lab().changed(|lab| {
            if let Fact::Known { value, .. } = &mut lab.facts.kube_proxy {
                legal(value);
            }
        });
        let run = told.run();
        assert_eq!(run.names(Status::Fail), Vec::<String>::new());
        let detail = run.case(&red[1]).verdict.detail();
        assert_eq!(detail, "answered; nginx saw fd00:192:168::9 as the client (masqueraded)");
    }
    // What pods see without a Service is told there.
    let run = Lab::dual().with(Fault::Masquerade { at: "n1", family: V6 }).run();
    assert!(run.names(Status::Fail).iter().all(|name| name.starts_with("pod::reachable/")));
}

#[test]
fn flows_that_stay_with_a_backend_that_is_gone_are_the_nodes_that_keep_them() {
    let stale = |at| Fault::StaleFlows { at, family: V6 };
    let lab = Lab::dual().with_changes().with(stale("n2"));
    let cause = assert_one(&lab, "flows_stale", &["Node n2 keeps sending", "IPv6"]);
    assert!(cause.reproduce[0].contains("conntrack -L -f ipv6 -p udp -d fd00"), "{cause:?}");
    // A proxy that follows nothing at all is another matter.
    let frozen = Lab::dual().with_changes().with(Fault::EndpointsFrozen { at: "n2", family: V6 });
    assert!(!frozen.run().rules().contains(&"flows_stale"));
}

#[test]
fn a_firewall_that_admits_others_to_a_node_in_one_family_alone_is_named() {
    let dropped = |family| Fault::HostPortDropped { on: "n2", family };
    let lab = Lab::dual().with_hosts().with(dropped(V6));
    let words = ["A filter on node n2", "over IPv6, but not over IPv4"];
    let cause = assert_one(&lab, "host_ports_filtered", &words);
    assert!(cause.evidence.iter().any(|line| line.ends_with(": works")), "{cause:?}");
    // A node that admits nobody in either family may be meant so.
    let both = Lab::dual().with_hosts().with(dropped(V4)).with(dropped(V6));
    assert!(!both.run().rules().contains(&"host_ports_filtered"));
}
