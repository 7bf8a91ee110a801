//! Faults of what nodes, pods and Services are given, and suites that expect another cluster.

use super::{assert_cause, assert_red};
use crate::{
    cause::Confidence,
    check::Status,
    fixture::{Allocation, WorkloadState},
    lab::{Fault, Lab},
    net::IpFamily::{self, V4, V6},
    snapshot::Address,
};

const ONLY_V4: [IpFamily; 1] = [V4];
const ONLY_V6: [IpFamily; 1] = [V6];

fn without_v6(lab: &mut Lab, node: &str) {
    for pod in lab.pods(node) {
        pod.pod_ips.retain(|&ip| IpFamily::of(ip) == V4);
    }
}

#[test]
fn a_node_without_an_ipv6_internal_ip_blocks_its_node_ports_and_nothing_else() {
    let lab = Lab::dual().changed(|lab| {
        lab.node("n2").addresses.retain(|address| !address.address.contains(':'));
    });
    let run = assert_red(&lab, |path| {
        path.check == "node::internal_ips" && path.family == Some(V6) && path.to == "n2"
    });
    assert_cause(&run, "node_without_internal_ip", &["n2", "IPv6"]);
    let skipped = run.names(Status::Skip);
    assert_eq!(
        skipped,
        [
            "node::proxy_health/ipv6/n2",
            "service::traffic_policy/ipv6/n1 -> local on n2",
            "service::traffic_policy/ipv6/outside -> local on n2",
            "service::health_check_node_port/ipv6/n2",
            "service::host_backend/ipv4/cluster",
            "service::host_backend/ipv6/cluster",
            "node_port::from_pod/ipv6/n1 -> n2",
            "node_port::from_pod/ipv6/n2 -> n2",
            "node_port::from_pod/ipv6/n3 -> n2",
            "node_port::udp/ipv6/n1 -> n2",
            "node_port::udp/ipv6/n2 -> n2",
            "node_port::udp/ipv6/n3 -> n2",
            "node_port::from_node/ipv4/cluster",
            "node_port::from_node/ipv6/cluster",
            "node_port::loopback/ipv4/cluster",
            "node_port::from_outside/ipv6/outside -> n2",
        ]
    );
    let detail = &run.case("node_port::from_outside/ipv6/outside -> n2").verdict.detail();
    assert!(detail.starts_with("blocked by node::internal_ips: "), "{detail}");
}

#[test]
fn pods_of_one_node_without_ipv6_block_every_path_to_and_from_them() {
    let lab = Lab::dual().changed(|lab| without_v6(lab, "n2"));
    let run = assert_red(&lab, |path| {
        path.check == "pod::pod_ips" && path.family == Some(V6) && path.to == "n2"
    });
    assert_cause(&run, "pods_single_stack", &["node n2", "IPv6"]);
    for judged in &run.record.judged {
        let name = judged.case.name();
        let between =
            ["reachable/ipv6/", "pod::loss/ipv6/", "pod::payload/ipv6/", "service::udp/ipv6/"];
        let blocked = between.iter().any(|check| {
            name.contains(check) && (name.ends_with("-> n2") || name.contains("/n2 -> "))
        }) || name == "service::hairpin/ipv6/busybox on n2"
            || name == "service::no_endpoints/ipv6/n2"
            || name == "service::health_check_node_port/ipv6/n2"
            || name == "egress::to_runner/ipv6/n2 -> outside"
            || name == "service::session_affinity/ipv6/n2 -> session-affinity"
            || name == "service::manual_slices/ipv6/n2 -> manual"
            || name == "service::load_balancer/ipv6/n2 -> load-balancer"
            || (name.starts_with("service::traffic_policy/ipv6/")
                && (name.contains("/n2 -> ") || name.ends_with("on n2")))
            || name.starts_with("node_port::udp/ipv6/n2 -> ")
            || name.starts_with("node_port::from_pod/ipv6/n2 -> ")
            || name.starts_with("node_port::from_node/")
            || name.starts_with("node_port::loopback/")
            || name.starts_with("service::host_backend/")
            || name == "service::endpoint_slices/ipv6/backend on n2";
        assert_eq!(judged.verdict.status() == Status::Skip, blocked, "{name}");
    }
}

