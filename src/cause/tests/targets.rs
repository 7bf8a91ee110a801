//! Causes of failures of the operator's own Services.

use super::{assert_explained, assert_one};
use crate::{
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
};

fn lab() -> Lab {
    Lab::dual().with_target()
}

#[test]
fn an_application_that_listens_on_ipv4_alone_is_named_with_what_it_refuses() {
    let lab = lab().with(Fault::TargetDeaf { pod: None, family: V6 });
    let words = ["behind the Service team/web listens on 0.0.0.0 only", "port 8080 refuses IPv6"];
    let cause = assert_one(&lab, "target_listens_on_one_family", &words);
    assert!(cause.explains.contains(&"target::cluster_ips/ipv6/n3 -> team/web:80".to_owned()));
    assert!(cause.reproduce[2].contains("exec web-1 -- grep -i ':1F90 '"), "{:?}", cause.reproduce);
}

#[test]
fn an_application_that_listens_on_ipv6_alone_is_named_so() {
    let lab = lab().with(Fault::TargetDeaf { pod: None, family: V4 });
    assert_one(&lab, "target_listens_on_one_family", &["listens on IPv6 only", "refuses IPv4"]);
}

#[test]
fn one_pod_that_refuses_is_named() {
    let lab = lab().with(Fault::TargetDeaf { pod: Some("web-2"), family: V6 });
    let cause = assert_one(&lab, "target_listens_on_one_family", &["application in web-2 behind"]);
    assert!(cause.evidence[0].starts_with("web-2 at [fd00:10:244:2::80]:8080"));
}

#[test]
fn an_application_that_refuses_both_families_is_no_matter_of_families() {
    let deaf = |family| Fault::TargetDeaf { pod: None, family };
    let run = lab().with(deaf(V4)).with(deaf(V6)).run();
    assert!(!run.rules().contains(&"target_listens_on_one_family"), "{:?}", run.rules());
}

#[test]
fn faults_of_the_network_explain_what_they_do_to_the_operators_services() {
    for (fault, rule) in [
        (Fault::NoRoute { at: "n1", to: "n2", family: V6 }, "pod_route_missing"),
        (Fault::ClusterIpDropped { at: "n2", family: V6 }, "cluster_ip_dead"),
        (Fault::CutOff { node: "n2", family: V6 }, "node_cut_off"),
        (Fault::NoRecords { pod: None, family: V6 }, "dns_without_records"),
        (Fault::WrongRecords { pod: None, family: V6 }, "dns_wrong_records"),
        (Fault::NoNames { pod: None }, "dns_without_names"),
        (Fault::DnsDown, "dns_unreachable"),
    ] {
        let run = lab().with(fault).run();
        assert_explained(&run);
        assert_eq!(run.rules(), [rule]);
    }
}
