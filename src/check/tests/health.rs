//! What nodes say of their own health and of their backends'.

use crate::{
    check::Status,
    facts::Fact,
    fixture::{Allocation, ServiceRole},
    lab::{Fault, Lab},
    net::IpFamily::V6,
};

const PROXY: &str = "node::proxy_health/ipv6/n2";
const PORT: &str = "service::health_check_node_port/ipv6/n2";

#[test]
fn half_a_kube_proxy_that_is_ill_is_red_in_its_family_alone() {
    let run = Lab::dual().with_hosts().with(Fault::ProxyUnhealthy { at: "n2", family: V6 }).run();
    let red: Vec<_> =
        run.names(Status::Fail).into_iter().filter(|name| name.starts_with("node::")).collect();
    assert_eq!(red, [PROXY]);
    let causes: Vec<&str> = run.record.causes.iter().map(|cause| cause.id.as_str()).collect();
    assert!(causes.contains(&"kube_proxy_family_unhealthy"), "{causes:?}");
}

#[test]
fn where_no_kube_proxy_runs_nobody_is_asked() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.kube_proxy = Fact::Absent { reason: "Cilium replaces it".to_owned() };
    });
    let run = lab.run();
    let verdict = &run.case("node::proxy_health/ipv6/cluster").verdict;
    assert_eq!(verdict.status(), Status::Skip);
    assert_eq!(verdict.detail(), "no kube-proxy to ask: Cilium replaces it");
}

#[test]
fn a_node_without_a_backend_that_calls_itself_healthy_is_red() {
    let run = Lab::dual().with(Fault::HealthEverywhere).run();
    assert_eq!(run.case(PORT).verdict.status(), Status::Fail);
    assert_eq!(run.case(&PORT.replace("n2", "n1")).verdict.status(), Status::Pass);
}

#[test]
fn a_health_check_port_that_is_silent_beside_node_ports_is_the_firewalls_fault() {
    let run = Lab::dual().with(Fault::UntranslatedDropped { at: "n2", family: V6 }).run();
    assert_eq!(
        run.names(Status::Fail),
        ["service::no_endpoints/ipv6/n2", PORT]
            .map(str::to_owned)
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    );
    let causes: Vec<&str> = run.record.causes.iter().map(|cause| cause.id.as_str()).collect();
    assert_eq!(causes, ["node_port_input_filtered"]);
}

#[test]
fn one_that_is_refused_where_node_ports_are_says_nothing_more() {
    let run = Lab::dual().with(Fault::NodePortRefused { at: "n2", family: V6 }).run();
    assert_eq!(run.case(PORT).verdict.status(), Status::Skip);
}

#[test]
fn where_load_balancers_are_forbidden_nothing_is_asked() {
    let lab = Lab::dual().changed(|lab| {
        let services = lab.fixture.services.iter_mut();
        for service in services.filter(|service| service.role == ServiceRole::HealthCheck) {
            let message = "exceeded quota: services.loadbalancers=1".to_owned();
            service.allocation = Allocation::Refused { message };
        }
    });
    let run = lab.run();
    assert_eq!(run.names(Status::Fail), Vec::<String>::new());
    let verdict = &run.case("service::health_check_node_port/ipv6/cluster").verdict;
    assert_eq!(verdict.status(), Status::Skip);
    assert!(verdict.detail().contains("exceeded quota"), "{}", verdict.detail());
}
