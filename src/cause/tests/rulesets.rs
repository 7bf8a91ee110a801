//! What the rules of the nodes' packet filters add to what the paths say.

use super::assert_one;
use crate::{
    cause::{Cause, Confidence},
    fixture::ServiceRole,
    lab::{Fault, Lab},
    net::IpFamily::V6,
    snapshot::RulesReader,
};

/// A lab whose node n2 has these rules beside kube-proxy's, which translate the lab's ClusterIPs or don't.
fn with_rules(lab: Lab, translates: bool, rules: &str) -> Lab {
    lab.changed(|lab| {
        let services = lab.fixture.services.iter().filter(|service| service.role.is_basic());
        let asked: Vec<_> = services.filter_map(|service| service.cluster_ip(V6)).collect();
        let mut reader = RulesReader::new("n2", asked.clone());
        let mut text = "table ip6 nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting \
         priority dstnat; policy accept;\n\t\tcounter packets 1 bytes 1 jump \
         KUBE-SERVICES\n\t}\n\tchain KUBE-SERVICES {\n"
            .to_owned();
        for ip in asked.iter().filter(|_| translates) {
            text += &format!("\t\tip6 daddr {ip} tcp dport 80 counter jump KUBE-SVC-X\n");
        }
        text += "\t}\n}\n";
        text += rules;
        text.lines().for_each(|line| reader.line(line));
        lab.facts.rulesets = vec![reader.finish(None)];
    })
}

fn chain(hook: &str, rule: &str) -> String {
    format!(
        "table inet guard {{\n\tchain x {{\n\t\ttype filter hook {hook} priority -310; policy \
         accept;\n\t\t{rule}\n\t}}\n}}"
    )
}

fn backend(lab: &Lab, node: &str) -> String {
    lab.fixture.backend_on(node).and_then(|pod| pod.address(V6)).unwrap().to_string()
}

fn speaks(cause: &Cause, word: &str) -> bool {
    cause.evidence.iter().any(|fact| fact.contains(word))
}

