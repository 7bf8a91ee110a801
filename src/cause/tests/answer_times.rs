//! Families that are slower than the operator allows.

use super::assert_cause;
use crate::{
    check::Status,
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
};

fn slow_at(at: &'static str) -> Fault {
    Fault::Slow { at, millis: 600, family: V6 }
}

#[test]
fn a_node_whose_ways_are_all_slow_in_one_family_is_named() {
    let run = Lab::dual().within("500ms").with(slow_at("n2")).run();
    let words = ["Over IPv6, answers to and from node n2 take 600 ms", "10 ms over IPv4"];
    let cause = assert_cause(&run, "family_slow", &words);
    let red = run.names(Status::Fail);
    assert!(!red.is_empty() && red.iter().all(|name| cause.explains.contains(name)), "{cause:#?}");
    // Of its two ways one leads to n2, so that single answers scatter.
    assert!(cause.explains.contains(&"parity::answer_times/n1 -> pods".to_owned()), "{cause:#?}");
    let quick = "paths that don't involve n2 take 10 ms";
    assert!(cause.evidence.iter().any(|fact| fact == quick), "{cause:#?}");
    assert!(!cause.evidence.iter().any(|fact| fact.contains("SYN")), "{cause:#?}");
}

#[test]
fn connections_that_take_a_second_to_open_beside_quick_datagrams_have_lost_their_first_packet() {
    let fault = Fault::SlowToOpen { at: "n2", millis: 1_000, family: V4 };
    let run = Lab::dual().within("500ms").with(fault).run();
    let words = ["Over IPv4, connections to and from node n2 take 1010 ms"];
    let cause = assert_cause(&run, "family_slow", &words);
    assert!(cause.evidence.iter().any(|fact| fact.contains("first packet (SYN)")), "{cause:#?}");
    assert!(cause.fix[0].contains("limits new IPv4 connections"), "{cause:#?}");
    assert!(!cause.explains.iter().any(|name| name.contains("UDP")), "{cause:#?}");
}

#[test]
fn a_family_that_is_slow_everywhere_is_named_without_a_node() {
    let everywhere = ["n1", "n2", "n3"].map(slow_at);
    let lab = everywhere.into_iter().fold(Lab::dual().within("500ms"), Lab::with);
    let run = lab.run();
    let cause =
        assert_cause(&run, "family_slow", &["Over IPv6, answers on ", " paths take 600 ms"]);
    assert!(!cause.what.contains("node"), "what comes from outside is quick: {cause:#?}");
}

#[test]
fn slow_answers_are_no_fault_where_the_operator_gives_no_limit() {
    assert!(Lab::dual().with(slow_at("n2")).run().record.causes.is_empty());
}
