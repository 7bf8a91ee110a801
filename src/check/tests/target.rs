//! The checks of the operator's own Services.

use crate::{
    check::{Status, Verdict},
    exit::Exit,
    facts::{Fact, TargetPort},
    lab::{Fault, Lab, Run},
    net::IpFamily::{self, V4, V6},
    probe::{Attempt, Observation, Outcome, Target},
};

fn lab() -> Lab {
    Lab::dual().with_target()
}

fn verdict(run: &Run, name: &str) -> Verdict {
    run.case(&format!("target::{name}")).verdict.clone()
}

fn status(run: &Run, name: &str) -> Status {
    verdict(run, name).status()
}

/// The cases of targets that ended so.
fn named(run: &Run, status: Status) -> Vec<String> {
    let mut names = run.names(status);
    names.retain(|name| name.starts_with("target::"));
    names
}

#[test]
fn without_a_target_there_is_no_case_of_one() {
    let run = Lab::dual().run();
    assert!(run.record.judged.iter().all(|judged| !judged.case.check.starts_with("target::")));
}

#[test]
fn a_service_that_works_is_green_from_every_node_in_each_family() {
    let run = lab().run();
    assert_eq!(run.record.exit(), Exit::Passed);
    assert_eq!(named(&run, Status::Pass).len(), 3 * 3 * 2);
    let endpoints = verdict(&run, "endpoints/ipv6/n3 -> team/web:8080");
    assert_eq!(endpoints.detail(), "2 endpoints answered in 10 ms");
}

#[test]
fn an_application_on_one_family_is_red_at_its_pods_and_at_its_cluster_ip() {
    let run = lab().with(Fault::TargetDeaf { pod: None, family: V6 }).run();
    let red = named(&run, Status::Fail);
    assert_eq!(red.len(), 6, "{red:?}");
    assert!(red.iter().all(|name| name.contains("/ipv6/") && !name.contains("names")), "{red:?}");
    let detail = verdict(&run, "endpoints/ipv6/n1 -> team/web:8080");
    assert_eq!(detail.detail(), "2 of 2 endpoints: refused 3 times");
}

#[test]
fn a_single_stack_service_fails_once_in_the_family_that_it_lacks() {
    let run = lab()
        .changed(|lab| {
            let service = lab.target();
            service.cluster_ips.pop();
            service.families.pop();
            service.policy = "SingleStack".to_owned();
            lab.endpoints().retain(|endpoint| endpoint.address.is_ipv4());
        })
        .run();
    assert_eq!(named(&run, Status::Fail), ["target::cluster_ips/ipv6/team/web"]);
    let failed = verdict(&run, "cluster_ips/ipv6/team/web");
    assert_eq!(failed.detail(), "no IPv6: SingleStack IPv4");
    let failure = failed.failure().unwrap();
    assert!(failure.fix[0].contains("kubectl -n team patch service web"), "{:?}", failure.fix);
    assert!(failure.fix[0].contains("PreferDualStack"), "{:?}", failure.fix);
    let names = verdict(&run, "names/ipv6/team/web");
    assert_eq!(names.status(), Status::Skip);
    assert!(names.detail().starts_with("blocked by target::cluster_ips"), "{}", names.detail());
}

#[test]
fn what_the_suite_does_not_expect_is_not_asked_of_a_service() {
    let single = Lab::new(3, &[V4]).under("single-stack-ipv4").with_target().run();
    assert_eq!(named(&single, Status::Fail), [""; 0]);
    assert_eq!(named(&single, Status::Pass).len(), 3 * 3);
}

#[test]
fn a_headless_service_is_tested_by_its_names_and_endpoints() {
    let run = lab().changed(|lab| lab.target().cluster_ips.clear()).run();
    assert_eq!(named(&run, Status::Fail), [""; 0]);
    assert_eq!(status(&run, "cluster_ips/ipv6/team/web"), Status::Skip);
    assert_eq!(status(&run, "names/ipv6/n1 -> team/web"), Status::Pass);
    assert_eq!(status(&run, "endpoints/ipv6/n1 -> team/web:8080"), Status::Pass);
    let wrong = lab()
        .changed(|lab| lab.target().cluster_ips.clear())
        .with(Fault::WrongRecords { pod: None, family: V6 })
        .run();
    assert_eq!(status(&wrong, "names/ipv6/n1 -> team/web"), Status::Fail);
}

#[test]
fn a_service_without_endpoints_is_no_failure_and_no_green() {
    for ready in [false, true] {
        let run = lab()
            .changed(|lab| {
                if ready {
                    lab.endpoints().clear();
                }
                lab.endpoints().iter_mut().for_each(|endpoint| endpoint.ready = false);
            })
            .run();
        assert_eq!(named(&run, Status::Fail), [""; 0]);
        assert_eq!(status(&run, "endpoints/ipv6/team/web"), Status::Inconclusive);
        assert_eq!(status(&run, "cluster_ips/ipv6/team/web"), Status::Skip);
    }
}

#[test]
fn pods_of_one_family_behind_a_service_of_both_are_a_failure() {
    let run =
        lab().changed(|lab| lab.endpoints().retain(|endpoint| endpoint.address.is_ipv4())).run();
    assert_eq!(named(&run, Status::Fail), ["target::endpoints/ipv6/team/web"]);
    let failed = verdict(&run, "endpoints/ipv6/team/web");
    assert_eq!(failed.detail(), "no IPv6 endpoint, 2 of IPv4");
}

