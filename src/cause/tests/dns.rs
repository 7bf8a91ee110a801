//! Faults of DNS pods and what they answer.

use super::{assert_cause, assert_explained, assert_one, assert_red};
use crate::{
    cause::{Cause, Confidence},
    check::Status,
    facts::{DnsPod, Fact},
    lab::{Fault, Lab, Run},
    net::IpFamily::{V4, V6},
    probe::Vantage,
};

#[test]
fn another_address_than_the_services_is_told_from_none() {
    let lab = Lab::dual().with(Fault::WrongRecords { pod: None, family: V6 });
    let run = assert_red(&lab, |path| path.check == "dns::records" && path.family == Some(V6));
    let words = ["The cluster's DNS answers AAAA", "fd00:192:168::99 for every name"];
    assert_cause(&run, "dns_wrong_records", &words);

    let lab = Lab::dual().with(Fault::WrongRecords { pod: Some("coredns-b"), family: V6 });
    assert_one(&lab, "dns_wrong_records", &["The DNS pod coredns-b answers AAAA"]);
}

#[test]
fn an_error_for_the_records_of_one_family_is_told_from_silence() {
    for (family, words) in [(V6, "AAAA records with SERVFAIL"), (V4, "A records with SERVFAIL")] {
        let lab = Lab::dual().with(Fault::RecordsFail { pod: None, family });
        let run = assert_red(&lab, |path| {
            // Whether they answer is asked by a question for an A record.
            let server = path.check == "dns::servers" && path.from.starts_with("coredns");
            (path.check == "dns::records" && path.family == Some(family))
                || (server && family == V4)
        });
        let cause =
            assert_cause(&run, "dns_records_failing", &["The cluster's DNS answers", words]);
        assert!(cause.what.ends_with("correctly."), "{}", cause.what);
        assert_eq!(run.record.causes.len(), 1, "{:?}", run.record.causes);
    }
    let lab = Lab::dual().with(Fault::RecordsFail { pod: Some("coredns-b"), family: V6 });
    assert_one(&lab, "dns_records_failing", &["The DNS pod coredns-b answers", "others don't"]);
    // Where neither family is told, it is no matter of one.
    let both = [V4, V6].map(|family| Fault::RecordsFail { pod: None, family });
    let run = both.into_iter().fold(Lab::dual(), Lab::with).run();
    assert!(!run.rules().contains(&"dns_records_failing"), "{:?}", run.rules());
}

#[test]
fn one_of_two_dns_pods_that_is_deaf_is_named_with_transport_and_nodes() {
    let lab = Lab::dual().with(Fault::DnsDeaf { pod: "coredns-a" });
    let words = ["The DNS pod coredns-a on node n1", "IPv4 and IPv6: UDP from every node"];
    let cause = assert_one(&lab, "dns_server_not_responding", &words);
    assert_eq!(cause.confidence, Confidence::Likely);
    assert!(cause.explains.iter().any(|name| name.starts_with("dns::records")));
    let run = lab.run();
    let service = run.case("dns::servers/ipv4/kube-dns");
    assert_eq!(service.verdict.status(), Status::Skip, "which replica it asks is chance");
    let other = run.case("dns::servers/ipv6/coredns-b on n2");
    assert_eq!(other.verdict.status(), Status::Pass);
}

#[test]
fn dns_that_one_node_drops_to_and_from_its_pods_is_one_cause_at_that_node() {
    for family in [V4, V6] {
        let lab = Lab::dual().with(Fault::DnsPortDropped { on: "n2", family });
        let run = lab.run();
        assert_explained(&run);
        let words = ["Node n2 drops DNS (UDP port 53)", family.as_str()];
        let cause = assert_cause(&run, "dns_server_not_responding", &words);
        assert_eq!(run.record.causes.len(), 1, "{:#?}", run.record.causes);
        assert!(cause.fix[0].contains("on n2"), "{cause:#?}");
    }
}

#[test]
fn dns_pods_that_listen_on_one_family_are_named_though_every_name_resolves() {
    let lab = Lab::dual().with(Fault::DnsRefuses { family: V6 });
    let run = assert_red(&lab, |path| {
        path.check == "dns::servers" && path.family == Some(V6) && path.from.starts_with("coredns")
    });
    let words = ["coredns-a on node n1", "coredns-b on node n2", "IPv6", "UDP and TCP"];
    let cause = assert_cause(&run, "dns_server_not_responding", &words);
    assert!(cause.fix[0].contains("`bind`"), "{:?}", cause.fix);
}

#[test]
fn a_cluster_ip_that_is_dead_for_dns_alone_is_told_from_its_pods() {
    let lab = Lab::dual().with(Fault::DnsServiceDropped { at: "n3" });
    let run = assert_red(&lab, |path| match path.check {
        "dns::servers" => path.to == "kube-dns",
        "dns::records" => path.from == "n3",
        _ => false,
    });
    let cause = assert_cause(&run, "dns_unreachable", &["node n3"]);
    assert!(cause.evidence.iter().any(|seen| seen.contains("at their own addresses")));
}

