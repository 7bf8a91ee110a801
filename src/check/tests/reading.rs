//! What attempts mean together.

use crate::{
    check::{Kind, Reading, State, Status, World},
    fixture::WorkloadState,
    lab::{Fault, Lab},
    probe::{Attempt, Observation, Outcome, Probe, Target},
};

const CASE: &str = "service::cluster_ip_reachable/ipv6/n1 -> n2";

/// The probe from the pod on n1 to the ClusterIP of the backend on n2, and its right answer.
fn probe(lab: &Lab) -> (Probe, Outcome) {
    let run = lab.run();
    let probe = run.probes_of(CASE)[0].clone();
    (probe, answer_from(lab, "n2"))
}

/// What the backend on a node answers to the pod on n1.
fn answer_from(lab: &Lab, node: &str) -> Outcome {
    let backend = lab.fixture.backend_on(node).unwrap();
    Outcome::Answered(crate::probe::Answer {
        pod: backend.pod.clone().unwrap(),
        server: backend.pod_ips[1],
        client: lab.fixture.probe_on("n1").unwrap().pod_ips[1],
        payload: 0,
    })
}

fn state(world: World<'_>, probe: &Probe, outcomes: Vec<Outcome>, lost: Option<&str>) -> State {
    let attempts = outcomes.into_iter().map(|outcome| Attempt { millis: 20, outcome }).collect();
    let observation = Observation { attempts, lost: lost.map(ToOwned::to_owned) };
    Reading::of(world, probe, Some(&observation)).state
}

#[test]
fn a_path_that_settled_is_good_and_says_on_which_attempt() {
    let lab = Lab::dual();
    let (probe, answer) = probe(&lab);
    let outcomes = vec![Outcome::Refused, Outcome::TimedOut, answer.clone(), answer];
    assert_eq!(state(lab.world(), &probe, outcomes.clone(), None), State::Good);

    let attempts = outcomes.into_iter().map(|outcome| Attempt { millis: 20, outcome }).collect();
    let seen = Observation { attempts, lost: None };
    let run =
        lab.judge(|tried| Some(if *tried == probe { seen.clone() } else { lab.observe(tried) }));
    let case = run.case(CASE);
    assert_eq!(case.verdict.detail(), "answered in 20 ms, succeeded on attempt 3");
}

#[test]
fn one_time_out_between_answers_is_neither_good_nor_bad() {
    let lab = Lab::dual();
    let (probe, answer) = probe(&lab);
    let (right, late) = (|| answer.clone(), || Outcome::TimedOut);
    let once = state(lab.world(), &probe, vec![right(), late(), right(), right()], None);
    let State::Unknown(reason) = once else { panic!("{once:?}") };
    assert!(reason.starts_with("it timed out once and then answered twice again"), "{reason}");
    let twice = state(lab.world(), &probe, vec![right(), late(), right(), late()], None);
    assert!(matches!(twice, State::Bad(_)), "{twice:?}");
    let reset = vec![right(), Outcome::Reset, right(), right()];
    assert!(matches!(state(lab.world(), &probe, reset, None), State::Bad(_)));
    let lost = state(lab.world(), &probe, vec![right(), late()], Some("the exec broke"));
    assert_eq!(lost, State::Unknown("the exec broke".to_owned()));
}

#[test]
fn of_several_backends_each_must_answer_again_after_a_time_out() {
    let lab = Lab::dual();
    let run = lab.run();
    let probe =
        run.probes_of("service::cluster_ip_reachable/ipv6/n1 -> prefer-dual-stack")[0].clone();
    let (distinct, bound) = (usize::from(probe.attempts.distinct), probe.attempts.bound);
    assert!(distinct > 1 && usize::from(bound) > distinct);
    let answers: Vec<Outcome> = ["n1", "n2", "n3"]
        .iter()
        .map(|node| {
            let backend = lab.fixture.backend_on(node).unwrap();
            Outcome::Answered(crate::probe::Answer {
                pod: backend.pod.clone().unwrap(),
                server: backend.pod_ips[1],
                client: lab.fixture.probe_on("n1").unwrap().pod_ips[1],
                payload: 0,
            })
        })
        .collect();
    let seen = |after: Vec<Outcome>| {
        let outcomes = [vec![answers[0].clone(), Outcome::TimedOut], after].concat();
        state(lab.world(), &probe, outcomes, None)
    };
    let sample = || answers.iter().cycle().take(bound.into()).cloned().collect::<Vec<_>>();
    assert!(matches!(seen(sample()), State::Unknown(_)), "{:?}", seen(sample()));
    assert!(matches!(seen(sample()[1..].to_vec()), State::Bad(_)));
    assert!(matches!(seen(vec![answers[0].clone(); bound.into()]), State::Bad(_)));
}

#[test]
fn a_failure_after_a_success_is_never_forgiven() {
    let lab = Lab::dual();
    let (probe, answer) = probe(&lab);
    let State::Bad(symptom) =
        state(lab.world(), &probe, vec![answer.clone(), Outcome::TimedOut], None)
    else {
        panic!("it passed");
    };
    assert!(symptom.intermittent);
    assert_eq!(
        (symptom.kind, symptom.detail.as_str()),
        (Kind::TimedOut, "timed out after it had answered once")
    );
    // Not even where the transport broke afterwards.
    let lost = state(lab.world(), &probe, vec![answer, Outcome::Refused], Some("the exec broke"));
    assert!(matches!(lost, State::Bad(_)));
}

