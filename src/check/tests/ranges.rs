//! Ranges, the order of families, and addresses that collide.

use std::collections::BTreeMap;

use crate::{
    check::Status,
    facts::{Fact, Sample, ServiceCidr},
    lab::{Lab, Run},
    net::IpFamily::{self, V4, V6},
};

fn known<T>(value: T) -> Fact<T> {
    Fact::Known { value, source: "the lab".to_owned() }
}

/// Asserts that one case alone is red, and that its detail is this.
fn assert_red(run: &Run, name: &str, detail: &str) {
    assert_eq!(run.names(Status::Fail), [name]);
    assert_eq!(run.case(name).verdict.detail(), detail);
}

fn service_cidrs(lab: &mut Lab) -> &mut Vec<ServiceCidr> {
    match &mut lab.facts.service_cidrs {
        Fact::Known { value, .. } => value,
        Fact::Absent { .. } | Fact::Forbidden { .. } => panic!("the lab knows its ServiceCIDRs"),
    }
}

#[test]
fn an_address_that_two_nodes_report_is_red_at_both() {
    let lab = Lab::dual().changed(|lab| {
        lab.node("n3").addresses[1].address = "fd00:192:168:0::1".to_owned();
    });
    let run = lab.run();
    for (node, other) in [("n1", "n3"), ("n3", "n1")] {
        let case = run.case(&format!("node::internal_ips/ipv6/{node}"));
        assert_eq!(case.verdict.detail(), format!("fd00:192:168::1 is also that of {other}"));
    }
    assert_eq!(run.case("node::internal_ips/ipv6/n2").verdict.status(), Status::Pass);
}

#[test]
fn a_node_address_inside_the_pods_range_is_red_at_the_node_and_as_an_overlap() {
    let lab = Lab::dual()
        .changed(|lab| lab.node("n2").addresses[1].address = "fd00:10:244:9::1".to_owned());
    let run = lab.run();
    assert_eq!(
        run.case("node::internal_ips/ipv6/n2").verdict.detail(),
        "fd00:10:244:9::1 lies in the pod range fd00:10:244::/56"
    );
    assert_eq!(
        run.case("node::ranges/ipv6/cluster").verdict.detail(),
        "the pod range fd00:10:244::/56 and the address fd00:10:244:9::1 of node n2 overlap"
    );
    assert_eq!(run.case("node::ranges/ipv4/cluster").verdict.status(), Status::Pass);
}

#[test]
fn pod_and_service_ranges_that_overlap_are_red() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.pod_ranges.push(known(vec!["fd00:10:96::/64".parse().unwrap()]));
    });
    let detail = "the pod range fd00:10:96::/64 and the Service range fd00:10:96::/112 overlap";
    assert_red(&lab.run(), "node::ranges/ipv6/cluster", detail);
}

#[test]
fn nodes_in_the_pods_network_by_design_are_not_held_against_them() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.pod_ranges.push(known(vec!["192.168.0.0/16".parse().unwrap()]));
    });
    assert!(!lab.run().names(Status::Fail).is_empty());
    let lab = lab.changed(|lab| {
        if let Fact::Known { value, .. } = &mut lab.facts.cni {
            value.name = "azure-cni".to_owned();
        }
    });
    assert_eq!(lab.run().names(Status::Fail), Vec::<String>::new());
}

#[test]
fn a_pod_range_with_fewer_addresses_than_the_kubelet_takes_pods_is_red() {
    let lab = Lab::dual().changed(|lab| lab.node("n2").pod_cidrs[0] = "10.244.2.0/26".to_owned());
    assert_red(
        &lab.run(),
        "node::ranges/ipv4/cluster",
        "10.244.2.0/26 of n2 has no room for 110 pods",
    );
    // Calico gives pods addresses of its pools, whatever the Node object says.
    let lab = lab.changed(|lab| {
        if let Fact::Known { value, .. } = &mut lab.facts.cni {
            value.name = "calico".to_owned();
        }
    });
    assert_eq!(lab.run().names(Status::Fail), Vec::<String>::new());
}

#[test]
fn a_cluster_whose_ranges_are_not_known_is_skipped_and_not_green() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.pod_ranges.clear();
        ["n1", "n2", "n3"].into_iter().for_each(|node| lab.node(node).pod_cidrs.clear());
    });
    assert_eq!(lab.run().case("node::ranges/ipv6/cluster").verdict.status(), Status::Skip);
}

