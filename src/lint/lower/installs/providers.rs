//! Managed clusters of providers, as operators that create them are told: Amazon's EKS by ACK and
//! Crossplane, Microsoft's AKS by the Azure Service Operator and Crossplane, Google's GKE by Config
//! Connector and Crossplane, and the managed control planes of Cluster API.

use crate::lint::{
    lower::kubeadm::begin,
    model::{Args, Installation, RangeList, Tool},
    tree::{Node, Value},
};

use super::{Lower, Setting, gardener::with_families, settings};

const EKS: &[&str] = &["ipFamily", "serviceIPv4CIDR", "serviceIpv4Cidr"];
const AKS: &[&str] = &["networkPlugin", "networkPluginMode"];
const GKE: &[&str] = &["stackType"];

/// A mapping, or the only item of a list of them: Crossplane has such lists where Terraform has
/// blocks.
fn block(node: Option<&Node>) -> Option<&Node> {
    let node = node?;
    match &node.value {
        Value::List(items) => items.first(),
        _ => Some(node),
    }
}

impl Lower<'_> {
    /// A cluster of a provider; false if the kind is another one.
    pub(in crate::lint::lower) fn provider(
        &mut self,
        group: &str,
        kind: &str,
        root: &Node,
    ) -> bool {
        let Some(spec) = root.get("spec") else { return false };
        let spec = spec.get("forProvider").unwrap_or(spec);
        // Crossplane's providers have a group for objects of the cluster, and one for namespaced ones.
        let group = group.replace(".m.upbound.io", ".upbound.io");
        match (group.as_str(), kind) {
            (
                "eks.services.k8s.aws" | "eks.aws.upbound.io" | "eks.aws.crossplane.io",
                "Cluster",
            ) => {
                self.version(spec.get("version").and_then(Node::text));
                self.eks(root, block(spec.get("kubernetesNetworkConfig")))
            }
            ("containerservice.azure.com", "ManagedCluster")
            | ("containerservice.azure.upbound.io", "KubernetesCluster") => {
                self.version(spec.get("kubernetesVersion").and_then(Node::text));
                self.aks(root, block(spec.get("networkProfile")))
            }
            ("container.cnrm.cloud.google.com", "ContainerCluster")
            | ("container.gcp.upbound.io", "Cluster") => self.gke(root, spec),
            (
                "controlplane.cluster.x-k8s.io" | "infrastructure.cluster.x-k8s.io",
                "AWSManagedControlPlane"
                | "AzureManagedControlPlane"
                | "GCPManagedControlPlane"
                | "AzureASOManagedControlPlane",
            ) => {
                self.version(spec.get("version").and_then(Node::text));
                self.model.no_node_ranges = true;
                true
            }
            _ => false,
        }
    }

    fn managed(
        &mut self,
        root: &Node,
        tool: Tool,
        ranges: [Option<RangeList>; 2],
        settings: Args,
    ) -> bool {
        let [pods, services] = ranges;
        // The provider gives Pods addresses in its own way.
        self.model.no_node_ranges = true;
        let at = begin(root);
        let masks = Vec::new();
        self.model.installs.push(Installation { at, tool, pods, services, masks, settings });
        true
    }

    fn eks(&mut self, root: &Node, network: Option<&Node>) -> bool {
        let settings = network.map(|node| settings(node, EKS)).unwrap_or_default();
        let services = ["serviceIPv4CIDR", "serviceIpv4Cidr"];
        let services = services.iter().find_map(|key| network?.get(key));
        let services = self.range_list(services, Setting::services(Tool::Eks, "serviceIPv4CIDR"));
        self.managed(root, Tool::Eks, [None, services], settings)
    }

    fn aks(&mut self, root: &Node, network: Option<&Node>) -> bool {
        let either = |keys: [&str; 2]| keys.iter().find_map(|key| network?.get(key));
        // The fields for one range are older than those for several.
        let list = |keys: [&'static str; 2], setting: fn(Tool, &'static str) -> Setting| {
            let key = keys.into_iter().find(|key| network.is_some_and(|n| n.get(key).is_some()))?;
            self.range_list(network?.get(key), setting(Tool::Aks, key))
        };
        let pods = list(["podCidrs", "podCidr"], Setting::pods);
        let services = list(["serviceCidrs", "serviceCidr"], Setting::services);
        let own = network.map(|node| settings(node, AKS)).unwrap_or_default();
        let settings = with_families(own, either(["ipFamilies", "ipVersions"]));
        self.managed(root, Tool::Aks, [pods, services], settings)
    }

    fn gke(&mut self, root: &Node, spec: &Node) -> bool {
        let policy = block(spec.get("ipAllocationPolicy"));
        let mut own = policy.map(|node| settings(node, GKE)).unwrap_or_default();
        let both = own.get("stackType").is_some_and(|text| text.value == "IPV4_IPV6");
        own.list.extend(settings(spec, &["datapathProvider", "enableAutopilot"]).list);
        // Of IPv6 ranges, which Google chooses, there is no setting. A mere length is no range.
        let range = |keys: [&str; 2]| {
            let node = keys.iter().find_map(|key| policy?.get(key));
            node.filter(|node| !both && node.str().is_some_and(|text| !text.starts_with('/')))
        };
        let pods = range(["clusterIpv4CidrBlock", "clusterIpv4Cidr"]);
        let services = range(["servicesIpv4CidrBlock", "servicesIpv4Cidr"]);
        let pods = self.range_list(pods, Setting::pods(Tool::Gke, "clusterIpv4CidrBlock"));
        let services =
            self.range_list(services, Setting::services(Tool::Gke, "servicesIpv4CidrBlock"));
        self.managed(root, Tool::Gke, [pods, services], own)
    }
}
