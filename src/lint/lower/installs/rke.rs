//! RKE's `cluster.yml` (`RKEConfigServices` of rancher/rke).

use crate::lint::{
    model::{Address, Arg, Args, ComponentName, Installation, KubeletConfiguration, Tool},
    source::Spanned,
    tree::Node,
};

use super::{Lower, Setting, assumed};

/// What RKE takes where nothing is given.
const PODS: &str = "10.42.0.0/16";
const SERVICES: &str = "10.43.0.0/16";

impl Lower<'_> {
    /// Whether a document holds RKE's services.
    pub(super) fn is_rke(root: &Node) -> bool {
        let services = ["kube-api", "kube-controller", "kubeproxy"];
        services.iter().any(|service| root.at(&["services", service]).is_some())
            && (root.get("nodes").is_some() || root.get("network").is_some())
    }

    pub(super) fn rke(&mut self, root: &Node) -> bool {
        // Rancher holds the same below a key of its own.
        let root = root.get("rancher_kubernetes_engine_config").unwrap_or(root);
        if !Self::is_rke(root) {
            return false;
        }
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        self.listed(root.get("nodes"), |_| true);
        let service = |name: &str, field: &str| {
            root.at(&["services", name, field])?.text().filter(|text| !text.value.is_empty())
        };
        self.version(root.get("kubernetes_version").and_then(Node::text));
        let pods = Setting::pods(Tool::Rke, "cluster_cidr");
        let services = Setting::services(Tool::Rke, "service_cluster_ip_range");
        let node = |name, field| root.at(&["services", name, field]);
        let given = self.range_list(node("kube-controller", "cluster_cidr"), pods);
        let own = self.range_list(node("kube-api", "service_cluster_ip_range"), services);
        self.model.installs.push(Installation {
            at,
            tool: Tool::Rke,
            pods: given.or_else(|| Some(assumed(PODS, at, pods))),
            services: own.or_else(|| Some(assumed(SERVICES, at, services))),
            masks: Vec::new(),
            settings: Args::default(),
        });
        for (name, component) in [
            ("kube-api", ComponentName::ApiServer),
            ("kube-controller", ComponentName::ControllerManager),
            ("kubeproxy", ComponentName::Proxy),
        ] {
            let node = root.at(&["services", name, "extra_args"]);
            let Args { mut list, .. } = self.extra_args(node);
            let range = service(name, "service_cluster_ip_range");
            if let Some(value) = range.filter(|_| component == ComponentName::ControllerManager) {
                let flag = Spanned::new("service-cluster-ip-range".to_owned(), value.span);
                list.push(Arg { name: flag, value });
            }
            let span = node.map_or(at, |node| node.span);
            self.tool_component(component, span, Args { list, ..Args::default() });
        }
        if let Some(dns) = service("kubelet", "cluster_dns_server") {
            let cluster_dns = vec![Address::new(dns)];
            self.model.kubelets.push(KubeletConfiguration { at, max_pods: None, cluster_dns });
        }
        true
    }
}
