//! What time-outs mean on machines that are too busy.

use crate::{
    check::{Status, Verdict},
    facts::Fact,
    lab::{Fault, Lab, Run},
    net::IpFamily::V6,
    probe::{Aim, Attempt, Observation, Outcome, Probe, Target, Vantage},
};

const CASE: &str = "pod::reachable/ipv6/n1 -> n2";

/// Time-outs, the last of which ended so many milliseconds after its start.
fn timed_out(millis: u32) -> Observation {
    let attempt = |millis| Attempt { millis, outcome: Outcome::TimedOut };
    Observation { attempts: vec![attempt(500), attempt(millis)], lost: None }
}

/// A run in which the probes of one path time out, and one more from a node is stopped late.
fn run(lab: &Lab, late: impl Fn(&Probe) -> Option<u32>) -> Run {
    let healthy = lab.run();
    let dead = healthy.probes_of(CASE);
    lab.judge(|tried| {
        Some(match late(tried) {
            Some(millis) => {
                let seen = lab.observe(tried);
                let late = Attempt { millis, outcome: Outcome::TimedOut };
                Observation { attempts: [vec![late], seen.attempts].concat(), lost: None }
            }
            None if dead.contains(&tried) => timed_out(3_010),
            None => lab.observe(tried),
        })
    })
}

fn verdict(lab: &Lab, late: impl Fn(&Probe) -> Option<u32>) -> Verdict {
    run(lab, late).case(CASE).verdict.clone()
}

/// As long, where it is the first TCP probe of a node's pod.
fn at(node: &str, millis: u32) -> impl Fn(&Probe) -> Option<u32> {
    let from = Vantage::Pod { node: node.to_owned() };
    move |tried| {
        let stopped = matches!(tried.target, Target::Udp { .. });
        (tried.vantage == from && stopped).then_some(millis)
    }
}

#[test]
fn a_time_out_on_a_machine_with_time_to_spare_is_a_failure() {
    let lab = Lab::dual();
    assert_eq!(verdict(&lab, |_| None).status(), Status::Fail);
    assert_eq!(verdict(&lab, at("n1", 3_400)).status(), Status::Fail, "within the margin");
    assert_eq!(verdict(&lab, at("n3", 4_000)).status(), Status::Fail, "another node was busy");
}

#[test]
fn a_time_out_where_a_node_was_too_busy_is_no_failure() {
    let lab = Lab::dual();
    for node in ["n1", "n2"] {
        let run = run(&lab, at(node, 4_590));
        assert_eq!(run.rules(), [""; 0], "no cause is made up of it");
        let verdict = &run.case(CASE).verdict;
        assert_eq!(verdict.status(), Status::Inconclusive, "{verdict:?}");
        let reason = verdict.detail();
        assert!(reason.starts_with(&format!("{node} was too busy")), "{reason}");
        assert!(reason.contains("1.5 s after its time"), "{reason}");
    }
}

#[test]
fn a_path_that_stays_silent_when_it_is_tried_again_is_a_failure() {
    let mut lab = Lab::dual();
    lab.fixture.looked_again = true;
    assert_eq!(verdict(&lab, at("n1", 4_590)).status(), Status::Fail);
}

#[test]
fn nodes_on_one_kernel_are_busy_together() {
    let mut lab = Lab::dual();
    lab.node("n2").same_kernel_as = Some("n1".to_owned());
    lab.node("n3").same_kernel_as = Some("n1".to_owned());
    let verdict = verdict(&lab, at("n3", 4_000));
    assert_eq!(verdict.status(), Status::Inconclusive, "{verdict:?}");
    assert!(verdict.detail().starts_with("n1, n2, n3 were too busy"), "{verdict:?}");
}

