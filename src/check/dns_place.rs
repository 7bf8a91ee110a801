//! Where the cluster's DNS is: the names by which commands find it.

use super::World;
use crate::facts::{Fact, OPENSHIFT_DNS};

/// The DNS Service's place and name where nothing else is known: that of kubeadm and most others.
const USUAL: (&str, &str) = ("kube-system", "kube-dns");

/// Where some distributions keep the Corefile.
pub(crate) const COREFILE_SOURCE: &str = "Change the Corefile where it comes from: on k3s and AKS the ConfigMap \
coredns-custom, on RKE2 a HelmChartConfig, on EKS the add-on's configuration. What is changed in the Corefile \
itself is overwritten there.";

/// Where the cluster's DNS is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DnsPlace<'a> {
    namespace: &'a str,
    service: &'a str,
}

impl<'a> DnsPlace<'a> {
    /// As the facts tell: they name the Service that they are of.
    pub(crate) fn of(world: World<'a>) -> Self {
        let source = match &world.facts.cluster_dns {
            Fact::Known { source, .. } => source.as_str(),
            Fact::Absent { .. } | Fact::Forbidden { .. } => "",
        };
        let named = source.strip_prefix("Service ").and_then(|name| name.split_once('/'));
        let (namespace, service) = named.unwrap_or(USUAL);
        Self { namespace, service }
    }

    fn is_openshift(self) -> bool {
        self.namespace == OPENSHIFT_DNS
    }

    /// The name of what runs the pods, and of the ConfigMap with the Corefile.
    fn workload(self) -> &'a str {
        // RKE2's chart gives the same name to all of it, as Helm does: rke2-coredns-rke2-coredns.
        if self.is_openshift() || self.service.contains("coredns") {
            self.service
        } else {
            "coredns"
        }
    }

    fn label(self) -> &'static str {
        if self.is_openshift() {
            "dns.operator.openshift.io/daemonset-dns=default"
        } else {
            "k8s-app=kube-dns"
        }
    }

    /// Shows the Corefile.
    pub(crate) fn configuration(self) -> String {
        format!("kubectl -n {} get configmap {} -o yaml", self.namespace, self.workload())
    }

    /// Lists the pods.
    pub(crate) fn pods(self) -> String {
        format!("kubectl -n {} get pods -l {} -o wide", self.namespace, self.label())
    }

    /// Shows what the pods log.
    pub(crate) fn logs(self) -> String {
        format!("kubectl -n {} logs -l {} --tail=50", self.namespace, self.label())
    }

    /// Shows what the pods use of their processor and memory.
    pub(crate) fn top(self) -> String {
        format!("kubectl -n {} top pods -l {}", self.namespace, self.label())
    }

    /// The Service, as `namespace/name`.
    pub(crate) fn name(self) -> String {
        format!("{}/{}", self.namespace, self.service)
    }

    /// Changes the Service; the patch follows.
    pub(crate) fn patch(self) -> String {
        format!("kubectl -n {} patch service {}", self.namespace, self.service)
    }

    /// Shows the Service.
    pub(crate) fn service(self) -> String {
        format!("kubectl -n {} get service {} -o yaml", self.namespace, self.service)
    }

    /// Shows the Service's EndpointSlices.
    pub(crate) fn slices(self) -> String {
        let label = "kubernetes.io/service-name";
        format!("kubectl -n {} get endpointslices -l {label}={}", self.namespace, self.service)
    }

    /// Deletes a pod, which is recreated.
    pub(crate) fn delete(self, pod: &str) -> String {
        format!("kubectl -n {} delete pod {pod}", self.namespace)
    }

    /// Recreates the pods, one after the other.
    pub(crate) fn restart(self) -> String {
        let kind = if self.is_openshift() { "daemonset" } else { "deployment" };
        format!("kubectl -n {} rollout restart {kind} {}", self.namespace, self.workload())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Lab;

    fn in_place(named: &str, look: impl Fn(DnsPlace<'_>)) {
        let lab = Lab::dual().changed(|lab| {
            if let Fact::Known { source, .. } = &mut lab.facts.cluster_dns {
                named.clone_into(source);
            }
        });
        look(DnsPlace::of(lab.world()));
    }

    #[test]
    fn the_usual_dns_is_coredns_behind_kube_dns() {
        for source in ["Service kube-system/kube-dns", "something else"] {
            in_place(source, |place| {
                let restart = "kubectl -n kube-system rollout restart deployment coredns";
                assert_eq!(place.restart(), restart);
                let service = "kubectl -n kube-system get service kube-dns -o yaml";
                assert_eq!(place.service(), service);
            });
        }
    }

    #[test]
    fn rke2s_dns_bears_the_name_of_its_chart() {
        in_place("Service kube-system/rke2-coredns-rke2-coredns", |place| {
            assert!(place.restart().ends_with("deployment rke2-coredns-rke2-coredns"));
            assert!(place.configuration().contains("get configmap rke2-coredns-rke2-coredns "));
            assert!(place.pods().contains("-l k8s-app=kube-dns "));
        });
    }

    #[test]
    fn openshifts_dns_is_a_daemon_set_in_a_namespace_of_its_own() {
        in_place("Service openshift-dns/dns-default", |place| {
            let restart = "kubectl -n openshift-dns rollout restart daemonset dns-default";
            assert_eq!(place.restart(), restart);
            let all = [
                place.configuration(),
                place.pods(),
                place.logs(),
                place.top(),
                place.service(),
                place.slices(),
                place.delete("dns-default-x"),
            ];
            for command in all {
                let usual = command.contains("kube-dns") || command.contains("kube-system");
                assert!(!usual, "{command}");
            }
        });
    }
}
