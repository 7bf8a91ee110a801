//! The API server's own Service.

use crate::{
    check::Status,
    facts::{Fact, KubernetesService},
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
    probe::Vantage,
};

fn service(lab: &mut Lab) -> &mut KubernetesService {
    let Fact::Known { value, .. } = &mut lab.facts.kubernetes_service else { panic!("unknown") };
    value
}

fn slices_case(change: impl FnOnce(&mut KubernetesService)) -> (Status, String) {
    let lab = Lab::dual().changed(|lab| change(service(lab)));
    let run = lab.run();
    let verdict = &run.case("control_plane::kubernetes_service/ipv4/kubernetes").verdict;
    (verdict.status(), verdict.detail().to_owned())
}

fn of_check(lab: &Lab, status: Status) -> Vec<String> {
    let mut names = lab.run().names(status);
    names.retain(|name| name.starts_with("control_plane::kubernetes_service/"));
    names
}

#[test]
fn the_service_is_tried_from_pods_and_hosts_in_the_one_family_that_it_has() {
    for (families, slug) in [(&[V4, V6][..], "ipv4"), (&[V6, V4], "ipv6")] {
        let lab = Lab::new(2, families).with_hosts();
        let passed = of_check(&lab, Status::Pass);
        let from =
            ["kubernetes", "certificate of kubernetes", "n1 -> kubernetes", "n2 -> kubernetes"]
                .map(str::to_owned);
        let hosts = ["n1", "n2"].map(|node| format!("host network of {node} -> kubernetes"));
        let expected: Vec<String> = from
            .into_iter()
            .chain(hosts)
            .map(|to| format!("control_plane::kubernetes_service/{slug}/{to}"))
            .collect();
        assert_eq!(passed, expected);
    }
}

#[test]
fn a_node_that_drops_the_services_address_is_red_alone() {
    let fault = Fault::KubernetesServiceDropped { at: "n2", family: V4 };
    let lab = Lab::dual().with_hosts().with(fault);
    assert_eq!(
        lab.run().names(Status::Fail),
        ["n2 -> kubernetes", "host network of n2 -> kubernetes"]
            .map(|to| format!("control_plane::kubernetes_service/ipv4/{to}"))
    );
}

#[test]
fn the_certificate_must_be_valid_for_the_services_address_where_it_can_be_seen() {
    let judged = |certified| {
        let lab = Lab::dual().changed(|lab| service(lab).certified = certified);
        let run = lab.run();
        let name = "control_plane::kubernetes_service/ipv4/certificate of kubernetes";
        let verdict = &run.case(name).verdict;
        (verdict.status(), verdict.detail().to_owned())
    };
    let known = |value| Fact::Known { value, source: "the lab".to_owned() };
    let ip = "10.96.0.1".parse().unwrap();
    assert_eq!(judged(known(vec![ip])), (Status::Pass, "names 10.96.0.1".to_owned()));
    assert_eq!(judged(known(Vec::new())), (Status::Fail, "does not name 10.96.0.1".to_owned()));
    let hidden = Fact::Absent { reason: "the API server is reached by a proxy".to_owned() };
    assert_eq!(judged(hidden).0, Status::Skip);
}

#[test]
fn slices_must_be_of_the_services_family_and_lead_somewhere() {
    assert_eq!(slices_case(|_| ()), (Status::Pass, "192.168.0.1".to_owned()));
    let none = (Status::Fail, "no endpoint of IPv4".to_owned());
    let slice = |service: &mut KubernetesService, change: fn(&mut crate::facts::ServiceSlice)| {
        let Fact::Known { value, .. } = &mut service.slices else { panic!("no slices") };
        value.iter_mut().for_each(change);
    };
    assert_eq!(slices_case(|service| slice(service, |it| it.endpoints.clear())), none);
    let other = |it: &mut crate::facts::ServiceSlice| it.family = Some(V6);
    let strange = (Status::Fail, "a slice of IPv6".to_owned());
    assert_eq!(slices_case(|service| slice(service, other)), strange);
    let forbidden = slices_case(|service| {
        service.slices = Fact::Forbidden { reason: "list endpointslices".to_owned() };
    });
    let doubt = (Status::Inconclusive, "missing permission: list endpointslices".to_owned());
    assert_eq!(forbidden, doubt);
}

#[test]
fn a_service_of_a_family_that_the_suite_does_not_expect_is_red() {
    let lab = Lab::dual().under("single-stack-ipv6");
    let run = lab.run();
    let case = run.case("control_plane::kubernetes_service/ipv4/kubernetes");
    assert_eq!(case.verdict.detail(), "10.96.0.1 is not expected");
    assert!(run.record.causes.iter().any(|cause| cause.explains.contains(&case.case.name())));
}

#[test]
fn a_service_that_may_not_be_seen_leaves_doubt() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.kubernetes_service = Fact::Forbidden { reason: "list services".to_owned() };
    });
    assert_eq!(of_check(&lab, Status::Inconclusive).len(), 2);
    let run = Lab::dual().without_exec();
    let case = run.case("control_plane::kubernetes_service/ipv4/n1 -> kubernetes");
    assert_eq!(case.verdict.status(), Status::Inconclusive);
}

#[test]
fn the_api_server_tries_every_pod_behind_a_service_of_one_family() {
    let run = Lab::dual().run();
    for family in ["ipv4", "ipv6"] {
        let verdict = &run.case(&format!("control_plane::to_pod/{family}/{family}")).verdict;
        assert_eq!(verdict.status(), Status::Pass);
        assert_eq!(verdict.detail(), "3 pods answered 3 requests");
    }
}

#[test]
fn an_api_server_that_does_not_reach_pods_is_one_cause() {
    let run = Lab::dual().with(Fault::ApiServerCutFromPods { family: V6 }).run();
    assert_eq!(run.names(Status::Fail), ["control_plane::to_pod/ipv6/ipv6"]);
    assert_eq!(run.rules(), ["api_server_without_pods"]);
    assert!(run.record.causes[0].evidence.iter().any(|it| it == "the API server runs on n1"));
}

#[test]
fn where_pods_do_not_reach_each_other_the_api_server_is_not_blamed() {
    let run = Lab::dual().with(Fault::NotListening { on: "n2", family: V6 }).run();
    let case = run.case("control_plane::to_pod/ipv6/ipv6");
    assert_eq!(case.verdict.status(), Status::Skip);
    assert!(case.verdict.detail().starts_with("blocked by pod::reachable: "));
}

#[test]
fn a_request_that_the_api_server_does_not_carry_out_is_no_verdict() {
    for (lost, status) in [
        ("missing permission: get services/proxy in namespace a", Status::Skip),
        ("no answer from the API server in 3s", Status::Inconclusive),
    ] {
        let lab = Lab::dual();
        let run = lab.judge(|probe| {
            let mut observation = lab.observe(probe);
            if probe.vantage == Vantage::ApiServer {
                observation.attempts.clear();
                observation.lost = Some(lost.to_owned());
            }
            Some(observation)
        });
        let verdict = &run.case("control_plane::to_pod/ipv6/ipv6").verdict;
        assert_eq!((verdict.status(), verdict.detail()), (status, lost));
        assert_eq!(run.names(Status::Fail), Vec::<String>::new());
    }
}