#[test]
fn what_was_refused_is_a_failure_however_busy_the_machine() {
    let lab = Lab::dual();
    let healthy = lab.run();
    let dead = healthy.probes_of(CASE);
    let late = at("n1", 9_000);
    let run = lab.judge(|tried| {
        let refused = Attempt { millis: 20, outcome: Outcome::Refused };
        Some(match late(tried) {
            _ if dead.contains(&tried) => Observation { attempts: vec![refused; 3], lost: None },
            Some(millis) => timed_out(millis),
            None => lab.observe(tried),
        })
    });
    assert_eq!(run.case(CASE).verdict.status(), Status::Fail);
}

/// A run in which the probes of one path answer, run out of time once, and answer so many times again.
fn stumbling(lab: &Lab, again: usize, late: impl Fn(&Probe) -> Option<u32>) -> Verdict {
    let healthy = lab.run();
    let stumbling = healthy.probes_of(CASE);
    let run = lab.judge(|tried| {
        let seen = lab.observe(tried);
        let timed_out = |millis| vec![Attempt { millis, outcome: Outcome::TimedOut }];
        let attempts = match late(tried) {
            Some(millis) => [timed_out(millis), seen.attempts].concat(),
            None if stumbling.contains(&tried) => {
                let answer = seen.attempts[0].clone();
                [vec![answer.clone()], timed_out(3_010), vec![answer; again]].concat()
            }
            None => seen.attempts,
        };
        Some(Observation { attempts, lost: None })
    });
    run.case(CASE).verdict.clone()
}

#[test]
fn one_time_out_between_answers_is_excused_by_a_busy_machine_alone() {
    let lab = Lab::dual();
    let quiet = stumbling(&lab, 8, |_| None);
    assert_eq!(quiet.status(), Status::Inconclusive, "{quiet:?}");
    let busy = stumbling(&lab, 8, at("n1", 4_590));
    assert_eq!(busy.status(), Status::Pass, "{busy:?}");
    assert!(busy.detail().ends_with("; timed out once while n1 was busy"), "{busy:?}");
    let late = stumbling(&lab, 8, at("n1", 1_200));
    assert_eq!(late.status(), Status::Pass, "its first attempts were late: {late:?}");
    let elsewhere = stumbling(&lab, 8, at("n3", 4_590));
    assert_eq!(elsewhere.status(), Status::Inconclusive, "{elsewhere:?}");
}

#[test]
fn a_busy_machine_excuses_nothing_that_a_second_backend_explains_too() {
    let verdict = stumbling(&Lab::dual(), 2, at("n1", 4_590));
    assert_eq!(verdict.status(), Status::Inconclusive, "{verdict:?}");
}

/// What is said of a Service that runs out of time between its answers, where its pod's node was busy and
/// the way to some backend stays dead when it is tried once more.
fn service_beside_a_dead_way(from: &str, again: usize) -> Verdict {
    const SERVICE: &str = "service::cluster_ip_reachable/ipv6/n1 -> ipv6";
    let mut lab = Lab::dual();
    lab.fixture.looked_again = true;
    let healthy = lab.run();
    let dead = healthy.probes_of(&format!("pod::reachable/ipv6/{from} -> n2"));
    let service = healthy.probes_of(SERVICE);
    let late = at("n1", 4_590);
    let run = lab.judge(|tried| {
        let seen = lab.observe(tried);
        let late_one = |millis| vec![Attempt { millis, outcome: Outcome::TimedOut }];
        let attempts = if dead.contains(&tried) {
            timed_out(3_010).attempts
        } else if service.contains(&tried) {
            let answers = || seen.attempts.iter().cycle().cloned();
            let before = answers().take(4);
            before.chain(late_one(3_010)).chain(answers().take(again)).collect()
        } else if let Some(millis) = late(tried) {
            [late_one(millis), seen.attempts].concat()
        } else {
            seen.attempts
        };
        Some(Observation { attempts, lost: None })
    });
    run.case(SERVICE).verdict.clone()
}

