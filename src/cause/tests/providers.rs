//! Clusters of providers and distributions that can't be had here, as their documents describe them: what a run
//! skips there, and that no advice names an object that they don't have.

use crate::{
    check::{Status, Verdict},
    facts::{Cni, Fact, KubeProxy, Node},
    fixture::WorkloadState,
    lab::{Fault, Lab, Run},
    net::IpFamily::{self, V4, V6},
};

/// What the facts say where a cluster has no kube-proxy that can be seen.
const NO_PROXY: &str = "kube-proxy is not running: no DaemonSet or static pod in kube-system";

fn cni(lab: &mut Lab, name: &str) {
    lab.facts.cni = Fact::Known {
        value: Cni { name: name.to_owned(), version: None },
        source: "the lab".to_owned(),
    };
}

fn each_node(lab: &mut Lab, change: impl Fn(&mut Node)) {
    let Fact::Known { value, .. } = &mut lab.facts.nodes else { panic!() };
    value.iter_mut().for_each(change);
}

fn version(lab: &mut Lab, version: &str) {
    each_node(lab, |node| version.clone_into(&mut node.kubelet_version));
}

fn label(lab: &mut Lab, key: &str) {
    each_node(lab, |node| drop(node.labels.insert(key.to_owned(), String::new())));
}

fn without_kube_proxy(lab: &mut Lab, reason: &str) {
    lab.facts.kube_proxy = Fact::Absent { reason: reason.to_owned() };
    let reason = "no Pod with label k8s-app=kube-proxy in kube-system".to_owned();
    lab.facts.proxy_pods = Fact::Absent { reason };
}

fn dns_is(lab: &mut Lab, service: &str) {
    if let Fact::Known { source, .. } = &mut lab.facts.cluster_dns {
        *source = format!("Service {service}");
    }
}

/// EKS in its IPv6 mode: pods and Services of IPv6 alone, no podCIDRs on Nodes, IPv6 InternalIPs
/// (<https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html>,
/// <https://aws-ia.github.io/terraform-aws-eks-blueprints/patterns/network/ipv6-eks-cluster>).
fn eks() -> Lab {
    Lab::new(3, &[V6]).changed(|lab| {
        version(lab, "v1.33.5-eks-113cf36");
        cni(lab, "aws-vpc-cni");
        each_node(lab, |node| node.pod_cidrs.clear());
        lab.facts.pod_ranges.clear();
    })
}

/// GKE of stack type IPV4_IPV6, which has Dataplane V2: anetd, which is Cilium, and no kube-proxy
/// (<https://cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2>).
fn gke() -> Lab {
    Lab::dual().changed(|lab| {
        version(lab, "v1.33.4-gke.1134000");
        label(lab, "cloud.google.com/gke-nodepool");
        cni(lab, "gke-dataplane-v2");
        without_kube_proxy(lab, NO_PROXY);
    })
}

/// AKS with Azure CNI in overlay mode, with a kube-proxy that Azure manages
/// (<https://learn.microsoft.com/azure/aks/configure-dual-stack>).
fn aks() -> Lab {
    Lab::dual().changed(|lab| {
        label(lab, "kubernetes.azure.com/cluster");
        cni(lab, "azure-cni");
    })
}

/// k3s, which runs flannel and kube-proxy within its own process (<https://docs.k3s.io/architecture>).
fn k3s() -> Lab {
    Lab::dual().changed(|lab| {
        version(lab, "v1.34.1+k3s1");
        cni(lab, "flannel");
        without_kube_proxy(lab, "k3s runs kube-proxy within its own process");
    })
}

/// Cilium in the place of kube-proxy
/// (<https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/>).
fn cilium() -> Lab {
    Lab::dual().changed(|lab| {
        cni(lab, "cilium");
        without_kube_proxy(lab, NO_PROXY);
    })
}