#[test]
fn pods_of_every_node_without_ipv6_are_one_cause() {
    let lab = Lab::dual().changed(|lab| {
        ["n1", "n2", "n3"].into_iter().for_each(|node| without_v6(lab, node));
    });
    let run = assert_red(&lab, |path| path.check == "pod::pod_ips" && path.family == Some(V6));
    assert_cause(&run, "pods_single_stack", &["any node"]);
}

#[test]
fn a_node_object_with_one_range_explains_its_single_stack_pods() {
    let lab = Lab::dual().changed(|lab| {
        without_v6(lab, "n2");
        lab.node("n2").pod_cidrs.pop();
    });
    let run = assert_red(&lab, |path| {
        path.family == Some(V6)
            && path.to == "n2"
            && ["node::pod_cidrs", "pod::pod_ips"].contains(&path.check)
    });
    let cause = assert_cause(&run, "pods_single_stack", &["n2"]);
    assert!(cause.fix[0].contains("node::pod_cidrs"), "{:?}", cause.fix);
}

#[test]
fn a_node_object_with_one_range_is_named_even_where_pods_are_dual_stack() {
    let lab = Lab::dual().changed(|lab| {
        lab.node("n2").pod_cidrs.pop();
    });
    let run = assert_red(&lab, |path| {
        path.check == "node::pod_cidrs" && path.family == Some(V6) && path.to == "n2"
    });
    assert_cause(&run, "node_without_pod_cidr", &["n2", "IPv6"]);
}

#[test]
fn single_stack_services_over_dual_stack_pods_are_one_cause() {
    let lab = Lab::dual().changed(|lab| {
        let single = Lab::new(3, &ONLY_V4);
        lab.fixture.services = single.fixture.services;
        lab.facts.service_cidrs = single.facts.service_cidrs;
    });
    let run = assert_red(&lab, |path| match path.check {
        "service::ranges" => path.family == Some(V6),
        "service::cluster_ips" => !["default", "ipv4"].contains(&path.to),
        _ => false,
    });
    assert_cause(&run, "services_single_stack", &["IPv6 ClusterIP"]);
}

#[test]
fn a_single_stack_cluster_fails_the_dual_stack_suite_as_one() {
    for (has, lacks) in [(ONLY_V4, V6), (ONLY_V6, V4)] {
        let lab = Lab::new(3, &has);
        let run = assert_red(&lab, |path| match path.check {
            "node::pod_cidrs" | "node::internal_ips" | "pod::pod_ips" | "pod::host_ips"
            | "service::ranges" => path.family == Some(lacks),
            "service::cluster_ips" => !["default", has[0].slug()].contains(&path.to),
            _ => false,
        });
        assert_cause(&run, "single_stack_cluster", &["single-stack", has[0].as_str()]);
    }
}

#[test]
fn single_stack_clusters_pass_their_own_suites() {
    for (family, suite) in [(ONLY_V4, "single-stack-ipv4"), (ONLY_V6, "single-stack-ipv6")] {
        let run = assert_red(&Lab::new(3, &family).with_hosts().under(suite), |_| false);
        assert_eq!(run.names(Status::Inconclusive), Vec::<String>::new());
        assert_eq!(run.names(Status::Skip), Vec::<String>::new());
        assert_eq!(run.record.causes, []);
    }
}

#[test]
fn a_dual_stack_cluster_fails_the_single_stack_suites_where_it_has_the_other_family() {
    for (suite, extra) in [("single-stack-ipv4", V6), ("single-stack-ipv6", V4)] {
        let run = assert_red(&Lab::dual().under(suite), |path| match path.check {
            "node::pod_cidrs" | "node::internal_ips" | "pod::pod_ips" | "service::ranges" => {
                path.family == Some(extra)
            }
            // It is IPv4 here.
            "control_plane::kubernetes_service" => extra == V4 && path.from.is_empty(),
            "service::cluster_ips" => {
                // The default Service is IPv4 here.
                path.to != extra.other().slug() && !(path.to == "default" && extra == V6)
            }
            _ => false,
        });
        assert_cause(&run, "unexpected_family", &[extra.as_str(), suite]);
    }
}

