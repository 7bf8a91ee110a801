//! Clusters in which some nodes have other families than the rest.

use std::net::IpAddr;

use crate::{
    check::Status,
    lab::Lab,
    net::IpFamily::{self, V4, V6},
    suite::NodeGroup,
};

/// A cluster whose third node is expected to have these families.
fn grouped(families: &[IpFamily]) -> Lab {
    Lab::dual().changed(|lab| {
        lab.node("n3").labels.insert("example.com/net".to_owned(), "small".to_owned());
        lab.suite.node_groups = vec![NodeGroup {
            name: "small".to_owned(),
            labels: [("example.com/net".to_owned(), "small".to_owned())].into(),
            families: families.to_vec(),
        }];
    })
}

/// The same cluster, whose third node has no other families either.
fn without(lab: Lab, family: IpFamily) -> Lab {
    lab.changed(|lab| {
        let other = |ip: &IpAddr| IpFamily::of(*ip) != family;
        let node = lab.node("n3");
        node.addresses.retain(|it| it.address.parse().as_ref().map_or(true, other));
        node.pod_cidrs.retain(|range| range.contains(':') != (family == V6));
        let fixture = &mut lab.fixture;
        for pods in [&mut fixture.backends, &mut fixture.probes, &mut fixture.host_probes] {
            for pod in pods.iter_mut().filter(|pod| pod.node == "n3") {
                pod.pod_ips.retain(other);
                pod.pod_ip = pod.pod_ips.first().map(ToString::to_string);
                pod.host_ips.iter_mut().for_each(|ips| ips.retain(other));
            }
        }
    })
}

#[test]
fn a_node_without_a_family_is_as_its_group_says_and_the_others_are_tested_in_both() {
    for (has, lacks) in [(V4, V6), (V6, V4)] {
        let run = without(grouped(&[has]).with_hosts(), lacks).run();
        for status in [Status::Fail, Status::Inconclusive] {
            assert_eq!(run.names(status), [""; 0], "without {lacks}");
        }
        let (has, lacks) = (has.slug(), lacks.slug());
        for name in [
            format!("node::internal_ips/{lacks}/n3"),
            format!("node::pod_cidrs/{lacks}/n3"),
            format!("pod::pod_ips/{lacks}/nginx on n3"),
            format!("pod::reachable/{has}/n1 -> n3"),
            format!("pod::reachable/{lacks}/n1 -> n2"),
            format!("node_port::from_pod/{lacks}/n1 -> n2"),
            format!("service::cluster_ip_reachable/{lacks}/n1 -> prefer-dual-stack"),
            format!("dns::records/{lacks}/n3 -> DNS"),
        ] {
            assert_eq!(run.case(&name).verdict.status(), Status::Pass, "{name}");
        }
        let skipped = run.case(&format!("pod::reachable/{lacks}/n1 -> n3"));
        assert_eq!(skipped.verdict.status(), Status::Skip);
        let reason = "n3 is of the node group small, which is without ";
        assert!(skipped.verdict.detail().starts_with(reason), "{}", skipped.verdict.detail());
    }
}

#[test]
fn a_family_that_a_group_must_not_have_is_red_and_so_is_one_that_it_lacks() {
    let run = grouped(&[V4]).run();
    for name in ["node::internal_ips/ipv6/n3", "node::pod_cidrs/ipv6/n3"] {
        let failure = run.case(name).verdict.failure().unwrap();
        let reason = "expects nodes of the group small to be without IPv6";
        assert!(failure.what.contains(reason), "{}", failure.what);
    }
    let run = without(grouped(&[V4, V6]), V6).run();
    assert_eq!(run.case("node::internal_ips/ipv6/n3").verdict.status(), Status::Fail);
    assert_eq!(run.case("pod::pod_ips/ipv6/busybox on n3").verdict.status(), Status::Fail);
}

#[test]
fn nodes_of_one_family_do_not_decide_which_comes_first() {
    let lab = Lab::dual().changed(|lab| {
        for name in ["n2", "n3"] {
            lab.node(name).labels.insert("net".to_owned(), "six".to_owned());
        }
        lab.suite.node_groups = vec![NodeGroup {
            name: "six".to_owned(),
            labels: [("net".to_owned(), "six".to_owned())].into(),
            families: vec![V6],
        }];
        for name in ["n2", "n3"] {
            lab.node(name).addresses.retain(|it| !it.address.starts_with("192.168."));
        }
    });
    let run = lab.run();
    assert_eq!(run.case("node::internal_ips/ipv4/n1").verdict.status(), Status::Pass);
    assert_eq!(run.case("node::internal_ips/ipv6/n1").verdict.status(), Status::Pass);
}