#[test]
fn a_rule_that_drops_what_was_tried_proves_a_filter_and_is_the_first_thing_to_fix() {
    let lab = || Lab::dual().with(Fault::PodFiltered { on: "n2", family: V6 });
    let blind = assert_one(&lab(), "backend_filtered", &["n2"]);
    assert_ne!(blind.confidence, Confidence::Proved);
    let pod = backend(&lab(), "n2");
    let rules = chain(
        "forward",
        &format!("ip6 daddr {pod} tcp dport {{ 80, 8080 }} counter packets 7 bytes 9 drop"),
    );
    let cause = assert_one(&with_rules(lab(), true, &rules), "backend_filtered", &["n2"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert_eq!(
        cause.evidence[0],
        format!(
            "a rule on n2 drops what it matches: ip6 daddr {pod} tcp dport {{ 80, 8080 }} drop \
             (table inet guard, chain x)"
        )
    );
    assert!(cause.fix[0].contains("nft -a list chain inet guard x"), "{:#?}", cause.fix);
}

#[test]
fn a_rule_that_can_not_have_dropped_it_proves_nothing() {
    let lab = || Lab::dual().with(Fault::WebPortDropped { on: "n2", family: V6 });
    let pod = backend(&lab(), "n2");
    for (hook, rule) in [
        ("forward", format!("ip6 daddr {pod} udp dport 8080 drop")),
        ("forward", format!("ip6 daddr {pod} tcp dport 9090 drop")),
        ("forward", "ip daddr 10.244.1.0/24 tcp dport 8080 drop".to_owned()),
        ("input", format!("ip6 daddr {pod} tcp dport 8080 drop")),
        ("forward", "ip6 daddr 2001:db8::/32 drop".to_owned()),
        // It would have dropped what answered, too.
        ("forward", "meta nfproto ipv6 drop".to_owned()),
    ] {
        let cause = assert_one(&with_rules(lab(), true, &chain(hook, &rule)), "tcp_filtered", &[]);
        assert_eq!(cause.confidence, Confidence::Likely, "{rule}: {cause:#?}");
        assert!(!speaks(&cause, "a rule on n2"), "{rule}: {cause:#?}");
    }
    let both =
        format!("ip6 daddr {pod} meta l4proto {{ tcp, udp }} th dport 8080 ct state new drop");
    let cause = assert_one(&with_rules(lab(), true, &chain("forward", &both)), "tcp_filtered", &[]);
    assert!(speaks(&cause, "this may be such a packet"), "{cause:#?}");
    // One whose other conditions nobody knows is shown, and proves nothing.
    let rule = format!("iifname \"eth0\" ip6 daddr {pod} tcp dport 8080 drop");
    let cause = assert_one(&with_rules(lab(), true, &chain("forward", &rule)), "tcp_filtered", &[]);
    assert_eq!(cause.confidence, Confidence::Likely, "{cause:#?}");
    assert!(speaks(&cause, "this may be such a packet"), "{cause:#?}");
}

#[test]
fn a_chain_forward_that_drops_the_rest_proves_that_it_is_the_policy() {
    let lab = Lab::dual().with(Fault::ForwardDropped { on: "n2", family: V6 });
    let rules = "table ip6 filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority \
     filter; policy drop;\n\t\tcounter jump KUBE-FORWARD\n\t}\n}";
    let cause = assert_one(&with_rules(lab, true, rules), "forward_filtered", &["n2"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert!(cause.evidence[0].starts_with("the chain FORWARD of table ip6 filter on n2 drops"));
}

#[test]
fn rules_of_kube_proxy_that_are_not_there_prove_that_it_carries_no_services() {
    let lab = || {
        Lab::dual()
            .with(Fault::ClusterIpDropped { at: "n2", family: V6 })
            .with(Fault::NodePortRefused { at: "n2", family: V6 })
    };
    let cause = assert_one(&with_rules(lab(), false, ""), "service_proxy_down", &["n2"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert!(
        cause.evidence[0].starts_with("none of kube-proxy's rules on n2 translates fd00:"),
        "{:#?}",
        cause.evidence
    );
    let there = assert_one(&with_rules(lab(), true, ""), "service_proxy_down", &["n2"]);
    assert_eq!(there.confidence, Confidence::Likely, "{there:#?}");
    assert!(speaks(&there, "something else drops packets to it"), "{there:#?}");
    let broken_off = lab().changed(|lab| {
        *lab = with_rules(std::mem::replace(lab, Lab::dual()), false, "");
        lab.facts.rulesets[0].incomplete = Some("timed out".to_owned());
    });
    let cause = assert_one(&broken_off, "service_proxy_down", &["n2"]);
    assert_eq!(cause.confidence, Confidence::Likely, "{cause:#?}");
}

#[test]
fn a_rule_that_drops_cluster_ips_is_told_from_rules_that_are_missing() {
    let lab = Lab::dual().with(Fault::ClusterIpDropped { at: "n2", family: V6 });
    let service = lab.fixture.service(&ServiceRole::Backend("n1".to_owned())).unwrap();
    let rule = format!("ip6 daddr {} drop", service.cluster_ip(V6).unwrap());
    let cause =
        assert_one(&with_rules(lab, true, &chain("prerouting", &rule)), "cluster_ip_dead", &["n2"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert!(cause.evidence[0].contains(&rule), "{:#?}", cause.evidence);
}

#[test]
fn connections_that_are_not_tracked_are_told_from_a_filter_on_a_port() {
    let lab = || Lab::dual().with_hosts().with(Fault::Untracked { at: "n2", family: V6 });
    let blind = assert_one(&lab(), "connections_untracked", &["Node n2 does not track IPv6"]);
    assert_eq!(blind.confidence, Confidence::Possible, "{blind:#?}");
    let rule = "ip6 saddr fd00:10:244::/48 notrack";
    let seen = with_rules(lab(), true, &chain("prerouting", rule));
    let cause = assert_one(&seen, "connections_untracked", &["Node n2"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    assert!(cause.evidence[0].starts_with("a rule on n2 switches tracking off: "), "{cause:#?}");
    // A rule for something else is no sign of it.
    let port = || Lab::dual().with_hosts().with(Fault::WebPortDropped { on: "n2", family: V6 });
    let other = with_rules(port(), true, &chain("prerouting", "udp dport 5353 notrack"));
    assert_one(&other, "tcp_filtered", &["n2"]);
}

#[test]
fn only_the_rules_that_a_packet_of_the_path_meets_count() {
    // What the node itself sends meets no rule of what is forwarded.
    let lab = || Lab::dual().with_hosts().with(Fault::HostCutFromOwnPods { at: "n2", family: V6 });
    let pod = backend(&lab(), "n2");
    let output = chain("output", &format!("ip6 daddr {pod} drop"));
    let cause = assert_one(&with_rules(lab(), true, &output), "host_without_own_pods", &["n2"]);
    assert_eq!(cause.confidence, Confidence::Proved, "{cause:#?}");
    let forward = chain("forward", &format!("ip6 daddr {pod} drop"));
    let cause = assert_one(&with_rules(lab(), true, &forward), "host_without_own_pods", &["n2"]);
    assert_eq!(cause.confidence, Confidence::Likely, "{cause:#?}");
}
