//! Faults of DNS pods and what they answer.

use super::{assert_cause, assert_one, assert_red};
use crate::{
    cause::Confidence,
    lab::{Fault, Lab},
    net::IpFamily::V6,
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
fn one_of_two_dns_pods_that_is_deaf_is_told_from_dns_that_is_down() {
    let lab = Lab::dual().with(Fault::DnsDeaf { pod: "coredns-a" });
    let cause = assert_one(&lab, "dns_unreachable", &["One of several DNS pods", "UDP"]);
    assert_eq!(cause.confidence, Confidence::Possible);
    let asks = |pod: &str| cause.reproduce.iter().any(|line| line.contains(pod));
    assert!(asks("get pod coredns-a") && asks("get pod coredns-b"), "{:?}", cause.reproduce);
}
