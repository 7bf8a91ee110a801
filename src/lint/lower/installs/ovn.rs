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
/// The sections of its newer chart, and the ranges that this takes where none are given.
const V2: [(&str, [&str; 2]); 3] = [
    ("pods", ["10.16.0.0/16", "fd00:10:16::/112"]),
    ("services", ["10.96.0.0/12", "fd00:10:96::/112"]),
    ("join", ["100.64.0.0/16", "fd00:100:64::/112"]),
];

impl Lower<'_> {
    /// Whether values are of one of Kube-OVN's two charts.
    pub(in crate::lint::lower) fn is_kube_ovn(root: &Node) -> bool {
        STACKS.iter().any(|stack| root.at(&[stack, "POD_CIDR"]).is_some())
            || root.at(&["networking", "pods", "cidr"]).is_some()
    }

    /// The values of Kube-OVN's charts. In the older one the section that `NET_STACK` chooses counts,
    /// in the newer one the range of each family of `stack`.
    pub(in crate::lint::lower) fn kube_ovn_values(&mut self, root: &Node, at: Span) {
        let text = |key: &str| root.at(&["networking", key]).and_then(Node::text);
        if let Some(stack) = text("stack") {
            self.kube_ovn_v2(root, at, stack);
            return;
        }
        let stack = text("NET_STACK").or_else(|| text("net_stack"));
        let chosen = stack.as_ref().map_or("ipv4", |text| text.value.as_str());
        let Some(section) = root.get(chosen) else { return };
        let ranges = ["POD_CIDR", "SVC_CIDR", "JOIN_CIDR"].map(|key| {
            let text = section.get(key).and_then(Node::text);
            text.map(|text| self.split(&text)).unwrap_or_default()
        });
        self.kube_ovn(at, ranges, stack);
    }

    fn kube_ovn_v2(&mut self, root: &Node, at: Span, stack: Spanned<String>) {
        let (name, families): (&str, &[usize]) = match stack.value.as_str() {
            "Dual" => ("dual_stack", &[0, 1]),
            "IPv6" => ("ipv6", &[1]),
            "IPv4" => ("ipv4", &[0]),
            _ => return,
        };
        let ranges = V2.map(|(key, defaults)| {
            let own = |family: usize| {
                root.at(&["networking", key, "cidr", ["v4", "v6"][family]]).and_then(Node::text)
            };
            if !families.iter().any(|family| own(*family).is_some()) {
                return Vec::new();
            }
            let default = |family: usize| Spanned::new(defaults[family].to_owned(), stack.span);
            let range = |family: &usize| own(*family).unwrap_or_else(|| default(*family));
            families.iter().map(range).collect()
        });
        self.kube_ovn(at, ranges, Some(stack.with(name.to_owned())));
    }

    /// The flags of kube-ovn-controller.
    pub(in crate::lint::lower) fn kube_ovn_controller(&mut self, container: &Node) -> bool {
        if container.get("name").and_then(Node::str) != Some("kube-ovn-controller") {
            return false;
        }
        let list = |key: &str| container.get(key).map(Node::items).unwrap_or_default();
        let args = self.command_line(list("command").iter().chain(list("args")));
        let ranges = ["default-cidr", "service-cluster-ip-range", "node-switch-cidr"]
            .map(|name| args.get(name).map(|text| self.split(text)).unwrap_or_default());
        self.kube_ovn(container.span, ranges, None);
        true
    }

    /// The ranges of Pods, Services and nodes, and the stack's name.
    fn kube_ovn(
        &mut self,
        at: Span,
        ranges: [Vec<Spanned<String>>; 3],
        stack: Option<Spanned<String>>,
    ) {
        let [pods, services, join] = ranges;
        let named =
            |name: &str, value: Spanned<String>| Arg { name: value.with(name.into()), value };
        let join = join.first().map(|first| {
            let texts: Vec<&str> = join.iter().map(|part| part.value.as_str()).collect();
            named("JOIN_CIDR", first.with(texts.join(",")))
        });
        let stack = stack.map(|stack| named("NET_STACK", stack));
        let install = Installation {
            at,
            tool: Tool::KubeOvn,
            pods: joined(&pods, Setting::pods(Tool::KubeOvn, "POD_CIDR")),
            services: joined(&services, Setting::services(Tool::KubeOvn, "SVC_CIDR")),
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
