//! Kube-OVN and OVN-Kubernetes, which give Pods their addresses themselves.

use crate::{
    lint::{
        model::{Address, Arg, Args, Installation, NodeMask, RangeEntry, RangeList, Subnet, Tool},
        source::{Span, Spanned},
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, joined};

/// The sections of Kube-OVN's values, by what `NET_STACK` calls them.
const STACKS: [&str; 3] = ["dual_stack", "ipv4", "ipv6"];

impl Lower<'_> {
    /// Whether values are of Kube-OVN's chart.
    pub(in crate::lint::lower) fn is_kube_ovn(root: &Node) -> bool {
        STACKS.iter().any(|stack| root.at(&[stack, "POD_CIDR"]).is_some())
    }

    /// The values of Kube-OVN's chart: the section that `NET_STACK` chooses counts.
    pub(in crate::lint::lower) fn kube_ovn_values(&mut self, root: &Node, at: Span) {
        let stack = ["NET_STACK", "net_stack"].iter().find_map(|key| root.at(&["networking", key]));
        let stack = stack.and_then(Node::text);
        let chosen = stack.as_ref().map_or("ipv4", |text| text.value.as_str());
        let Some(section) = root.get(chosen) else { return };
        let get = |key: &str| section.get(key);
        let ranges = [get("POD_CIDR"), get("SVC_CIDR"), get("JOIN_CIDR")];
        let stack = stack.map(|value| Arg { name: value.with(String::from("NET_STACK")), value });
        self.kube_ovn(at, ranges.map(|node| node.and_then(Node::text)), stack);
    }

    /// The flags of kube-ovn-controller.
    pub(in crate::lint::lower) fn kube_ovn_controller(&mut self, container: &Node) -> bool {
        if container.get("name").and_then(Node::str) != Some("kube-ovn-controller") {
            return false;
        }
        let list = |key: &str| container.get(key).map(Node::items).unwrap_or_default();
        let args = self.command_line(list("command").iter().chain(list("args")));
        let get = |name: &str| args.get(name).cloned();
        let ranges =
            [get("default-cidr"), get("service-cluster-ip-range"), get("node-switch-cidr")];
        self.kube_ovn(container.span, ranges, None);
        true
    }

    fn kube_ovn(&mut self, at: Span, ranges: [Option<Spanned<String>>; 3], stack: Option<Arg>) {
        let [pods, services, join] = ranges;
        let list = |text: Option<Spanned<String>>, setting| {
            let parts = text.map(|text| self.split(&text)).unwrap_or_default();
            joined(&parts, setting)
        };
        let join = join.map(|value| Arg { name: value.with(String::from("JOIN_CIDR")), value });
        let install = Installation {
            at,
            tool: Tool::KubeOvn,
            pods: list(pods, Setting::pods(Tool::KubeOvn, "POD_CIDR")),
            services: list(services, Setting::services(Tool::KubeOvn, "SVC_CIDR")),
            masks: Vec::new(),
            settings: Args { list: join.into_iter().chain(stack).collect(), ..Args::default() },
        };
        // Pods get addresses of subnets, not of their nodes' ranges.
        self.model.no_node_ranges = true;
        self.model.installs.push(install);
    }

    /// Kube-OVN's `Subnet`.
    pub(in crate::lint::lower) fn kube_ovn_subnet(&mut self, root: &Node) -> bool {
        let text =
            |key: &str| root.at(&["spec", key])?.text().filter(|text| !text.value.is_empty());
        let Some(cidr) = text("cidrBlock") else { return true };
        let gateways = text("gateway").map(|text| self.split(&text)).unwrap_or_default();
        self.model.subnets.push(Subnet {
            ranges: self.split(&cidr).into_iter().map(RangeEntry::new).collect(),
            cidr,
            gateways: gateways.into_iter().map(Address::new).collect(),
        });
        true
    }

    /// OVN-Kubernetes' ranges, of its chart's values or its ConfigMap: each may have the length of
    /// a node's share behind its own. False if the mapping has none.
    pub(in crate::lint::lower) fn ovn_kubernetes(&mut self, root: &Node) -> bool {
        let pair = |pods: &str, services: &str| Some((root.get(pods)?, root.get(services)?));
        let Some((pods, services)) =
            pair("podNetwork", "serviceNetwork").or_else(|| pair("net_cidr", "svc_cidr"))
        else {
            return false;
        };
        let Some(pods) = pods.text().filter(|text| text.value.contains('/')) else { return false };
        let (mut parts, mut masks) = (Vec::new(), Vec::new());
        for part in self.split(&pods) {
            let mut slashes = part.value.match_indices('/').map(|(at, _)| at);
            let second = slashes.nth(1);
            let range = &part.value[..second.unwrap_or(part.value.len())];
            let v6 = range.contains(':');
            let (family, default) = if v6 { (IpFamily::V6, 64) } else { (IpFamily::V4, 24) };
            let set = second.map(|at| self.part(&part, at + 1, &part.value[at + 1..]));
            let length = set.as_ref().and_then(|text| text.value.parse().ok());
            masks.push(NodeMask { family, length: length.unwrap_or(default), set });
            parts.push(self.part(&part, 0, range));
        }
        let pods: Option<RangeList> =
            joined(&parts, Setting::pods(Tool::OvnKubernetes, "podNetwork"));
        let setting = Setting::services(Tool::OvnKubernetes, "serviceNetwork");
        let services = self.range_list(Some(services), setting);
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        self.model.installs.push(Installation {
            at,
            tool: Tool::OvnKubernetes,
            pods,
            services,
            masks,
            settings: Args::default(),
        });
        true
    }
}
