//! The addresses of load balancers.

use crate::{
    check::Status,
    fixture::LoadBalancing,
    lab::{Fault, Lab, Run},
    net::IpFamily::{V4, V6},
};

fn red(run: &Run) -> Vec<String> {
    run.names(Status::Fail)
}

#[test]
fn a_family_of_which_the_provider_gives_no_address_is_red_alone() {
    let run = Lab::dual().changed(|lab| lab.without_balanced(V6)).run();
    assert_eq!(red(&run), ["service::load_balancer/ipv6/load-balancer"]);
    let verdict = &run.case("service::load_balancer/ipv6/load-balancer").verdict;
    assert_eq!(verdict.detail(), "no address of IPv6, only 198.51.100.1");
    assert_eq!(run.rules(), ["load_balancer_without_family"]);
    assert_eq!(
        run.case("service::load_balancer/ipv4/n2 -> load-balancer").verdict.status(),
        Status::Pass
    );
}

#[test]
fn a_load_balancer_that_stays_pending_is_in_doubt_unless_it_is_required() {
    let pending = |required| {
        Lab::dual().changed(|lab| {
            lab.without_balanced(V4);
            lab.without_balanced(V6);
            lab.balanced().required = required;
        })
    };
    let run = pending(false).run();
    assert_eq!(red(&run), Vec::<String>::new());
    let verdict = &run.case("service::load_balancer/ipv4/load-balancer").verdict;
    assert_eq!(verdict.status(), Status::Inconclusive);
    assert!(verdict.detail().contains("AllocationFailed: no available IPs"), "{verdict:?}");

    let run = pending(true).run();
    let cases = ["ipv4", "ipv6"].map(|it| format!("service::load_balancer/{it}/load-balancer"));
    assert_eq!(red(&run), cases);
    assert_eq!(run.rules(), ["load_balancer_without_family"]);
}

#[test]
fn an_address_that_leads_nowhere_from_outside_alone_is_the_providers_fault() {
    let run = Lab::dual().with(Fault::LoadBalancerUnrouted { family: V6 }).run();
    assert_eq!(red(&run), ["service::load_balancer/ipv6/outside -> load-balancer"]);
    assert_eq!(run.rules(), ["load_balancer_unrouted"]);
}

#[test]
fn a_proxy_that_does_not_know_the_address_is_red_on_its_node() {
    let run = Lab::dual().with(Fault::LoadBalancerUnproxied { at: "n2", family: V6 }).run();
    assert_eq!(red(&run), ["service::load_balancer/ipv6/n2 -> load-balancer"]);
}

#[test]
fn where_the_backend_is_not_reached_otherwise_nothing_is_said_of_the_load_balancer() {
    let lab = Lab::dual().with(Fault::PodFiltered { on: "n1", family: V6 });
    let run = lab.with(Fault::LoadBalancerUnrouted { family: V6 }).run();
    for from in ["n2", "outside"] {
        let name = format!("service::load_balancer/ipv6/{from} -> load-balancer");
        assert_eq!(run.case(&name).verdict.status(), Status::Skip, "{name}");
    }
}

#[test]
fn a_run_that_asked_for_none_says_why() {
    let reason = "no load balancer provider is known to be free (no DaemonSet)";
    let lab = Lab::dual().changed(|lab| {
        lab.fixture.load_balancing = LoadBalancing::Skipped { reason: reason.to_owned() };
    });
    let verdict = lab.run().case("service::load_balancer/ipv6/load-balancer").verdict.clone();
    assert_eq!((verdict.status(), verdict.detail()), (Status::Skip, reason));
}

#[test]
fn a_load_balancer_with_a_name_alone_is_not_judged() {
    let lab = Lab::dual().changed(|lab| {
        lab.balanced().ingress.clear();
        lab.balanced().hostnames = vec!["lb.example".to_owned()];
    });
    let verdict = lab.run().case("service::load_balancer/ipv4/load-balancer").verdict.clone();
    assert_eq!(verdict.status(), Status::Inconclusive);
}
