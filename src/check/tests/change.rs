//! Endpoints that go and come back.

use crate::{
    check::Status,
    lab::{Fault, Lab, Run},
    net::IpFamily::{V4, V6},
};

fn run(faults: impl IntoIterator<Item = Fault>) -> Run {
    faults.into_iter().fold(Lab::dual().with_changes(), Lab::with).run()
}

fn verdict(run: &Run, case: &str) -> (Status, String) {
    let verdict = &run.case(&format!("change::endpoints/{case} -> changing")).verdict;
    (verdict.status(), verdict.detail().to_owned())
}

#[test]
fn a_healthy_cluster_follows_in_both_families_and_says_how_fast() {
    let run = run([]);
    for case in ["ipv4/n1", "ipv6/n1", "ipv6/n3"] {
        let (status, detail) = verdict(&run, case);
        assert_eq!(status, Status::Pass, "{detail}");
        assert!(detail.starts_with("gone within 0."), "{detail}");
    }
}

#[test]
fn a_flow_that_stays_with_its_old_backend_is_red_in_its_family_on_its_node() {
    let run = run([Fault::StaleFlows { at: "n2", family: V6 }]);
    let (status, detail) = verdict(&run, "ipv6/n2");
    assert_eq!(status, Status::Fail);
    assert!(detail.contains("answered, not"), "{detail}");
    assert_eq!(verdict(&run, "ipv4/n2").0, Status::Pass);
    assert_eq!(verdict(&run, "ipv6/n1").0, Status::Pass);
}

#[test]
fn a_proxy_that_goes_on_sending_to_a_backend_that_is_gone_is_red() {
    let run = run([Fault::EndpointsFrozen { at: "n2", family: V4 }]);
    let (status, detail) = verdict(&run, "ipv4/n2");
    assert_eq!(status, Status::Fail);
    assert!(detail.contains("accepted"), "{detail}");
    assert_eq!(verdict(&run, "ipv6/n2").0, Status::Pass);
}

#[test]
fn what_other_checks_report_is_left_to_them() {
    let dropped = run([Fault::ClusterIpDropped { at: "n2", family: V6 }]);
    let (status, detail) = verdict(&dropped, "ipv6/n2");
    assert_eq!(status, Status::Skip);
    assert!(detail.starts_with("blocked by service::cluster_ip_reachable"), "{detail}");
    let ignored = run([Fault::ManualIgnored { at: "n2", family: V6 }]);
    let (status, detail) = verdict(&ignored, "ipv6/n2");
    assert_eq!(status, Status::Inconclusive);
    assert!(detail.starts_with("before anything changed"), "{detail}");
    let deaf = run([Fault::UdpDropped { at: "n2", family: V6 }]);
    let (status, detail) = verdict(&deaf, "ipv6/n2");
    assert_eq!(status, Status::Skip);
    assert!(detail.starts_with("blocked by service::udp"), "{detail}");
}