#[test]
fn a_busy_machine_excuses_no_time_out_that_a_dead_way_to_a_backend_explains() {
    let passed = service_beside_a_dead_way("n3", 60);
    assert_eq!(passed.status(), Status::Pass, "the dead way begins elsewhere: {passed:?}");
    let doubtful = service_beside_a_dead_way("n1", 60);
    assert_eq!(doubtful.status(), Status::Inconclusive, "{doubtful:?}");
    let unheard = service_beside_a_dead_way("n3", 0);
    assert_eq!(unheard.status(), Status::Inconclusive, "{unheard:?}");
    let failed = service_beside_a_dead_way("n1", 0);
    assert_eq!(failed.status(), Status::Fail, "{failed:?}");
}

/// What is said of datagrams that get lost between two nodes, where a machine was kept from the processor.
fn losing(late: impl Fn(&Probe) -> Option<u32>) -> Verdict {
    let lossy = Fault::Lossy { between: ["n1", "n2"], percent: 40, family: V6 };
    let lab = Lab::dual().with(lossy);
    let run = lab.judge(|tried| {
        let seen = lab.observe(tried);
        let attempts = match late(tried) {
            Some(millis) => {
                let late = Attempt { millis, outcome: Outcome::TimedOut };
                [vec![late], seen.attempts].concat()
            }
            None => seen.attempts,
        };
        Some(Observation { attempts, lost: None })
    });
    run.case("pod::loss/ipv6/n1 -> n2").verdict.clone()
}

#[test]
fn lost_datagrams_mean_nothing_where_a_node_was_kept_from_the_processor_for_longer_than_a_train_waits()
 {
    assert_eq!(losing(|_| None).status(), Status::Fail);
    assert_eq!(losing(at("n1", 3_900)).status(), Status::Fail, "not for so long");
    assert_eq!(losing(at("n3", 4_590)).status(), Status::Fail, "another node was busy");
    let busy = losing(at("n2", 4_590));
    assert_eq!(busy.status(), Status::Inconclusive, "{busy:?}");
    assert!(busy.detail().starts_with("n2 was too busy"), "{busy:?}");
}

/// A run in which one DNS pod denies every name for a while, as do some answers to pods meanwhile.
fn run_with_learner(lab: &Lab, learns: bool) -> Run {
    let denied = || Attempt { millis: 10, outcome: Outcome::NoSuchName };
    lab.judge(|tried| {
        let mut seen = lab.observe(tried);
        let itself = matches!(&tried.vantage, Vantage::DnsPod { pod, .. } if pod == "coredns-b");
        if matches!(tried.aim, Aim::Records { .. }) {
            match &tried.vantage {
                _ if itself && learns => seen.attempts.insert(0, denied()),
                Vantage::Pod { node } if node == "n1" => seen.attempts.push(denied()),
                _ => {}
            }
        }
        Some(seen)
    })
}

#[test]
fn a_name_that_one_of_several_dns_servers_has_yet_to_learn_is_no_failure() {
    let lab = Lab::dual();
    let run = run_with_learner(&lab, true);
    let asked = run.case("dns::records/ipv6/n1 -> DNS");
    assert_eq!(asked.verdict.status(), Status::Inconclusive, "{:?}", asked.verdict);
    let reason = asked.verdict.detail();
    assert!(reason.starts_with("the DNS pod coredns-b learned of this run's Services"), "{reason}");
    assert_eq!(run.rules(), [""; 0], "no cause is made up of it");
    let known = run_with_learner(&lab, false);
    assert_eq!(known.case("dns::records/ipv6/n1 -> DNS").verdict.status(), Status::Fail);
    // A server that is alone and denies what it gave before does not follow anything.
    let alone = Lab::dual().changed(|lab| {
        let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { return };
        value.pods.retain(|pod| pod.name == "coredns-b");
    });
    let run = run_with_learner(&alone, true);
    assert_eq!(run.case("dns::records/ipv6/n1 -> DNS").verdict.status(), Status::Fail);
}