/// OpenShift with OVN-Kubernetes and its DNS Operator
/// (<https://docs.okd.io/latest/networking/networking_operators/dns-operator.html>).
fn openshift() -> Lab {
    Lab::dual().changed(|lab| {
        label(lab, "node.openshift.io/os_id");
        cni(lab, "ovn-kubernetes");
        without_kube_proxy(lab, NO_PROXY);
        dns_is(lab, "openshift-dns/dns-default");
    })
}

/// RKE2: kube-proxy is a static pod, and DNS is named after its chart (<https://docs.rke2.io/architecture>).
fn rke2() -> Lab {
    Lab::dual().changed(|lab| {
        version(lab, "v1.34.1+rke2r1");
        cni(lab, "canal");
        let Fact::Known { value, .. } = lab.facts.kube_proxy.clone() else { panic!() };
        let source = "the flags of Pod kube-system/kube-proxy-n1".to_owned();
        lab.facts.kube_proxy = Fact::<KubeProxy>::Known { value, source };
        let reason = "no Pod with label k8s-app=kube-proxy in kube-system".to_owned();
        lab.facts.proxy_pods = Fact::Absent { reason };
        dns_is(lab, "kube-system/rke2-coredns-rke2-coredns");
    })
}

/// All that a run tells of what it found: causes and failures, with their commands and fixes.
fn told(run: &Run) -> String {
    serde_json::to_string(&run.record.causes).unwrap()
        + &serde_json::to_string(&run.record.judged).unwrap()
}

fn proxy_broken(lab: Lab, family: IpFamily) -> Run {
    lab.with(Fault::ClusterIpDropped { at: "n2", family })
        .with(Fault::NodePortRefused { at: "n2", family })
        .run()
}

fn dns_broken(lab: Lab) -> Vec<Run> {
    let faults =
        [Fault::DnsDown, Fault::DnsRefuses { family: V6 }, Fault::NoReverse { family: V6 }];
    faults.into_iter().map(|fault| lab.clone().with(fault).run()).collect()
}

