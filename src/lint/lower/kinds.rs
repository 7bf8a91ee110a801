//! Which reader is for which kind of object.

use crate::lint::tree::Node;

use super::Lower;

impl Lower<'_> {
    /// Adds an object; false if it is of no kind that is known here.
    pub(super) fn object(&mut self, root: &Node) -> bool {
        let api = root.get("apiVersion").and_then(Node::text);
        let kind = root.get("kind").and_then(Node::text);
        let Some(kind) = kind else { return self.by_keys(root) };
        let (group, version) = match api.as_ref().map(|api| api.value.as_str()) {
            Some(api) => api.split_once('/').unwrap_or(("", api)),
            None => ("", ""),
        };
        match (group, kind.value.as_str()) {
            ("kubeadm.k8s.io", _) => {
                let version = api.as_ref().map(|api| api.with(version.to_owned()));
                self.kubeadm(root, &kind, version)
            }
            ("kubelet.config.k8s.io", "KubeletConfiguration") => self.kubelet(root),
            ("kubeproxy.config.k8s.io", "KubeProxyConfiguration") => self.proxy(root),
            ("kind.x-k8s.io", "Cluster") => self.kind_cluster(root),
            // Its own documents had the other name before 1.21.
            ("k0s.k0sproject.io", "ClusterConfig" | "Cluster") => self.k0s(root),
            ("k0sctl.k0sproject.io", "Cluster") => self.k0sctl(root),
            ("cluster.x-k8s.io", "Cluster") => self.capi_cluster(root),
            ("cluster.x-k8s.io", "MachineDeployment" | "MachinePool") => self.capi_machines(root),
            ("cluster.x-k8s.io", "ClusterClass") => self.capi_class(root),
            ("kops.k8s.io", "Cluster") => self.kops(root),
            ("core.gardener.cloud", "Shoot") => self.gardener(root),
            ("kubeone.k8c.io" | "kubeone.io", "KubeOneCluster") => self.kubeone(root),
            ("kubeovn.io", "Subnet") => self.kube_ovn_subnet(root),
            ("install.istio.io", "IstioOperator") => self.istio_operator(root),
            ("networking.istio.io", "ServiceEntry") => self.service_entry(root),
            ("config.openshift.io" | "operator.openshift.io", "Network") => {
                root.get("spec").is_some_and(|spec| self.openshift_networking(spec))
            }
            ("hypershift.openshift.io", "HostedCluster") => root
                .at(&["spec", "networking"])
                .is_some_and(|network| self.openshift_networking(network)),
            ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane")
            | ("controlplane.cluster.x-k8s.io", "KubeadmControlPlaneTemplate")
            | ("bootstrap.cluster.x-k8s.io", "KubeadmConfig")
            | ("bootstrap.cluster.x-k8s.io", "KubeadmConfigTemplate") => self.capi_kubeadm(root),
            ("kamaji.clastix.io", "TenantControlPlane") => self.kamaji(root),
            ("k0smotron.io", "Cluster")
            | (
                "controlplane.cluster.x-k8s.io",
                "K0smotronControlPlane" | "K0smotronControlPlaneTemplate",
            ) => self.k0smotron(root),
            ("helm.crossplane.io", "Release") => self.helm_crossplane(root),
            ("eksctl.io", "ClusterConfig") => self.eksctl(root),
            ("k3d.io", "Simple" | "ClusterConfig") => self.k3d(root),
            ("provisioning.cattle.io", "Cluster") => self.rancher(root),
            ("controlplane.cluster.x-k8s.io", "KThreesControlPlane") => {
                self.k3s_control_plane(root)
            }
            ("controlplane.cluster.x-k8s.io", "RKE2ControlPlane" | "RKE2ControlPlaneTemplate")
            | ("bootstrap.cluster.x-k8s.io", "RKE2ConfigTemplate") => self.rke2_control_plane(root),
            ("controlplane.cluster.x-k8s.io", "K0sControlPlane" | "K0sControlPlaneTemplate") => {
                self.k0s_control_plane(root)
            }
            ("helm.cattle.io", "HelmChart" | "HelmChartConfig") => self.helm_chart(root),
            ("helm.toolkit.fluxcd.io", "HelmRelease") => self.helm_release(root),
            ("source.toolkit.fluxcd.io", "OCIRepository") => self.oci_repository(root),
            ("argoproj.io", "Application") => self.argo_application(root),
            ("argoproj.io", "ApplicationSet") => {
                root.at(&["spec", "template"]).is_some_and(|app| self.argo_application(app))
            }
            ("kustomize.config.k8s.io", "Kustomization" | "Component") => {
                let charts = self.kustomize_charts(root);
                self.kustomize_patches(root) || charts
            }
            ("addons.cluster.x-k8s.io", "HelmChartProxy") => self.helm_chart_proxy(root),
            ("", "Service") => self.service(root),
            ("", "ConfigMap") => self.config_map(root),
            ("", "Pod") => self.pod(root, root.get("spec")),
            ("", "Node") => self.node_object(root),
            ("apps", "DaemonSet" | "Deployment" | "StatefulSet" | "ReplicaSet") => {
                self.pod(root, root.at(&["spec", "template", "spec"]))
            }
            ("networking.k8s.io", "ServiceCIDR") => self.service_cidr(root),
            ("networking.k8s.io", "NetworkPolicy") => self.network_policy(root),
            (
                "policy.networking.k8s.io",
                "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy",
            ) => self.admin_policy(root),
            ("cilium.io", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy") => {
                self.cilium_policy(root)
            }
            (
                "crd.projectcalico.org" | "projectcalico.org",
                "NetworkPolicy" | "GlobalNetworkPolicy",
            ) => self.calico_policy(root),
            ("metallb.io", "IPAddressPool" | "AddressPool")
            | ("cilium.io", "CiliumLoadBalancerIPPool") => self.address_pool(root),
            ("purelb.io", "ServiceGroup") => self.service_group(root),
            ("cilium.io", "CiliumPodIPPool") => self.cilium_pod_pool(root),
            ("cilium.io", "CiliumBGPClusterConfig") => self.bgp_cluster_config(root),
            ("cilium.io", "CiliumBGPPeerConfig") => self.bgp_peer_config(root),
            ("cilium.io", "CiliumBGPAdvertisement") => self.bgp_advertisement(root),
            ("cilium.io", "CiliumL2AnnouncementPolicy") => self.l2_announcement(root),
            ("cilium.io", "CiliumBGPPeeringPolicy") => self.bgp_peering_policy(root),
            ("k8s.cni.cncf.io", "NetworkAttachmentDefinition") => self.attachment(root),
            ("gateway.envoyproxy.io", "EnvoyProxy") => self.envoy_proxy(root),
            ("metallb.io", "L2Advertisement" | "BGPAdvertisement") => self.advertisement(root),
            (
                "admissionregistration.k8s.io",
                "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
            )
            | ("apiregistration.k8s.io", "APIService") => self.called(root),
            ("apiextensions.k8s.io", "CustomResourceDefinition")
                if root.at(&["spec", "conversion", "webhook"]).is_some() =>
            {
                self.called(root)
            }
            ("discovery.k8s.io", "EndpointSlice") => self.endpoint_slice(root),
            ("crd.projectcalico.org" | "projectcalico.org", "IPPool") => self.ip_pool(root),
            ("crd.projectcalico.org" | "projectcalico.org", "FelixConfiguration") => {
                self.model.felix.extend(root.at(&["spec", "ipv6Support"]).and_then(Node::text));
                true
            }
            ("crd.projectcalico.org" | "projectcalico.org", "BGPConfiguration") => {
                self.calico_bgp_configuration(root)
            }
            ("crd.projectcalico.org" | "projectcalico.org", "BGPPeer") => {
                self.calico_bgp_peer(root)
            }
            ("operator.tigera.io", "Installation") => self.installation(root),
            (group, kind) => {
                (kind.ends_with("List") && self.list(root)) || self.provider(group, kind, root)
            }
        }
    }
}
