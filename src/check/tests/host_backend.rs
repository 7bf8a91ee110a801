//! Backends in the host network.

use crate::{
    check::Status,
    lab::{Fault, Lab, Run},
    net::IpFamily::{V4, V6},
    probe::Aim,
};

const CHECK: &[&str] =
    &["service::host_backend", "pod::reachable", "service::cluster_ip_reachable"];

fn run(faults: impl IntoIterator<Item = Fault>) -> Run {
    let lab = Lab::dual().with_hosts().only(CHECK);
    faults.into_iter().fold(lab, Lab::with).run()
}

fn verdict(run: &Run, case: &str) -> (Status, String) {
    let verdict = &run.case(&format!("service::host_backend/{case}")).verdict;
    (verdict.status(), verdict.detail().to_owned())
}

#[test]
fn every_node_tries_its_own_host_network_pod_and_the_next_nodes_from_pod_and_host() {
    let run = run([]);
    for family in ["ipv4", "ipv6"] {
        for from in ["n1 -> n1", "n1 -> n2", "n3 -> n1", "host network of n2 -> n3"] {
            assert_eq!(verdict(&run, &format!("{family}/{from}")).0, Status::Pass, "{from}");
        }
    }
    let of_check = run.record.judged.iter().filter(|it| it.case.check == CHECK[0]);
    assert_eq!(of_check.count(), 24);
}

#[test]
fn both_ways_to_a_service_are_tried_and_by_pods_with_a_large_request() {
    let run = run([]);
    let kinds = |case: &str| -> Vec<(bool, bool)> {
        let probes = run.probes_of(&format!("service::host_backend/ipv6/{case}")).into_iter();
        let by_node_port = |aim: &Aim| matches!(aim, Aim::NodePort { .. });
        probes.map(|it| (by_node_port(&it.aim), it.target.is_large())).collect()
    };
    assert_eq!(kinds("n1 -> n2"), [(false, true), (true, false)]);
    assert_eq!(kinds("host network of n1 -> n2"), [(false, false), (true, false)]);
}

#[test]
fn a_node_that_drops_cluster_ips_of_a_family_is_red_in_that_family_alone() {
    let run = run([Fault::ClusterIpDropped { at: "n1", family: V6 }]);
    assert_eq!(verdict(&run, "ipv6/n1 -> n2").0, Status::Fail);
    assert_eq!(verdict(&run, "ipv4/n1 -> n2").0, Status::Pass);
    assert_eq!(verdict(&run, "ipv6/n2 -> n3").0, Status::Pass);
}

#[test]
fn a_firewall_that_admits_one_family_alone_is_red_and_one_that_admits_none_is_a_doubt() {
    let dropped = |family| Fault::HostPortDropped { on: "n2", family };
    let one = run([dropped(V6)]);
    assert_eq!(verdict(&one, "ipv6/n1 -> n2").0, Status::Fail);
    assert_eq!(verdict(&one, "ipv6/host network of n1 -> n2").0, Status::Fail);
    assert_eq!(verdict(&one, "ipv4/n1 -> n2").0, Status::Pass);
    assert_eq!(verdict(&one, "ipv6/n2 -> n2").0, Status::Pass);
    let none = run([dropped(V4), dropped(V6)]);
    let (status, detail) = verdict(&none, "ipv6/n1 -> n2");
    assert_eq!(status, Status::Inconclusive);
    assert!(detail.contains("not reached at the node's own address either"), "{detail}");
}

#[test]
fn a_node_that_is_cut_off_is_reported_by_the_checks_of_pods_and_services() {
    let run = run([Fault::CutOff { node: "n2", family: V6 }]);
    let (status, detail) = verdict(&run, "ipv6/n1 -> n2");
    assert_eq!(status, Status::Skip);
    assert!(detail.starts_with("blocked by pod::reachable"), "{detail}");
    let (_, detail) = verdict(&run, "ipv6/host network of n1 -> n2");
    assert!(detail.starts_with("blocked by service::cluster_ip_reachable"), "{detail}");
}

#[test]
fn without_host_network_pods_there_is_nothing_to_try() {
    let run = Lab::dual().only(CHECK).run();
    let (status, detail) = verdict(&run, "ipv6/cluster");
    assert_eq!(status, Status::Skip);
    assert!(detail.starts_with("no host-network pods"), "{detail}");
}