#[test]
fn headless_services_without_pods_in_dns_are_one_cause_in_both_families() {
    let run =
        assert_red(&Lab::dual().with(Fault::NoEndpointNames), |path| path.check == "dns::headless");
    assert_cause(&run, "dns_without_endpoints", &["headless"]);
    assert_eq!(run.record.causes.len(), 1, "{:?}", run.record.causes);
}

#[test]
fn the_node_whose_pods_complete_short_names_wrongly_is_named() {
    let run = assert_red(&Lab::dual().with(Fault::OtherSearchPath { on: "n2" }), |path| {
        path.check == "dns::short_names" && path.from == "n2"
    });
    let cause = assert_cause(&run, "search_path_wrong", &["n2"]);
    assert!(!cause.what.contains("n1"), "{}", cause.what);
    assert_eq!(run.record.causes.len(), 1, "{:?}", run.record.causes);
}

#[test]
fn a_reverse_zone_that_is_not_served_is_named_for_its_family() {
    for family in [V4, V6] {
        let lab = Lab::dual().with(Fault::NoReverse { family });
        let run =
            assert_red(&lab, |path| path.check == "dns::reverse" && path.family == Some(family));
        let zone = family.reverse_zone();
        let cause = assert_cause(&run, "dns_without_reverse", &[family.as_str(), zone]);
        assert!(cause.fix[0].contains(zone), "{:?}", cause.fix);
    }
    // Where servers are deaf, or know no name, that is the finding.
    for fault in [Fault::DnsDown, Fault::DnsDeaf { pod: "coredns-a" }, Fault::NoNames { pod: None }]
    {
        let run = Lab::dual().with(Fault::NoReverse { family: V6 }).with(fault).run();
        let case = run.case("dns::reverse/ipv6/n1 -> DNS");
        assert_eq!(case.verdict.status(), Status::Skip, "{:?}", case.verdict);
    }
}

#[test]
fn servers_that_take_two_seconds_are_slow_and_not_missing() {
    let lab = Lab::dual().with(Fault::DnsSlow { pod: None });
    let run = assert_red(&lab, |path| path.check == "dns::servers");
    assert_cause(&run, "dns_slow", &["on every DNS pod", "2.0 s"]);
    let records = run.case("dns::records/ipv6/n1 -> DNS");
    assert_eq!(records.verdict.status(), Status::Pass);

    // What is asked of it over one connection may take too long, which is the same finding.
    let late = lab.judge(|probe| {
        let mut seen = lab.observe(probe);
        if matches!(probe.vantage, Vantage::DnsPod { .. }) {
            seen.attempts.clear();
            seen.lost = Some("no answer in 3s".to_owned());
        }
        Some(seen)
    });
    let records = late.case("dns::records/ipv6/coredns-a on n1");
    assert!(records.verdict.detail().starts_with("blocked by dns::servers"), "{records:?}");

    let lab = Lab::dual().with(Fault::DnsSlow { pod: Some("coredns-b") });
    assert_one(&lab, "dns_slow", &["Of 2 DNS pods, coredns-b answers slowly"]);
}

#[test]
fn a_dns_pod_that_was_replaced_meanwhile_is_skipped() {
    let lab = Lab::dual().with(Fault::DnsDeaf { pod: "coredns-a" });
    let run = lab.changed(|lab| lab.fixture.dns_away = vec!["coredns-a".to_owned()]).run();
    for name in ["ipv4/coredns-a on n1", "ipv6/coredns-a on n1", "ipv4/kube-dns"] {
        let verdict = &run.case(&format!("dns::servers/{name}")).verdict;
        assert_eq!(verdict.status(), Status::Skip, "{name}");
        assert!(verdict.detail().starts_with("coredns-a was replaced"), "{}", verdict.detail());
    }
    let other = run.case("dns::servers/ipv6/coredns-b on n2");
    assert_eq!(other.verdict.status(), Status::Pass);
}

#[test]
fn what_the_network_loses_is_not_held_against_dns_servers() {
    let lab = Lab::dual().with(Fault::NoRoute { at: "n1", to: "n2", family: V6 });
    let verdict = lab.run().case("dns::servers/ipv6/coredns-b on n2").verdict.clone();
    assert_eq!(verdict.status(), Status::Skip);
    assert!(verdict.detail().starts_with("blocked by pod::reachable: from n1"), "{verdict:?}");
    // Where nobody reports it, it is a doubt.
    let alone = lab.changed(|lab| lab.suite.checks = vec!["dns::servers".to_owned()]).run();
    let verdict = &alone.case("dns::servers/ipv6/coredns-b on n2").verdict;
    assert_eq!(verdict.status(), Status::Inconclusive);
}