#[test]
fn healthy_clusters_of_providers_have_no_red_case() {
    let all = [
        ("EKS", eks().under("single-stack-ipv6")),
        ("GKE", gke()),
        ("AKS", aks()),
        ("k3s", k3s()),
        ("Cilium", cilium()),
        ("OpenShift", openshift()),
        ("RKE2", rke2()),
    ];
    for (name, lab) in all {
        let run = lab.run();
        assert_eq!(run.names(Status::Fail), Vec::<String>::new(), "{name}");
        assert_eq!(run.names(Status::Inconclusive), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn on_eks_the_missing_family_is_said_to_be_impossible_with_amazons_page() {
    let run = eks().run();
    assert_eq!(run.record.causes.len(), 1, "{:?}", run.record.causes);
    let fix = &run.record.causes[0].fix[0];
    assert!(fix.starts_with("EKS: not possible") && fix.contains("cni-ipv6.html"), "{fix}");
}

#[test]
fn where_no_kube_proxy_is_to_be_seen_no_command_names_one() {
    for (name, lab) in
        [("GKE", gke()), ("k3s", k3s()), ("Cilium", cilium()), ("OpenShift", openshift())]
    {
        let run = proxy_broken(lab, V6);
        assert_ne!(run.names(Status::Fail), Vec::<String>::new());
        let told = told(&run);
        for word in ["k8s-app=kube-proxy", "daemonset kube-proxy", "ds/kube-proxy"] {
            assert!(!told.contains(word), "{name}: {told}");
        }
    }
}

#[test]
fn the_first_fix_of_a_dead_service_proxy_is_made_where_the_distribution_has_it() {
    let first = [
        (gke(), "GKE: kube-proxy is managed"),
        (aks(), "AKS: kube-proxy is managed"),
        (k3s(), "k3s: kube-proxy runs inside the k3s process"),
        (openshift(), "OpenShift: OVN-Kubernetes replaces kube-proxy"),
        (rke2(), "RKE2: kube-proxy is a static pod"),
        (cilium(), "Restart the Cilium agent on n2"),
    ];
    for (lab, words) in first {
        let run = proxy_broken(lab, V4);
        let fix = &run.record.causes[0].fix[0];
        assert!(fix.starts_with(words), "{words}: {fix}");
    }
}

#[test]
fn a_static_kube_proxy_is_found_by_its_name_and_not_deleted_in_vain() {
    let told = told(&proxy_broken(rke2(), V6));
    assert!(told.contains("exec kube-proxy-n2 -- ip6tables-save"), "{told}");
    assert!(told.contains("a static pod there, which kubectl can't restart"));
    assert!(!told.contains("k8s-app=kube-proxy"));
}

#[test]
fn dns_is_looked_for_where_the_distribution_keeps_it() {
    for run in dns_broken(openshift()) {
        let told = told(&run);
        assert!(told.contains("-n openshift-dns "), "{told}");
        for word in
            ["k8s-app=kube-dns", "-n kube-system get configmap coredns", "deployment coredns"]
        {
            assert!(!told.contains(word), "{word}: {told}");
        }
    }
    for run in dns_broken(rke2()) {
        let told = told(&run);
        for word in ["get configmap coredns ", "deployment coredns", "get service kube-dns"] {
            assert!(!told.contains(word), "{word}: {told}");
        }
    }
}

#[test]
fn k3s_says_why_the_health_of_its_kube_proxy_is_not_asked() {
    let run = k3s().with_hosts().run();
    let health = run.record.judged.iter().filter(|it| it.case.check == "node::proxy_health");
    let skipped: Vec<_> = health.map(|it| &it.verdict).collect();
    assert!(!skipped.is_empty());
    for verdict in skipped {
        assert!(matches!(verdict, Verdict::Skip { .. }), "{verdict:?}");
        assert!(verdict.detail().contains("k3s runs kube-proxy within"), "{verdict:?}");
    }
}

#[test]
fn a_node_without_pod_cidrs_is_none_the_worse_where_calico_has_pools() {
    let bare = |network: &str| {
        Lab::dual().changed(|lab| {
            cni(lab, network);
            lab.node("n3").pod_cidrs.clear();
        })
    };
    let run = bare("calico").run();
    assert_eq!(run.names(Status::Fail), Vec::<String>::new());
    let skipped = run.names(Status::Skip);
    assert!(skipped.contains(&"node::pod_cidrs/ipv6/n3".to_owned()), "{skipped:?}");
    // flannel cuts addresses from them.
    let failed = bare("flannel").run().names(Status::Fail);
    assert!(failed.contains(&"node::pod_cidrs/ipv6/n3".to_owned()), "{failed:?}");
}

#[test]
fn a_pool_that_is_empty_for_every_node_is_one_cause_with_the_fix_at_the_pool() {
    let run = Lab::dual()
        .changed(|lab| {
            cni(lab, "calico");
            for pod in lab.fixture.backends.iter_mut().chain(&mut lab.fixture.probes) {
                let reason = format!(
                    "FailedCreatePodSandBox: plugin type=\"calico\" failed (add): no configured Calico pools \
                     for node {}",
                    pod.node
                );
                pod.state = WorkloadState::Failed { reason };
                pod.pod_ips.clear();
            }
        })
        .run();
    let causes = &run.record.causes;
    let made: Vec<_> = causes.iter().filter(|cause| cause.id == "pods_not_starting").collect();
    let [cause] = made.as_slice() else { panic!("{causes:#?}") };
    assert!(cause.what.starts_with("No new pods start on nodes n1, n2 and n3"), "{}", cause.what);
    assert!(cause.fix[0].contains("ippools.crd.projectcalico.org"), "{:?}", cause.fix);
    assert!(!cause.explains.is_empty());
}