#[test]
fn an_external_name_is_tested_by_its_name_alone() {
    let external = || {
        lab().changed(|lab| {
            let service = lab.target();
            service.cluster_ips.clear();
            service.families.clear();
            service.external_name = Some("db.example".to_owned());
            lab.endpoints().clear();
        })
    };
    let answer = |outcome: Outcome| {
        let lab = external();
        lab.judge(|probe| match &probe.target {
            Target::Dns { name, .. } if name.starts_with("web.team.") => {
                let attempts = vec![Attempt { millis: 10, outcome: outcome.clone() }];
                Some(Observation { attempts, lost: None })
            }
            _ => Some(lab.observe(probe)),
        })
    };
    let found = answer(Outcome::Records { addresses: vec!["192.0.2.1".parse().unwrap()] });
    assert_eq!(status(&found, "names/ipv4/n1 -> team/web"), Status::Pass);
    assert_eq!(status(&found, "endpoints/ipv4/team/web"), Status::Skip);
    let none = answer(Outcome::NoRecords);
    let failed = verdict(&none, "names/ipv6/n1 -> team/web");
    assert!(failed.failure().unwrap().fix[0].contains("Give db.example an AAAA record"));
    // What its servers don't know is no fault of the cluster's DNS.
    assert_eq!(answer(Outcome::NoSuchName).rules(), [""; 0]);
}

#[test]
fn silence_says_nothing_of_datagrams_and_a_refusal_does() {
    let udp = |fault: Option<Fault>| {
        let lab = lab().changed(|lab| {
            lab.target().ports[0].protocol = "UDP".to_owned();
            for endpoint in lab.endpoints() {
                endpoint.ports[0].protocol = "UDP".to_owned();
            }
        });
        fault.into_iter().fold(lab, Lab::with).run()
    };
    let silent = udp(None);
    let name = "endpoints/ipv6/n1 -> team/web:8080 UDP";
    assert_eq!(status(&silent, name), Status::Inconclusive);
    assert!(verdict(&silent, name).detail().contains("need not answer"));
    let refused = udp(Some(Fault::TargetDeaf { pod: None, family: V6 }));
    assert_eq!(status(&refused, name), Status::Fail);
    assert_eq!(refused.rules(), ["target_listens_on_one_family"]);
}

#[test]
fn a_port_that_nobody_here_can_talk_to_is_skipped() {
    let sctp = TargetPort { number: 9, protocol: "SCTP".to_owned() };
    let run = lab().changed(|lab| lab.target().ports.push(sctp)).run();
    assert_eq!(status(&run, "cluster_ips/ipv6/team/web:9 SCTP"), Status::Skip);
    assert_eq!(status(&run, "cluster_ips/ipv6/n1 -> team/web:80"), Status::Pass);
}

#[test]
fn what_is_left_out_of_a_large_service_is_said() {
    let lab = lab().changed(|lab| {
        let first = lab.endpoints()[0].clone();
        let more = (0..40).map(|i| crate::facts::TargetEndpoint {
            address: format!("10.244.1.{}", 100 + i).parse().unwrap(),
            ..first.clone()
        });
        let more: Vec<_> = more.collect();
        lab.endpoints().extend(more);
    });
    let notices = crate::check::notices(lab.world());
    assert_eq!(notices, ["target team/web: 32 of 42 IPv4 endpoints are tested"]);
    let run = lab.run();
    assert_eq!(run.probes_of("target::endpoints/ipv4/n1 -> team/web:8080").len(), 32);
}

#[test]
fn a_service_that_changed_meanwhile_is_not_judged_by_what_it_was() {
    let fault = Fault::TargetDeaf { pod: Some("web-1"), family: V6 };
    let lab = lab().with(fault).changed(|lab| {
        lab.fixture.targets_changed = vec!["team/web".parse().unwrap()];
    });
    let run = lab.run();
    assert_eq!(named(&run, Status::Fail), [""; 0]);
    assert_eq!(run.rules(), [""; 0], "nor is a cause named of it");
    let open = verdict(&run, "endpoints/ipv6/n1 -> team/web:8080");
    assert!(open.detail().contains("changed during the run"), "{}", open.detail());
    assert_eq!(status(&run, "endpoints/ipv4/n1 -> team/web:8080"), Status::Pass);
}

#[test]
fn a_service_that_could_not_be_read_is_not_green() {
    let run = lab()
        .changed(|lab| {
            let reason = "get services in namespace team".to_owned();
            lab.facts.targets[0].service = Fact::Forbidden { reason };
        })
        .run();
    for (check, family) in ["names", "cluster_ips", "endpoints"]
        .into_iter()
        .flat_map(|check| IpFamily::ALL.map(|family| (check, family.slug())))
    {
        let name = format!("{check}/{family}/team/web");
        assert_eq!(status(&run, &name), Status::Inconclusive, "{name}");
    }
}

/// The same with a DNS server in place of the web server.
fn serving_names() -> Lab {
    lab().changed(|lab| {
        let dns = || TargetPort { number: 53, protocol: "UDP".to_owned() };
        lab.target().ports = vec![dns()];
        lab.endpoints().iter_mut().for_each(|endpoint| endpoint.ports = vec![dns()]);
    })
}

#[test]
fn a_dns_server_is_asked_for_a_name_and_must_answer() {
    let run = serving_names().run();
    assert_eq!(status(&run, "cluster_ips/ipv6/n1 -> team/web:53 UDP"), Status::Pass);
    assert_eq!(status(&run, "endpoints/ipv6/n1 -> team/web:53 UDP"), Status::Pass);
    let run = serving_names().with(Fault::TargetDeaf { pod: None, family: V6 }).run();
    assert_eq!(status(&run, "cluster_ips/ipv6/n1 -> team/web:53 UDP"), Status::Fail);
    assert_eq!(status(&run, "cluster_ips/ipv4/n1 -> team/web:53 UDP"), Status::Pass);
}
