//! What pods are told of their nodes, and what nodes reach by their own network.

use crate::{
    check::{Status, Verdict},
    fixture::{HostNetwork, Workload},
    lab::{Fault, Lab},
    net::IpFamily::{self, V4, V6},
};

fn host_ips(change: impl FnOnce(&mut Lab)) -> [Verdict; 2] {
    let run = Lab::dual().changed(change).run();
    ["ipv4", "ipv6"]
        .map(|family| run.case(&format!("pod::host_ips/{family}/busybox on n1")).verdict.clone())
}

fn told(lab: &mut Lab, change: impl FnOnce(&mut Vec<std::net::IpAddr>)) {
    let pod: &mut Workload = &mut lab.fixture.probes[0];
    change(pod.host_ips.as_mut().unwrap());
}

#[test]
fn host_ips_are_the_nodes_own_addresses_in_its_order() {
    let statuses = |change: fn(&mut Lab)| host_ips(change).map(|verdict| verdict.status());
    assert_eq!(statuses(|_| ()), [Status::Pass; 2]);
    let one = statuses(|lab| told(lab, |ips| ips.retain(|&ip| IpFamily::of(ip) == V4)));
    assert_eq!(one, [Status::Pass, Status::Fail]);
    let reversed = host_ips(|lab| told(lab, |ips| ips.reverse()));
    assert_eq!(reversed[0].detail(), "fd00:192:168::1 comes first");
    assert_eq!(reversed[1].status(), Status::Pass);
    let other = host_ips(|lab| told(lab, |ips| ips[1] = "fd00::9".parse().unwrap()));
    assert_eq!(other[1].detail(), "fd00::9, where the node has fd00:192:168::1");
    // The first of each family counts.
    let several = statuses(|lab| {
        let mut more = lab.node("n1").addresses.clone();
        more[0].address = "192.168.7.7".to_owned();
        lab.node("n1").addresses.extend(more);
    });
    assert_eq!(several, [Status::Pass; 2]);
}

#[test]
fn a_node_without_an_address_of_a_family_is_the_cause_of_pods_that_are_not_told_one() {
    let lab = Lab::dual().changed(|lab| {
        lab.node("n2").addresses.pop();
        lab.fixture.probes[1].host_ips.as_mut().unwrap().pop();
    });
    let run = lab.run();
    assert!(run.names(Status::Fail).contains(&"pod::host_ips/ipv6/busybox on n2".to_owned()));
    let cause = &run.record.causes[0];
    assert_eq!(cause.id, "node_without_internal_ip");
    assert!(cause.explains.contains(&"pod::host_ips/ipv6/busybox on n2".to_owned()));
}

#[test]
fn host_ips_are_not_expected_before_they_were_there() {
    let none = |lab: &mut Lab| told(lab, Vec::clear);
    let statuses = |change: &dyn Fn(&mut Lab)| {
        host_ips(|lab| {
            none(lab);
            change(lab);
        })
        .map(|verdict| verdict.status())
    };
    assert_eq!(statuses(&|_| ()), [Status::Fail; 2]);
    assert_eq!(statuses(&|lab| lab.facts.server.version = "v1.28.3".to_owned()), [Status::Skip; 2]);
    let kubelet = |lab: &mut Lab| lab.node("n1").kubelet_version = "v1.27.16+k3s1".to_owned();
    assert_eq!(statuses(&kubelet), [Status::Skip; 2]);
    let old_record = |lab: &mut Lab| lab.fixture.probes[0].host_ips = None;
    assert_eq!(statuses(&old_record), [Status::Inconclusive; 2]);
}

#[test]
fn nodes_try_the_node_ports_of_every_node_over_tcp_and_udp() {
    let run = Lab::dual().with_hosts().run();
    let name = "node_port::from_node/ipv6/host network of n1 -> n2";
    assert_eq!(run.case(name).verdict.status(), Status::Pass);
    let probes = run.probes_of(name);
    assert_eq!(probes.len(), 6);
    assert_eq!(probes.iter().filter(|probe| probe.target.is_udp()).count(), 3);
    let all = run.names(Status::Pass);
    let cases = all.iter().filter(|name| name.starts_with("node_port::from_node/"));
    assert_eq!(cases.count(), 18);
}

#[test]
fn node_ports_that_a_node_refuses_or_whose_datagrams_are_lost_are_red_from_nodes() {
    let refused = Lab::dual().with_hosts().with(Fault::NodePortRefused { at: "n2", family: V6 });
    let red = |lab: &Lab| {
        let mut red = lab.run().names(Status::Fail);
        red.retain(|name| name.starts_with("node_port::from_node/"));
        red
    };
    let from = |nodes: &[&str]| -> Vec<String> {
        let names = nodes.iter();
        names
            .map(|node| format!("node_port::from_node/ipv6/host network of {node} -> n2"))
            .collect()
    };
    assert_eq!(red(&refused), from(&["n1", "n2", "n3"]));
    // What comes in is dropped, and what the node sends itself is not.
    let dropped = Lab::dual().with_hosts().with(Fault::NodePortDropped { at: "n2", family: V6 });
    assert_eq!(red(&dropped), from(&["n1", "n3"]));
    let datagrams = Lab::dual().with_hosts().with(Fault::DatagramsDropped { on: "n2", family: V6 });
    let run = datagrams.run();
    let case = run.case("node_port::from_node/ipv6/host network of n1 -> n2");
    assert!(case.verdict.detail().contains("datagrams"), "{}", case.verdict.detail());
}

#[test]
fn without_host_network_pods_the_reason_is_told() {
    let skipped = |host_network: HostNetwork| {
        let lab = Lab::dual().changed(|lab| lab.fixture.host_network = host_network);
        let run = lab.run();
        let verdict = &run.case("node_port::from_node/ipv6/cluster").verdict;
        assert_eq!(verdict.status(), Status::Skip);
        verdict.detail().to_owned()
    };
    assert_eq!(skipped(HostNetwork::Off), "no host-network pods (--host-network off)");
    let reason = "Pod Security forbids them".to_owned();
    assert_eq!(
        skipped(HostNetwork::Skipped { reason }),
        "no host-network pods: Pod Security forbids them"
    );
}