#[test]
fn what_was_cut_off_is_never_a_verdict() {
    let lab = Lab::dual();
    let (probe, answer) = probe(&lab);
    for outcomes in [vec![], vec![answer], vec![Outcome::TimedOut, Outcome::TimedOut]] {
        assert_eq!(
            state(lab.world(), &probe, outcomes, Some("the exec broke")),
            State::Unknown("the exec broke".to_owned())
        );
    }
    assert!(matches!(Reading::of(lab.world(), &probe, None).state, State::Unknown(_)));
}

#[test]
fn too_few_successes_are_no_pass() {
    let lab = Lab::dual();
    let (probe, answer) = probe(&lab);
    assert!(probe.attempts.successes > 1);
    assert!(matches!(state(lab.world(), &probe, vec![answer], None), State::Unknown(_)));
}

#[test]
fn failures_are_counted_in_the_order_in_which_they_came() {
    let lab = Lab::dual();
    let (probe, _) = probe(&lab);
    let outcomes = vec![Outcome::Refused, Outcome::Refused, Outcome::TimedOut];
    let State::Bad(symptom) = state(lab.world(), &probe, outcomes, None) else {
        panic!("it passed");
    };
    assert_eq!(symptom.detail, "refused twice, then timed out once");
    assert_eq!(symptom.kind, Kind::TimedOut);
}

#[test]
fn an_answer_of_the_wrong_backend_is_wrong_however_often_the_right_one_answers() {
    let lab = Lab::dual().with(Fault::WrongBackend { of: "n2", to: "n3" });
    let (probe, answer) = probe(&lab);
    let Outcome::Answered(right) = &answer else { panic!("no answer") };
    let wrong =
        Outcome::Answered(crate::probe::Answer { pod: "nginx-3-xyz".to_owned(), ..right.clone() });
    let State::Bad(symptom) = state(lab.world(), &probe, vec![wrong, answer.clone()], None) else {
        panic!("it passed");
    };
    assert_eq!(symptom.kind, Kind::WrongAnswer);
}

#[test]
fn a_shared_service_that_leaves_a_backend_out_is_red() {
    let lab = Lab::dual();
    let run = lab.run();
    let probe = run.probes_of("service::cluster_ip_reachable/ipv6/n1 -> prefer-dual-stack")[0];
    assert_eq!(probe.attempts.distinct, 3);
    let (_, answer) = self::probe(&lab);
    let many = vec![answer; usize::from(probe.attempts.bound) + 1];
    let State::Bad(symptom) = state(lab.world(), probe, many, None) else { panic!("it passed") };
    assert_eq!(symptom.kind, Kind::Unanswered);
    assert!(symptom.detail.starts_with("only 1 of 3 answered in"), "{}", symptom.detail);
}

#[test]
fn a_record_that_comes_and_goes_is_red() {
    let lab = Lab::dual();
    let run = lab.run();
    let probe = run
        .probes_of("dns::records/ipv6/n1 -> DNS")
        .into_iter()
        .find(
            |probe| matches!(&probe.target, Target::Dns { name, .. } if name.starts_with("ipv6.")),
        )
        .unwrap();
    let records = Outcome::Records {
        addresses: vec![
            lab.fixture
                .service(&crate::fixture::ServiceRole::Ipv6)
                .unwrap()
                .cluster_ip(crate::net::IpFamily::V6)
                .unwrap(),
        ],
    };
    for outcomes in
        [vec![Outcome::NoRecords, records.clone()], vec![records.clone(), Outcome::NoRecords]]
    {
        assert!(matches!(state(lab.world(), probe, outcomes, None), State::Bad(_)));
    }
    // NXDOMAIN before the first right answer is a name that the server did not have yet.
    let settled = vec![Outcome::NoSuchName, records.clone(), records];
    assert_eq!(state(lab.world(), probe, settled, None), State::Good);
}

#[test]
fn a_backend_that_came_up_after_it_was_given_up_leaves_doubt_and_no_red() {
    let reason = "FailedCreatePodSandBox: plugin type=\"ptp\" failed (add): timed out".to_owned();
    let late = Lab::dual();
    let lab = Lab::dual().changed(|lab| {
        for pod in lab.fixture.backends.iter_mut().filter(|pod| pod.node == "n3") {
            pod.pod_ips.clear();
            pod.state = WorkloadState::Failed { reason: reason.clone() };
        }
    });
    // What is seen is the cluster with all its backends.
    let run = lab.judge(|probe| Some(late.observe(probe)));
    assert_eq!(run.names(Status::Fail), Vec::<String>::new());
    assert_eq!(run.record.causes, []);
    let headless = run.case("dns::headless/ipv6/n1 -> DNS");
    assert_eq!(headless.verdict.status(), Status::Inconclusive);
    let own = run.case("service::cluster_ip_reachable/ipv4/n1 -> n3");
    assert_eq!(own.verdict.status(), Status::Inconclusive);
}

#[test]
fn a_backend_that_was_given_up_answers_wrongly_for_the_service_of_another() {
    let lab = Lab::dual().changed(|lab| {
        let given_up = lab.fixture.backends.iter_mut().find(|pod| pod.node == "n3").unwrap();
        given_up.state = WorkloadState::Failed { reason: "timed out".to_owned() };
    });
    let (probe, _) = probe(&lab);
    let answer = answer_from(&lab, "n3");
    let state = state(lab.world(), &probe, vec![answer.clone(), answer], None);
    assert!(matches!(state, State::Bad(symptom) if symptom.kind == Kind::WrongAnswer));
}