#[test]
fn a_service_cidr_that_is_not_ready_is_red_with_its_message() {
    let lab = Lab::dual().changed(|lab| {
        service_cidrs(lab).push(ServiceCidr {
            name: "more".to_owned(),
            cidrs: vec!["10.97.0.0/24".to_owned()],
            ready: false,
            message: "There are still IPAddresses referencing the ServiceCIDR".to_owned(),
        });
    });
    let run = lab.run();
    assert_red(&run, "service::ranges/ipv4/cluster", "10.97.0.0/24 of more is not ready");
    let failure = run.case("service::ranges/ipv4/cluster").verdict.failure().unwrap();
    assert!(failure.what.contains("still IPAddresses referencing"), "{}", failure.what);
}

#[test]
fn a_cluster_ip_that_nothing_reserves_is_red() {
    let lab = Lab::dual().changed(|lab| {
        let sample = Sample { count: 1, first: vec!["fd00:10:96::7 of shop/cart".to_owned()] };
        lab.facts.unreserved = known(BTreeMap::from([(V6, sample)]));
    });
    assert_red(
        &lab.run(),
        "service::ranges/ipv6/cluster",
        "1 IPv6 ClusterIP not reserved: fd00:10:96::7 of shop/cart",
    );
}

#[test]
fn flags_that_disagree_with_kubeadms_record_are_red_in_the_family_that_differs() {
    let lab = Lab::dual().changed(|lab| {
        let ranges = ["10.96.0.0/16", "fd00:10:97::/112"].map(|range| range.parse().unwrap());
        lab.facts.service_ranges.push(Fact::Known {
            value: ranges.to_vec(),
            source: "networking.serviceSubnet of ConfigMap kube-system/kubeadm-config".to_owned(),
        });
    });
    assert_red(
        &lab.run(),
        "service::ranges/ipv6/cluster",
        "fd00:10:96::/112 or fd00:10:97::/112: the configuration disagrees",
    );
}

#[test]
fn a_cluster_from_before_service_cidrs_is_skipped_with_the_reason() {
    let lab = Lab::dual().changed(|lab| {
        let reason = "there is no API of ServiceCIDRs".to_owned();
        lab.facts.service_cidrs = Fact::Absent { reason };
    });
    let run = lab.run();
    let case = run.case("service::ranges/ipv6/cluster");
    assert_eq!(case.verdict.status(), Status::Skip);
    assert_eq!(case.verdict.detail(), "there is no API of ServiceCIDRs");
    assert_eq!(run.names(Status::Fail), Vec::<String>::new());
}

#[test]
fn ranges_that_may_not_be_seen_leave_doubt() {
    let lab = Lab::dual().changed(|lab| {
        lab.facts.service_cidrs = Fact::Forbidden { reason: "list servicecidrs".to_owned() };
    });
    let run = lab.run();
    let case = run.case("service::ranges/ipv6/cluster");
    assert_eq!(case.verdict.detail(), "missing permission: list servicecidrs");
    assert_eq!(case.verdict.status(), Status::Inconclusive);
}

#[test]
fn nodes_in_another_order_than_pods_and_services_are_red() {
    // The kubelet tells pods what its Node says.
    let reverse = |lab: &mut Lab, node: &str| {
        lab.node(node).addresses.reverse();
        lab.pods(node).for_each(|pod| pod.host_ips.iter_mut().for_each(|ips| ips.reverse()));
    };
    let lab = Lab::dual().changed(|lab| {
        ["n1", "n2", "n3"].into_iter().for_each(|node| reverse(lab, node));
    });
    let run = lab.run();
    let detail = "IPv4 first in the nodes' podCIDRs, the pods' podIPs and the Services' ClusterIPs; \
                  IPv6 first in the nodes' InternalIPs";
    assert_red(&run, "pod::family_order/cluster", detail);
    // One node that differs from the others is that node's fault.
    let lab = Lab::dual().changed(|lab| reverse(lab, "n2"));
    assert_eq!(lab.run().names(Status::Fail), ["node::internal_ips/ipv4/n2"]);
}

#[test]
fn a_cluster_with_ipv6_first_everywhere_is_in_order() {
    let order: [IpFamily; 2] = [V6, V4];
    let run = Lab::new(3, &order).run();
    assert_eq!(run.case("pod::family_order/cluster").verdict.detail(), "IPv6 first");
}
