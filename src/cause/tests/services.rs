//! Faults of Services, NodePorts and DNS.

use super::{
    assert_cause, assert_one, assert_red,
    pages::{not_ready, not_up},
};
use crate::{
    cause::Confidence,
    check::Status,
    facts::Fact,
    fixture::{NOT_CONTROLLED, NOT_SCHEDULED, WorkloadState},
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

#[test]
fn a_node_that_drops_cluster_ips_is_found_and_not_the_pod_network() {
    for family in [V4, V6] {
        let lab = Lab::dual().with(Fault::ClusterIpDropped { at: "n2", family });
        let run = assert_red(&lab, |path| match path.check {
            "service::cluster_ip_reachable" => path.family == Some(family) && path.from == "n2",
            "dns::records" => family == V4 && path.from == "n2" && path.to == "DNS",
            "control_plane::kubernetes_service" => family == V4 && path.from == "n2",
            _ => false,
        });
        assert_cause(&run, "cluster_ip_dead", &["from node n2", family.as_str()]);
    }
}

#[test]
fn cluster_ips_that_are_dead_from_every_node_are_one_cause() {
    let mut lab = Lab::dual();
    for at in NODES {
        lab = lab.with(Fault::ClusterIpDropped { at, family: V6 });
    }
    let run = assert_red(&lab, |path| {
        path.check == "service::cluster_ip_reachable" && path.family == Some(V6)
    });
    assert_cause(&run, "cluster_ip_dead", &["every node"]);
}

#[test]
fn a_service_proxy_that_carries_nothing_is_one_cause() {
    let lab = Lab::dual()
        .with(Fault::ClusterIpDropped { at: "n2", family: V6 })
        .with(Fault::NodePortRefused { at: "n2", family: V6 });
    let run = assert_red(&lab, |path| {
        path.family == Some(V6)
            && match path.check {
                "service::cluster_ip_reachable" => path.from == "n2",
                "node_port::from_pod" | "node_port::from_outside" => path.to == "n2",
                _ => false,
            }
    });
    assert_cause(&run, "service_proxy_down", &["Node n2", "IPv6"]);
}

#[test]
fn a_node_that_drops_node_ports_drops_what_its_own_pods_send_to_others_too() {
    for family in [V4, V6] {
        let lab = Lab::dual().with(Fault::NodePortDropped { at: "n2", family });
        let run = assert_red(&lab, |path| {
            path.family == Some(family)
                && path.check.starts_with("node_port")
                && (path.to == "n2" || path.from == "n2")
        });
        assert_cause(&run, "node_port_dead", &["Node n2 drops", family.as_str()]);
    }
}

#[test]
fn a_node_that_refuses_node_ports_is_told_from_one_that_drops_them() {
    let lab = Lab::dual().with(Fault::NodePortRefused { at: "n2", family: V6 });
    let run = assert_red(&lab, |path| {
        path.family == Some(V6) && path.check.starts_with("node_port") && path.to == "n2"
    });
    assert_cause(&run, "node_port_dead", &["Node n2", "refuses"]);
}

#[test]
fn node_ports_that_no_node_opens_in_a_family_are_one_cause() {
    let mut lab = Lab::dual().with_hosts();
    for at in NODES {
        lab = lab.with(Fault::NodePortRefused { at, family: V6 });
    }
    let run = assert_red(&lab, |path| {
        let by_node_port =
            path.check.starts_with("node_port") || path.check == "service::host_backend";
        path.family == Some(V6) && by_node_port
    });
    assert_cause(&run, "node_port_dead", &["No node", "refuse"]);
}

#[test]
fn a_firewall_before_the_nodes_is_told_from_the_nodes() {
    let mut lab = Lab::dual();
    for at in NODES {
        lab = lab.with(Fault::NodePortFiltered { at, family: V6 });
    }
    let run =
        assert_red(&lab, |path| path.family == Some(V6) && path.check == "node_port::from_outside");
    assert_cause(&run, "node_port_dead", &["from this machine", "n1, n2 and n3"]);
}

#[test]
fn endpoints_that_nobody_publishes_are_one_cause_and_the_proxies_are_not_blamed() {
    for family in [V4, V6] {
        let lab = Lab::dual().with_hosts().with(Fault::NoEndpoints { family });
        let run = assert_red(&lab, |path| {
            path.family == Some(family)
                && (path.check == "service::endpoint_slices"
                    || path.check == "service::sctp"
                    || path.check == "service::cluster_ip_reachable"
                    || path.check.starts_with("node_port"))
                // What is lost at the node's own address, too, is not its matter.
                && path.check != "node_port::loopback"
        });
        assert_cause(&run, "endpoints_missing", &["any Service", family.as_str()]);
    }
}

#[test]
fn a_policy_that_refuses_endpoint_slices_is_named_by_the_runs_own_that_it_refused() {
    let refusal = "EndpointSlice x was rejected by the API server: ValidatingAdmissionPolicy 'no-ipv6-slices' …";
    let lab = Lab::dual().with(Fault::NoEndpoints { family: V6 }).changed(|lab| {
        lab.fixture.manual_slices_missing = Some(refusal.to_owned());
    });
    let run = lab.run();
    let cause = assert_cause(&run, "endpoints_missing", &["IPv6"]);
    assert!(cause.evidence.iter().any(|fact| fact.contains("no-ipv6-slices")), "{cause:#?}");
    assert!(cause.fix[0].starts_with("If the refusal names a policy"), "{:?}", cause.fix);
}

#[test]
fn slices_of_services_without_a_selector_that_somebody_deletes_are_one_cause() {
    for family in [V4, V6] {
        let lab = Lab::dual().with_hosts().with(Fault::ManualDeleted { family });
        let run = assert_red(&lab, |path| {
            let asks = ["service::manual_slices", "service::host_backend", "dns::headless"];
            path.family == Some(family) && asks.contains(&path.check)
        });
        let words = ["are being deleted", family.as_str(), "did not write"];
        let cause = assert_cause(&run, "manual_slices_deleted", &words);
        assert_eq!(cause.confidence, Confidence::Proved);
        let fact = format!("Service manual no longer has an EndpointSlice of addressType {family}");
        assert!(cause.evidence[0].starts_with(&fact), "{:?}", cause.evidence);
    }
    let both = [V4, V6].into_iter().map(|family| Fault::ManualDeleted { family });
    let lab = both.fold(Lab::dual().with_hosts(), Lab::with);
    assert_one(
        &lab,
        "manual_slices_deleted",
        &["IPv4 and IPv6 EndpointSlices that the control plane did not write"],
    );
}

#[test]
fn slices_that_are_there_are_not_said_to_be_deleted() {
    let ignored = Lab::dual().with(Fault::ManualIgnored { at: "n2", family: V6 }).run();
    assert!(!ignored.rules().contains(&"manual_slices_deleted"), "{:?}", ignored.rules());
    // Nor those that nobody may list.
    let mut unseen = Lab::dual().with(Fault::ManualIgnored { at: "n2", family: V6 });
    unseen.fixture.services.iter_mut().for_each(|service| service.slices = None);
    assert!(!unseen.run().rules().contains(&"manual_slices_deleted"));
}

#[test]
fn a_service_that_leads_to_another_backend_is_a_wrong_answer() {
    let lab = Lab::dual().with(Fault::WrongBackend { of: "n1", to: "n3" });
    let run = lab.run();
    let case = run.case("service::cluster_ip_reachable/ipv6/n2 -> n1");
    assert!(case.verdict.detail().contains("nginx-3-xyz"), "{}", case.verdict.detail());
    assert!(case.verdict.detail().contains("not nginx-1-xyz"), "{}", case.verdict.detail());
}

#[test]
fn dns_without_aaaa_reddens_every_vantage_and_names_dns() {
    let lab = Lab::dual().with(Fault::NoRecords { pod: None, family: V6 });
    let run = assert_red(&lab, |path| path.check == "dns::records" && path.family == Some(V6));
    assert_cause(&run, "dns_without_records", &["The cluster's DNS", "AAAA"]);
}

#[test]
fn one_dns_pod_without_aaaa_is_named() {
    let lab = Lab::dual().with(Fault::NoRecords { pod: Some("coredns-b"), family: V6 });
    let run = assert_red(&lab, |path| {
        path.check == "dns::records" && path.family == Some(V6) && path.from != "coredns-a"
    });
    assert_cause(&run, "dns_without_records", &["coredns-b", "AAAA", "others do"]);
}

#[test]
fn dns_that_nobody_hears_is_one_cause() {
    let lab = Lab::dual().with(Fault::DnsDown);
    let run = assert_red(&lab, |path| {
        (path.check == "dns::records" && path.to == "DNS")
            || (path.check == "dns::servers" && path.from.starts_with("coredns"))
    });
    let cause = assert_cause(&run, "dns_unreachable", &["on any node"]);
    assert!(cause.evidence.iter().any(|seen| seen.contains("through the API server")));
}

#[test]
fn a_dns_pod_that_knows_no_name_is_named() {
    let lab = Lab::dual().with(Fault::NoNames { pod: Some("coredns-a") });
    let run = assert_red(&lab, |path| {
        // Before a first right answer NXDOMAIN may be settling, and the next one asked knows.
        path.check == "dns::records" && path.from != "coredns-b"
    });
    assert_cause(&run, "dns_without_names", &["coredns-a"]);
}

/// A cluster on whose nodes, these, no proxy carries anything in either family.
fn without_proxy(nodes: &[&'static str]) -> Lab {
    let faults = nodes.iter().flat_map(|&at| {
        [V4, V6].into_iter().flat_map(move |family| {
            [Fault::ClusterIpDropped { at, family }, Fault::NodePortRefused { at, family }]
        })
    });
    faults.fold(Lab::dual(), Lab::with)
}

#[test]
fn a_kube_proxy_that_crashes_is_named_with_its_last_words() {
    for nodes in [&["n2"][..], &NODES] {
        let lab = without_proxy(nodes).changed(|lab| {
            let Fact::Known { value, .. } = &mut lab.facts.proxy_pods else { panic!("no pods") };
            for pod in
                value.iter_mut().filter(|pod| nodes.iter().any(|node| pod.name.ends_with(node)))
            {
                (pod.running, pod.restarts) = (false, 4);
                pod.waiting = Some("CrashLoopBackOff".to_owned());
                pod.ended = Some("Error, exit code 1: unknown flag: --x".to_owned());
            }
        });
        let place = if nodes.len() == 1 { "node n2" } else { "every node" };
        let cause = assert_one(&lab, "kube_proxy_not_running", &["kube-proxy crashes on", place]);
        assert_eq!(cause.confidence, Confidence::Proved);
        assert!(cause.evidence[0].contains("unknown flag: --x"), "{:?}", cause.evidence);
    }
}

#[test]
fn a_node_that_kube_proxy_leaves_out_is_named() {
    let lab = without_proxy(&["n2"]).changed(|lab| {
        let Fact::Known { value, .. } = &mut lab.facts.proxy_pods else { panic!("no pods") };
        value.retain(|pod| pod.node.as_deref() != Some("n2"));
    });
    assert_one(&lab, "kube_proxy_not_running", &["no pod on node n2"]);
}

#[test]
fn a_scheduler_that_has_stopped_is_the_reason_for_all_that_is_not_determined() {
    for (place, component) in ["kube-controller-manager", "kube-scheduler"].iter().enumerate() {
        let lab = Lab::dual().changed(|lab| {
            let Fact::Known { value, .. } = &mut lab.facts.leases else { panic!("no leases") };
            value[place].silent_seconds = Some(70);
            for pod in lab.fixture.backends.iter_mut().chain(&mut lab.fixture.probes) {
                pod.state = WorkloadState::Pending;
                pod.pod_ips.clear();
                pod.pod = None;
            }
        });
        let run = lab.run();
        assert_eq!(run.names(Status::Fail), Vec::<String>::new());
        let cause = assert_cause(&run, "component_stopped", &[component]);
        let mut explained = cause.explains.clone();
        let mut doubtful = run.names(Status::Inconclusive);
        explained.sort();
        doubtful.sort();
        assert_eq!(explained, doubtful);
        assert!(!doubtful.is_empty());
    }
}

#[test]
fn without_leases_a_stopped_component_is_told_by_what_it_leaves_undone() {
    let cases = [
        ("kube-controller-manager", NOT_CONTROLLED, "3 Deployments of this run without status"),
        ("kube-scheduler", NOT_SCHEDULED, "6 pods of this run without a node"),
    ];
    for (component, reason, fact) in cases {
        let undone = |lease: Option<u64>| {
            Lab::dual().changed(|lab| {
                match (lease, &mut lab.facts.leases) {
                    (Some(silent), Fact::Known { value, .. }) => {
                        value.iter_mut().for_each(|lease| lease.silent_seconds = Some(silent));
                    }
                    (_, leases) => *leases = Fact::Absent { reason: "no Lease".to_owned() },
                }
                let probes = (reason == NOT_SCHEDULED).then_some(&mut lab.fixture.probes);
                for pod in lab.fixture.backends.iter_mut().chain(probes.into_iter().flatten()) {
                    pod.state = WorkloadState::Failed { reason: reason.to_owned() };
                    pod.pod_ips.clear();
                    pod.pod = None;
                }
            })
        };
        let run = undone(None).run();
        assert_eq!(run.names(Status::Fail), Vec::<String>::new());
        let cause = assert_cause(&run, "component_stopped", &[component]);
        assert_eq!(cause.confidence, Confidence::Likely);
        assert!(cause.evidence[0].starts_with(fact), "{:#?}", cause.evidence);
        assert_eq!(cause.explains.len(), run.names(Status::Inconclusive).len());
        // One that leads, and doesn't get there.
        let cause = assert_cause(&undone(Some(2)).run(), "component_stopped", &[component]).clone();
        assert_eq!(cause.confidence, Confidence::Possible);
    }
    // Where other Deployments are seen to, it is not the component.
    let one = Lab::dual().changed(|lab| not_up(lab, "n2", NOT_CONTROLLED));
    assert!(!one.run().rules().contains(&"component_stopped"));
}

#[test]
fn a_node_that_is_not_ready_is_the_cause_of_what_was_not_tested_there() {
    for (reported, says) in [(false, "has stopped"), (true, "its kubelet says so")] {
        let run = Lab::dual().changed(|lab| not_ready(lab, "n2", reported)).run();
        assert_eq!(run.names(Status::Fail), Vec::<String>::new());
        let cause = assert_cause(&run, "node_not_ready", &["Node n2 is not Ready", says]);
        let status = if reported { "False" } else { "Unknown" };
        let fact = format!("the condition Ready of n2 is {status} since 2026-11-25T17:52:00Z (");
        assert!(cause.evidence[0].starts_with(&fact), "{:#?}", cause.evidence);
        assert_eq!(cause.explains, run.names(Status::Inconclusive));
        assert!(cause.explains.iter().all(|name| name.ends_with("/n2")), "{:?}", cause.explains);
    }
}

#[test]
fn a_certificate_that_does_not_name_the_clusterip_of_kubernetes_is_named_with_what_it_lacks() {
    let lab = Lab::dual().changed(|lab| {
        let Fact::Known { value, .. } = &mut lab.facts.kubernetes_service else { return };
        let source = "the API server's certificate".to_owned();
        value.certified = Fact::Known { value: Vec::new(), source };
    });
    let words = ["The API server's certificate lacks 10.96.0.1"];
    let cause = assert_one(&lab, "certificate_without_service", &words);
    assert_eq!(cause.confidence, Confidence::Proved);
    let certificate = "control_plane::kubernetes_service/ipv4/certificate of kubernetes";
    assert_eq!(cause.explains, [certificate]);
    assert!(cause.reproduce[0].starts_with("openssl s_client -connect"), "{:?}", cause.reproduce);
    // It takes over the names of the certificate that is there.
    assert!(cause.fix[1].contains("`kubeadm certs renew apiserver` alone doesn't help"));
}

#[test]
fn node_ports_at_127_0_0_1_that_are_lost_for_want_of_masquerading_are_no_fault_of_their_own() {
    let lost = Fault::ServiceMasqueradeLost { at: "n2", family: V4 };
    let cause =
        assert_one(&Lab::dual().with_hosts().with(lost), "node_port_not_masqueraded", &["IPv4"]);
    let own = "node_port::loopback/ipv4/host network of n2 -> 127.0.0.1";
    assert!(cause.explains.iter().any(|name| name == own), "{cause:#?}");
}

#[test]
fn what_was_not_asked_for_is_no_sign_of_anything() {
    let unasked = || {
        let mut lab = Lab::dual();
        let reason = || "not asked for".to_owned();
        lab.facts.services = Fact::Absent { reason: reason() };
        lab.facts.unreserved = Fact::Absent { reason: reason() };
        lab.facts.service_cidrs = Fact::Absent { reason: reason() };
        lab.facts.pods = Fact::Absent { reason: reason() };
        lab.facts.leases = Fact::Absent { reason: reason() };
        lab.facts.proxy_pods = Fact::Absent { reason: reason() };
        lab.facts.load_balancer = Fact::Absent { reason: reason() };
        lab.facts.kubernetes_service = Fact::Absent { reason: reason() };
        lab
    };
    assert_eq!(unasked().run().record.causes, []);
    let broken = unasked().with(Fault::ClusterIpDropped { at: "n2", family: V6 });
    let causes = broken.run().record.causes;
    assert_eq!(causes.len(), 1, "{causes:#?}");
}