#[test]
fn an_ipv6_primary_cluster_passes_its_suite() {
    let run = assert_red(&Lab::new(3, &[V6, V4]).under("dual-stack-ipv6-primary"), |_| false);
    assert_eq!(run.record.causes, []);
}

#[test]
fn an_ipv4_primary_cluster_fails_the_ipv6_primary_suite_in_its_orders() {
    let run = assert_red(&Lab::dual().under("dual-stack-ipv6-primary"), |path| match path.check {
        "node::pod_cidrs" | "node::internal_ips" | "pod::pod_ips" => path.family == Some(V6),
        "service::cluster_ips" => {
            ["default", "prefer-dual-stack", "node-port"].contains(&path.to)
                || path.to.starts_with("backend")
        }
        _ => false,
    });
    // The default Service isn't IPv6, so what would be tried of it, and its slices, are blocked.
    let mut skipped = run.names(Status::Skip);
    let needs_hosts = ["node_port::from_node/", "node_port::loopback/", "service::host_backend/"];
    skipped.retain(|name| !needs_hosts.iter().any(|check| name.starts_with(check)));
    assert_eq!(skipped.len(), 4);
    assert_cause(&run, "other_primary", &["is IPv4", "expects IPv6"]);
}

#[test]
fn one_node_in_another_order_is_that_nodes_fault() {
    let lab = Lab::dual().changed(|lab| lab.node("n3").pod_cidrs.reverse());
    let run = lab.run();
    assert_eq!(run.names(Status::Fail), ["node::pod_cidrs/ipv4/n3"]);
    assert_eq!(run.record.causes, []);
}

#[test]
fn pods_that_did_not_come_up_leave_doubt_and_no_red() {
    let lab = Lab::dual().changed(|lab| {
        for pod in lab.pods("n3") {
            pod.pod_ips.clear();
            pod.state = WorkloadState::Failed { reason: "the image can't be pulled".to_owned() };
        }
    });
    let run = assert_red(&lab, |_| false);
    let case = run.case("service::cluster_ip_reachable/ipv4/n1 -> n3");
    assert_eq!(case.verdict.status(), Status::Inconclusive);
    assert_eq!(case.verdict.detail(), "nginx on n3 did not come up: the image can't be pulled");
    let shared = run.case("service::cluster_ip_reachable/ipv4/n1 -> default");
    assert_eq!(shared.verdict.detail(), "2 backends answered in 2 connections");
}

#[test]
fn a_service_that_a_quota_refused_leaves_doubt_and_no_red() {
    let lab = Lab::dual().changed(|lab| {
        lab.fixture.services[3].allocation =
            Allocation::Refused { message: "exceeded quota: services=5".to_owned() };
    });
    let run = assert_red(&lab, |_| false);
    let case = run.case("service::cluster_ips/prefer-dual-stack");
    assert_eq!(case.verdict.status(), Status::Inconclusive);
}

#[test]
fn faults_of_ipv4_do_not_touch_ipv6() {
    let lab = Lab::dual()
        .with(Fault::NodePortRefused { at: "n1", family: V4 })
        .with(Fault::NotListening { on: "n2", family: V4 });
    let run = lab.run();
    assert!(run.names(Status::Fail).iter().all(|name| name.contains("/ipv4/")));
}

#[test]
fn a_node_that_has_the_address_of_another_shows_it() {
    let mut lab = Lab::dual()
        .with(Fault::SilentRoute { at: "n3", to: "n2", family: V4 })
        .with(Fault::SilentRoute { at: "n2", to: "n3", family: V4 })
        .looked_at();
    let ip = lab.facts.node("n2").and_then(|node| node.internal_ips(V4).next()).unwrap();
    let taken =
        Address { link: "eth0".to_owned(), address: ip, tentative: false, duplicate: false };
    lab.facts.snapshots[2].addresses.push(taken);
    let run = lab.run();
    let cause = run.record.causes.first().unwrap();
    assert_eq!((cause.id.as_str(), cause.confidence), ("address_duplicate", Confidence::Proved));
    assert!(
        cause.what.starts_with(&format!("Node n3 has {ip} on its interface eth0")),
        "{}",
        cause.what
    );
    assert!(cause.fix[0].contains("off eth0 of n3"), "{:?}", cause.fix);
}