#[test]
fn many_dns_pods_are_shared_among_the_nodes_and_each_is_asked() {
    let many = |lab: &mut Lab| {
        let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { panic!("no DNS") };
        value.pods = (0..20)
            .map(|i| DnsPod { name: format!("coredns-{i}"), ..value.pods[i % 2].clone() })
            .collect();
    };
    let run = Lab::new(4, &[V4, V6]).changed(many).run();
    assert_eq!(run.names(Status::Fail), Vec::<String>::new());
    for i in 0..20 {
        let name = format!("dns::servers/ipv6/coredns-{i} on n{}", i % 2 + 1);
        let asked = run.probes_of(&name).len();
        assert!((2..=4).contains(&asked), "{asked} probes of {name}");
    }
}

#[test]
fn old_records_without_the_servers_own_probes_tell_a_deaf_one_from_dns_that_is_down() {
    let lab = Lab::dual().with(Fault::DnsDeaf { pod: "coredns-a" });
    let lab = lab.changed(|lab| lab.suite.checks = vec!["dns::records".to_owned()]);
    let cause = assert_one(&lab, "dns_unreachable", &["At least one of several DNS pods", "UDP"]);
    assert_eq!(cause.confidence, Confidence::Possible);
    let asks = |pod: &str| cause.reproduce.iter().any(|line| line.contains(pod));
    assert!(asks("get pod coredns-a") && asks("get pod coredns-b"), "{:?}", cause.reproduce);
}

/// Whether there is one cause, and which.
fn only(run: &Run) -> &Cause {
    assert_explained(run);
    let [cause] = run.record.causes.as_slice() else { panic!("{:#?}", run.record.causes) };
    cause
}

#[test]
fn a_dns_service_without_a_port_is_told_from_deaf_dns_pods() {
    for transport in ["TCP", "UDP"] {
        let lab = Lab::dual().changed(|lab| {
            let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { panic!("no DNS") };
            value.unpublished = vec![transport.to_owned()];
        });
        let run = lab.run();
        let cause = only(&run);
        assert_eq!(
            (cause.id.as_str(), cause.confidence),
            ("dns_port_unpublished", Confidence::Proved)
        );
        assert!(cause.what.contains(&format!("no port 53 for {transport}")), "{}", cause.what);
    }
}

#[test]
fn pods_that_ask_another_server_are_told_from_a_cluster_without_dns() {
    let lab = Lab::dual().with(Fault::OtherResolver { on: "n2" });
    let run = lab.run();
    let unseen = only(&run);
    assert_eq!((unseen.id.as_str(), unseen.confidence), ("resolver_wrong", Confidence::Likely));
    let names = |server: &str| {
        let lab = Lab::dual().with(Fault::OtherResolver { on: "n2" });
        lab.changed(|lab| lab.asks("n2", server.parse().unwrap()))
    };
    let run = names("10.96.0.99").run();
    let seen = only(&run);
    assert_eq!(seen.confidence, Confidence::Proved);
    assert!(seen.what.contains("queries to 10.96.0.99"), "{}", seen.what);
    let run = names("169.254.20.10").run();
    assert!(only(&run).fix[0].contains("NodeLocal DNSCache"), "{:?}", run.record.causes);
    let two = Lab::dual()
        .with(Fault::OtherResolver { on: "n2" })
        .with(Fault::OtherResolver { on: "n3" })
        .changed(|lab| {
            lab.asks("n2", [10, 96, 0, 99].into());
            lab.asks("n3", [10, 96, 0, 98].into());
        });
    let run = two.run();
    let told: Vec<&str> = run.record.causes.iter().map(|cause| cause.what.as_str()).collect();
    assert!(
        told.iter().any(|what| what.starts_with("Pods on n2 send queries to 10.96.0.99")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|what| what.starts_with("Pods on n3 send queries to 10.96.0.98")),
        "{told:?}"
    );
    // Where the cluster's own address is named, it is no matter of the kubelet's.
    assert!(!names("10.96.0.10").run().rules().contains(&"resolver_wrong"));
}

#[test]
fn a_dns_pod_that_learns_of_nothing_where_the_api_server_is_out_of_reach_is_a_consequence() {
    let lab = Lab::dual()
        .with(Fault::KubernetesServiceDropped { at: "n2", family: V4 })
        .with(Fault::NoNames { pod: Some("coredns-b") });
    let run = lab.run();
    let cause = only(&run);
    assert_eq!(cause.id, "kubernetes_service_dead");
    assert!(cause.evidence.iter().any(|it| it.contains("coredns-b runs there")), "{cause:#?}");
    // One on another node has a reason of its own.
    let elsewhere = Lab::dual()
        .with(Fault::KubernetesServiceDropped { at: "n1", family: V4 })
        .with(Fault::NoNames { pod: Some("coredns-b") });
    assert!(elsewhere.run().rules().contains(&"dns_without_names"));
}
