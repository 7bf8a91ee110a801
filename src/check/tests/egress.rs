//! Pods that connect to this machine.

use crate::{
    check::{Status, egress_notices},
    fixture::Destination,
    lab::{Fault, Lab, Run},
    net::IpFamily::{self, V4, V6},
    suite::EgressPolicy,
};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

fn cases(run: &Run, family: IpFamily) -> Vec<(Status, String)> {
    NODES
        .iter()
        .map(|node| {
            let name = format!("egress::to_runner/{}/{node} -> outside", family.slug());
            let verdict = &run.case(&name).verdict;
            (verdict.status(), verdict.detail().to_owned())
        })
        .collect()
}

fn statuses(run: &Run, family: IpFamily) -> Vec<Status> {
    cases(run, family).into_iter().map(|(status, _)| status).collect()
}

fn dead(nodes: &[&'static str], family: IpFamily) -> Lab {
    nodes.iter().fold(Lab::dual(), |lab, at| lab.with(Fault::EgressDropped { at, family }))
}

#[test]
fn a_pass_says_under_which_address_the_pod_arrived() {
    let masqueraded = Lab::dual().run();
    let routed = Lab::dual().with(Fault::EgressRouted { family: V6 }).run();
    let translated = Lab::dual().with(Fault::EgressTranslated { family: V6 }).run();
    for (run, said) in [
        (&masqueraded, "masqueraded, in 10 ms"),
        (&routed, "not masqueraded, in 10 ms"),
        (&translated, "seen as 2001:db8::7, which is not the address of a pod or node, in 10 ms"),
    ] {
        for (status, detail) in cases(run, V6) {
            assert_eq!(status, Status::Pass);
            assert_eq!(detail, said);
        }
    }
    let notices = |run: &Run, lab: &Lab| egress_notices(lab.world(), &run.record.probes);
    assert_eq!(notices(&masqueraded, &Lab::dual()), Vec::<String>::new());
    let told = notices(&routed, &Lab::dual());
    assert_eq!(told.len(), 1);
    let start = "pods leave the cluster under their own addresses over IPv6 and under their nodes' over IPv4";
    assert!(told[0].starts_with(start), "{}", told[0]);
    let told = notices(&translated, &Lab::dual());
    let start =
        "pods on n1, n2 and n3 that connect to the outside over IPv6 are seen as 2001:db8::7";
    assert!(told.len() == 1 && told[0].starts_with(start), "{told:?}");
}

#[test]
fn a_node_whose_pods_do_not_get_out_is_red_beside_others_that_do() {
    let run = dead(&["n2"], V6).run();
    assert_eq!(statuses(&run, V6), [Status::Pass, Status::Fail, Status::Pass]);
    assert_eq!(statuses(&run, V4), [Status::Pass; 3]);
    let failure = run.case("egress::to_runner/ipv6/n2 -> outside").verdict.failure().unwrap();
    assert!(failure.what.ends_with("pods on n1 get there."), "{}", failure.what);
}

#[test]
fn a_family_that_does_not_get_out_beside_one_that_does_is_red() {
    let lab = dead(&NODES, V6);
    assert_eq!(statuses(&lab.run(), V6), [Status::Fail; 3]);
    assert_eq!(statuses(&lab.with_hosts().run(), V6), [Status::Fail; 3]);
}

#[test]
fn a_machine_to_which_no_packet_comes_is_in_doubt_unless_it_is_required() {
    let lab = Lab::dual().with(Fault::NoWayBack);
    let run = lab.run();
    for family in [V4, V6] {
        for (status, detail) in cases(&run, family) {
            assert_eq!(status, Status::Inconclusive);
            assert!(detail.starts_with("no packet from the cluster"), "{detail}");
        }
    }
    assert_eq!(run.rules(), [""; 0]);
    let required = lab.changed(|lab| lab.suite.egress = EgressPolicy::Required).run();
    assert_eq!(statuses(&required, V4), [Status::Fail; 3]);
}

#[test]
fn a_family_in_which_the_nodes_do_not_get_here_either_is_in_doubt() {
    let lab = dead(&NODES, V6).with_hosts().with(Fault::HostEgressDropped { family: V6 });
    for (status, detail) in cases(&lab.run(), V6) {
        assert_eq!(status, Status::Inconclusive);
        assert!(detail.starts_with("over IPv6 the nodes themselves"), "{detail}");
    }
}

#[test]
fn pods_that_get_out_in_no_family_while_nodes_do_may_be_kept_in_on_purpose() {
    let lab = NODES
        .into_iter()
        .fold(dead(&NODES, V6), |lab, at| lab.with(Fault::EgressDropped { at, family: V4 }));
    for (status, detail) in cases(&lab.with_hosts().run(), V4) {
        assert_eq!(status, Status::Inconclusive);
        assert!(detail.contains("a policy or a firewall may block egress from pods"), "{detail}");
    }
}

#[test]
fn a_machine_without_a_family_is_in_doubt_and_a_failure_where_it_is_required() {
    let lab = Lab::dual().with(Fault::NoWayOutside { family: V6 });
    let run = lab.run();
    assert_eq!(statuses(&run, V6), [Status::Inconclusive; 3]);
    assert_eq!(statuses(&run, V4), [Status::Pass; 3]);
    let required = lab.changed(|lab| lab.suite.egress = EgressPolicy::Required).run();
    assert_eq!(statuses(&required, V6), [Status::Fail; 3]);
}

#[test]
fn nothing_is_tried_where_it_is_off_or_this_machine_is_part_of_the_cluster() {
    let off = Lab::dual().changed(|lab| lab.suite.egress = EgressPolicy::Off).run();
    assert_eq!(statuses(&off, V6), [Status::Skip; 3]);
    let mut lab = Lab::dual();
    let reason = "this machine is part of the cluster".to_owned();
    lab.fixture.egress.insert(V6, Destination::Skipped { reason: reason.clone() });
    assert_eq!(cases(&lab.run(), V6)[0], (Status::Skip, reason));
}

#[test]
fn any_answer_of_the_operators_server_will_do() {
    let mut lab = Lab::dual();
    let address = "[2001:db8::80]:80".parse().unwrap();
    let url = "http://example.com/".to_owned();
    lab.fixture.egress.insert(V6, Destination::Server { url, address });
    let run = lab.judge(|probe| {
        let mut observation = lab.observe(probe);
        if probe.target.address() == Some(address) {
            let detail = "HTTP/1.1 404 Not Found from nginx".to_owned();
            observation.attempts.truncate(1);
            observation.attempts[0].outcome = crate::probe::Outcome::WrongAnswer { detail };
        }
        Some(observation)
    });
    assert_eq!(statuses(&run, V6), [Status::Pass; 3]);
}

#[test]
fn somebody_else_at_this_machines_address_is_no_way() {
    let lab = Lab::dual();
    let run = lab.judge(|probe| {
        let mut observation = lab.observe(probe);
        if probe.aim == crate::probe::Aim::Outside
            && let Some(crate::probe::Outcome::Answered(answer)) =
                observation.attempts.first_mut().map(|attempt| &mut attempt.outcome)
        {
            answer.pod = "dualstack-other".to_owned();
        }
        Some(observation)
    });
    assert_eq!(statuses(&run, V6), [Status::Inconclusive; 3]);
}

#[test]
fn a_server_that_answers_nobody_is_in_doubt() {
    let address = "[2001:db8::80]:80".parse().unwrap();
    let url = "http://example.com/".to_owned();
    let lab = || {
        let mut lab = Lab::dual().with(Fault::NoWayBack);
        let reason = "example.com has no IPv4 address".to_owned();
        lab.fixture.egress.insert(V4, Destination::Skipped { reason });
        lab.fixture.egress.insert(V6, Destination::Server { url: url.clone(), address });
        lab
    };
    assert_eq!(statuses(&lab().run(), V4), [Status::Skip; 3]);
    for (status, detail) in cases(&lab().run(), V6) {
        assert_eq!(status, Status::Inconclusive);
        let start = "no pod gets an answer from the server in any family (";
        assert!(detail.starts_with(start), "{detail}");
    }
}
