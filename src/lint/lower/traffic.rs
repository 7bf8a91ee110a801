//! Policies, pools of load balancers' addresses, and Services that the API server calls.

use crate::lint::{
    model::{
        AddressPool, Advertisement, Block, CalledService, Peers, Policy, PoolRange, RangeEntry,
    },
    source::Spanned,
    tree::Node,
};

use super::{Lower, kubeadm::begin};

fn items<'n>(node: &'n Node, path: &[&str]) -> &'n [Node] {
    node.at(path).map(Node::items).unwrap_or_default()
}

fn range(node: Option<&Node>) -> Option<RangeEntry> {
    node.and_then(Node::text).map(RangeEntry::new)
}

fn ranges(node: &Node, key: &str) -> Vec<RangeEntry> {
    items(node, &[key]).iter().filter_map(Node::text).map(RangeEntry::new).collect()
}

impl Lower<'_> {
    /// Kubernetes' `NetworkPolicy`.
    pub(super) fn network_policy(&mut self, root: &Node) -> bool {
        let rules = |direction| items(root, &["spec", direction]).iter();
        let lists = rules("ingress").map(|rule| (false, items(rule, &["from"])));
        let lists = lists.chain(rules("egress").map(|rule| (true, items(rule, &["to"]))));
        let block = |peer: &Node| {
            let block = peer.get("ipBlock")?;
            Some(Block { cidr: range(block.get("cidr"))?, except: ranges(block, "except") })
        };
        let peers = lists.map(|(outgoing, list)| Peers {
            outgoing,
            blocks: list.iter().filter_map(block).collect(),
        });
        let peers = peers.collect();
        self.model.policies.push(Policy { peers, denied: Vec::new(), native: true, closes: true });
        true
    }

    /// The policies of a cluster's administrator, whose peers are lists of `networks`.
    pub(super) fn admin_policy(&mut self, root: &Node) -> bool {
        let rules = |direction| items(root, &["spec", direction]).iter();
        let rules = rules("egress").map(|rule| (true, rule, "to"));
        let rules =
            rules.chain(items(root, &["spec", "ingress"]).iter().map(|r| (false, r, "from")));
        let mut policy =
            Policy { peers: Vec::new(), denied: Vec::new(), native: false, closes: false };
        for (outgoing, rule, side) in rules {
            let list = match rule.get("action").and_then(Node::str) {
                Some("Allow" | "Accept") => &mut policy.peers,
                Some("Deny") => &mut policy.denied,
                _ => continue,
            };
            let blocks = items(rule, &[side]).iter().flat_map(|peer| ranges(peer, "networks"));
            let blocks = blocks.map(|cidr| Block { cidr, except: Vec::new() }).collect();
            list.push(Peers { outgoing, blocks });
        }
        self.model.policies.push(policy);
        true
    }

    /// MetalLB's ConfigMap, as versions before 0.13 read it.
    pub(super) fn metallb_config(&mut self, node: &Node) -> bool {
        if !node.str().is_some_and(|text| text.contains("address-pools:")) {
            return false;
        }
        for document in self.embedded(node, "config") {
            self.metallb_pools(items(&document.root, &["address-pools"]));
        }
        true
    }

    /// The same in the values of MetalLB's chart, or of one that depends on it.
    pub(super) fn metallb_values(&mut self, root: &Node) -> bool {
        let own = items(root, &["configInline", "address-pools"]);
        let below = items(root, &["metallb", "configInline", "address-pools"]);
        self.metallb_pools(own);
        self.metallb_pools(below);
        !own.is_empty() || !below.is_empty()
    }

    fn metallb_pools(&mut self, pools: &[Node]) {
        for pool in pools {
            let name = pool.get("name").and_then(Node::text);
            let name = name.unwrap_or_else(|| Spanned::new(String::new(), pool.span));
            let ranges = items(pool, &["addresses"]).iter().filter_map(Node::text);
            let ranges = ranges.map(PoolRange::new).collect();
            self.model.address_pools.push(AddressPool { name, ranges, whole: true, cilium: false });
        }
    }

    /// Cilium's policies: `toCIDR`, `toCIDRSet` and their like for senders.
    pub(super) fn cilium_policy(&mut self, root: &Node) -> bool {
        let specs = root.get("spec").into_iter().chain(items(root, &["specs"]));
        let mut policy =
            Policy { peers: Vec::new(), denied: Vec::new(), native: false, closes: true };
        for spec in specs {
            for (direction, list, set) in [
                ("ingress", "fromCIDR", "fromCIDRSet"),
                ("egress", "toCIDR", "toCIDRSet"),
                ("ingressDeny", "fromCIDR", "fromCIDRSet"),
                ("egressDeny", "toCIDR", "toCIDRSet"),
            ] {
                for rule in items(spec, &[direction]) {
                    let plain = ranges(rule, list).into_iter();
                    let mut blocks: Vec<_> =
                        plain.map(|cidr| Block { cidr, except: Vec::new() }).collect();
                    let with_exceptions = |node: &Node| {
                        Some(Block {
                            cidr: range(node.get("cidr"))?,
                            except: ranges(node, "except"),
                        })
                    };
                    blocks.extend(items(rule, &[set]).iter().filter_map(with_exceptions));
                    let peers = Peers { outgoing: direction.starts_with("egress"), blocks };
                    match direction {
                        "ingress" | "egress" => policy.peers.push(peers),
                        _ => policy.denied.push(peers),
                    }
                }
            }
        }
        self.model.policies.push(policy);
        true
    }

    /// Calico's policies: `nets` of sources and destinations.
    pub(super) fn calico_policy(&mut self, root: &Node) -> bool {
        let mut policy =
            Policy { peers: Vec::new(), denied: Vec::new(), native: false, closes: true };
        for (direction, side) in [("ingress", "source"), ("egress", "destination")] {
            for rule in items(root, &["spec", direction]) {
                let list = match rule.get("action").and_then(Node::str) {
                    Some("Allow") => &mut policy.peers,
                    Some("Deny") => &mut policy.denied,
                    _ => continue,
                };
                let Some(side) = rule.get(side) else { continue };
                let block = |cidr| Block { cidr, except: Vec::new() };
                let blocks = ranges(side, "nets").into_iter().map(block).collect();
                list.push(Peers { outgoing: direction == "egress", blocks });
            }
        }
        self.model.policies.push(policy);
        true
    }

    /// MetalLB's `IPAddressPool`, and Cilium's pool of the same purpose.
    pub(super) fn address_pool(&mut self, root: &Node) -> bool {
        let name = root.at(&["metadata", "name"]).and_then(Node::text);
        let name = name.unwrap_or_else(|| Spanned::new(String::new(), begin(root)));
        let metallb = items(root, &["spec", "addresses"]).iter().filter_map(Node::text);
        let mut ranges: Vec<_> = metallb.map(PoolRange::new).collect();
        for block in items(root, &["spec", "blocks"]).iter().chain(items(root, &["spec", "cidrs"]))
        {
            let text = |key| block.get(key).and_then(Node::text);
            if let Some(cidr) = text("cidr") {
                ranges.push(PoolRange::new(cidr));
            } else if let Some(start) = text("start") {
                let stop = text("stop").unwrap_or_else(|| start.clone());
                let joined = format!("{}-{}", start.value, stop.value);
                ranges.push(PoolRange::new(start.with(joined)));
            }
        }
        let whole = root.at(&["spec", "addresses"]).is_some();
        let cilium = root.get("kind").and_then(Node::str) == Some("CiliumLoadBalancerIPPool");
        self.model.address_pools.push(AddressPool { name, ranges, whole, cilium });
        true
    }

    /// PureLB's `ServiceGroup`, with pools of its own or by families.
    pub(super) fn service_group(&mut self, root: &Node) -> bool {
        let name = root.at(&["metadata", "name"]).and_then(Node::text);
        let name = name.unwrap_or_else(|| Spanned::new(String::new(), begin(root)));
        // Others give out what an address management elsewhere has.
        let Some(local) = root.at(&["spec", "local"]) else { return true };
        let single = ["v4pool", "v6pool"].into_iter().filter_map(|key| local.get(key));
        let lists = items(local, &["v4pools"]).iter().chain(items(local, &["v6pools"]));
        let pools = single.chain([local]).chain(lists);
        let ranges = pools.filter_map(|pool| pool.get("pool")?.text()).map(PoolRange::new);
        let ranges: Vec<_> = ranges.collect();
        if !ranges.is_empty() {
            self.model.address_pools.push(AddressPool { name, ranges, whole: true, cilium: false });
        }
        true
    }

    /// MetalLB's `L2Advertisement` and `BGPAdvertisement`.
    pub(super) fn advertisement(&mut self, root: &Node) -> bool {
        let pools = items(root, &["spec", "ipAddressPools"]).iter().filter_map(Node::text);
        self.model.advertisements.push(Advertisement { pools: pools.collect() });
        true
    }

    /// Webhooks of admission and of conversion, and aggregated APIs.
    pub(super) fn called(&mut self, root: &Node) -> bool {
        let webhooks = items(root, &["webhooks"]).iter();
        let services = webhooks.filter_map(|hook| hook.at(&["clientConfig", "service"]));
        // That of a CustomResourceDefinition converts objects between its versions.
        let conversion = root.at(&["spec", "conversion", "webhook", "clientConfig", "service"]);
        let services = services.chain(conversion);
        for service in services.chain(root.at(&["spec", "service"])) {
            let text = |key| service.get(key).and_then(Node::text);
            let Some(name) = text("name") else { continue };
            let full = match text("namespace") {
                Some(namespace) => format!("{}/{}", namespace.value, name.value),
                None => name.value.clone(),
            };
            self.model.called.push(CalledService { service: full, at: name.span });
        }
        true
    }
}
