//! What several documents say together, for rules that hold them against each other.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{lint::source::Spanned, net::IpFamily};

use super::{
    Component, ComponentName, Installation, Model, Owner, RangeEntry, RangeList, Service, Version,
};

/// The newest version of Kubernetes whose behaviour the rules were written for; assumed where
/// nothing says which version it is.
pub const CURRENT: Version = Version::v1(36);

impl Service {
    /// The value of an annotation that a provider of load balancers reads.
    pub fn annotation(&self, name: &str) -> Option<&Spanned<String>> {
        self.annotations.iter().find(|own| own.name.value == name).map(|own| &own.value)
    }

    /// Whether it is of type ExternalName: another name in DNS, and nothing else.
    pub fn is_external_name(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| kind.value == "ExternalName")
    }
}

impl Model {
    /// Kubernetes' version: what the user says, else the lowest that the documents name.
    pub fn version(&self) -> Option<Version> {
        let named = || self.versions.iter().map(|version| version.value).min();
        self.asked.version.or_else(named)
    }

    /// Services other than those of type ExternalName, which have neither families nor addresses.
    pub fn services_with_families(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(|service| !service.is_external_name())
    }

    /// Kubernetes' version, or the current one where nothing says.
    pub fn version_or_current(&self) -> Version {
        self.version().unwrap_or(CURRENT)
    }

    /// Every list of pod ranges except kube-proxy's, the most authoritative first.
    pub fn pod_lists(&self) -> Vec<&RangeList> {
        let mut lists: Vec<&RangeList> = Vec::new();
        lists.extend(self.clusters.iter().filter_map(|cluster| cluster.pods.as_ref()));
        lists.extend(self.kinds.iter().filter_map(|kind| kind.pods.as_ref()));
        lists.extend(self.install_lists(|install| install.pods.as_ref()));
        lists.extend(self.component_lists(Owner::ControllerManager, "--cluster-cidr"));
        given(lists)
    }

    /// Every list of Service ranges, the most authoritative first.
    pub fn service_lists(&self) -> Vec<&RangeList> {
        let mut lists: Vec<&RangeList> = Vec::new();
        lists.extend(self.clusters.iter().filter_map(|cluster| cluster.services.as_ref()));
        lists.extend(self.kinds.iter().filter_map(|kind| kind.services.as_ref()));
        lists.extend(self.install_lists(|install| install.services.as_ref()));
        lists.extend(self.component_lists(Owner::ApiServer, "--service-cluster-ip-range"));
        lists.extend(&self.service_cidrs);
        lists.extend(self.component_lists(Owner::ControllerManager, "--service-cluster-ip-range"));
        let mut lists = given(lists);
        if lists.is_empty() {
            lists.extend(self.assumed_services.first());
        }
        lists
    }

    /// Every list of ranges, kube-proxy's included.
    pub fn range_lists(&self) -> Vec<&RangeList> {
        let mut lists = self.pod_lists();
        lists.extend(self.service_lists());
        lists.extend(self.proxy_lists());
        lists
    }

    /// kube-proxy's `clusterCIDR`s.
    pub fn proxy_lists(&self) -> Vec<&RangeList> {
        let mut lists: Vec<&RangeList> = Vec::new();
        lists.extend(self.proxies.iter().filter_map(|proxy| proxy.cluster_cidr.as_ref()));
        lists.extend(self.component_lists(Owner::Proxy, "--cluster-cidr"));
        lists
    }

    /// The lists that tools are told.
    fn install_lists(
        &self,
        list: impl Fn(&Installation) -> Option<&RangeList>,
    ) -> impl Iterator<Item = &RangeList> {
        self.installs.iter().filter_map(list)
    }

    fn component_lists(
        &self,
        owner: Owner,
        field: &'static str,
    ) -> impl Iterator<Item = &RangeList> {
        let all = self.components.iter().flat_map(|component| &component.ranges);
        all.filter(move |list| list.owner == owner && list.field == field)
    }

    /// The cluster's pod ranges.
    pub fn pods(&self) -> Option<&RangeList> {
        self.pod_lists().into_iter().next()
    }

    /// The cluster's Service ranges.
    pub fn services(&self) -> Option<&RangeList> {
        self.service_lists().into_iter().next()
    }

    /// The families of the Pods in order, from their ranges or from kind's `ipFamily`.
    pub fn pod_families(&self) -> Vec<IpFamily> {
        match self.pods() {
            // A template may fill in a range of any family.
            Some(list) if list.is_template() => Vec::new(),
            Some(list) => list.families(),
            None => self.kind_families(),
        }
    }

    /// The families of the Services in order, from their ranges or from kind's `ipFamily`.
    pub fn service_families(&self) -> Vec<IpFamily> {
        match self.services() {
            // A range that was added to the API has a ServiceCIDR object of its own.
            Some(list) if list.owner == Owner::ServiceCidr => {
                let mut families = Vec::new();
                for family in self.service_cidrs.iter().flat_map(RangeList::families) {
                    if !families.contains(&family) {
                        families.push(family);
                    }
                }
                families
            }
            Some(list) if list.is_template() => Vec::new(),
            Some(list) => list.families(),
            None => self.kind_families(),
        }
    }

    fn kind_families(&self) -> Vec<IpFamily> {
        let Some(kind) = self.kinds.first() else { return Vec::new() };
        match kind.family.as_ref().map(|family| family.value.as_str()) {
            Some("dual") => IpFamily::ALL.to_vec(),
            Some("ipv6") => vec![IpFamily::V6],
            _ => vec![IpFamily::V4],
        }
    }

    /// Whether the Pods have both families; nothing if no document says.
    pub fn is_dual(&self) -> Option<bool> {
        match self.pod_families().len() {
            0 => None,
            families => Some(families > 1),
        }
    }

    /// The families of the Pods by their ranges; where no document gives any, both if a network plugin
    /// is told to give Pods both. One family of a plugin's may be a part of what it is told.
    pub fn told_families(&self) -> Vec<IpFamily> {
        let families = self.pod_families();
        let ranges = !self.pod_lists().is_empty() || !self.kinds.is_empty();
        if !ranges && (self.cilium_is_dual() || self.calico_is_dual()) {
            return IpFamily::ALL.to_vec();
        }
        families
    }

    /// Whether Cilium's IPv6 is turned on somewhere and none of its families is turned off anywhere.
    fn cilium_is_dual(&self) -> bool {
        let sets = |name: &str, value: &str| {
            let mut all = self.cilium.iter().filter_map(|cilium| cilium.settings.get(name));
            all.any(|text| text.value == value)
        };
        sets("enable-ipv6", "true")
            && !sets("enable-ipv6", "false")
            && !sets("enable-ipv4", "false")
    }

    /// Whether Calico has pools of both families in use.
    fn calico_is_dual(&self) -> bool {
        let used = || self.pools.iter().filter(|pool| !pool.disabled && !pool.assumed);
        let has = |family| used().any(|pool| pool.cidr.family() == Some(family));
        IpFamily::ALL.into_iter().all(has)
    }

    /// How many nodes the documents list, and where the first of them are: those of the tools that
    /// list them, or those of kubeadm's that differ by their name or address.
    pub fn node_count(&self) -> Option<Spanned<u64>> {
        let mut lists = self.listed_nodes.clone();
        // Machines of several clusters take ranges of several.
        if let [cluster] = &self.capi_clusters[..] {
            let own = self.capi_nodes.iter().filter(|(of, _)| of == cluster || of.is_none());
            lists.extend(own.map(|(_, count)| count.clone()));
        }
        if let Some(first) = lists.first() {
            let sum = lists.iter().fold(0, |sum: u64, list| sum.saturating_add(list.value));
            return Some(first.with(sum));
        }
        let own = self.nodes.iter().filter(|node| node.tool.is_none());
        let mut known: Vec<_> = own
            .filter_map(|node| {
                let name = node.name.as_ref().map(|name| name.value.as_str());
                let address = node.node_ip.as_ref().map(|list| list.text.value.as_str());
                Some((name.or(address)?, node.at))
            })
            .collect();
        let last = known.last()?.1;
        known.sort_by_key(|(name, _)| *name);
        known.dedup_by_key(|(name, _)| *name);
        Some(Spanned::new(u64::try_from(known.len()).ok()?, last))
    }

    /// The addresses of nodes that any document names, with how to speak of each.
    pub fn node_addresses(&self) -> Vec<(&Spanned<String>, IpAddr, &'static str)> {
        let mut all = Vec::new();
        for node in &self.nodes {
            let entries = node.node_ip.iter().flat_map(|list| &list.entries);
            all.extend(entries.filter_map(|entry| Some((&entry.text, entry.ip?, "node-ip"))));
            let advertise = node.advertise.iter();
            all.extend(
                advertise
                    .filter_map(|address| Some((&address.text, address.ip?, "advertiseAddress"))),
            );
        }
        for node in &self.node_objects {
            let addresses = node.internal_ips.iter();
            all.extend(addresses.filter_map(|entry| Some((&entry.text, entry.ip?, "InternalIP"))));
        }
        all.retain(|(_, ip, _)| !ip.is_unspecified());
        all
    }

    /// The flags of a component, wherever they are given.
    pub fn components(&self, name: ComponentName) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(move |component| component.name == name)
    }

    /// The prefix length of each node's pod range in a family, and where it is set if it is: the
    /// controller manager's flags, what a tool sets them to, or the defaults (24 and 64).
    pub fn node_mask(&self, family: IpFamily) -> (u8, Option<&Spanned<String>>) {
        let own = match family {
            IpFamily::V4 => "node-cidr-mask-size-ipv4",
            IpFamily::V6 => "node-cidr-mask-size-ipv6",
        };
        // 1.16 had one length for both families.
        let single = self.is_dual() != Some(true) || self.version_or_current() < Version::v1(17);
        let flag = self.components(ComponentName::ControllerManager).find_map(|component| {
            let common = || component.args.get("node-cidr-mask-size").filter(|_| single);
            component.args.get(own).or_else(common)
        });
        let default = match family {
            IpFamily::V4 => 24,
            IpFamily::V6 => self.derived_node_mask().unwrap_or(64),
        };
        let mut masks = self.installs.iter().flat_map(|install| &install.masks);
        let tool = masks.rfind(|mask| mask.family == family);
        match (flag, tool) {
            (None, Some(mask)) => (mask.length, mask.set.as_ref()),
            _ => (flag.and_then(|text| text.value.parse().ok()).unwrap_or(default), flag),
        }
    }

    /// The IPv6 node mask that kubeadm derived from the pod range before 1.20, to leave room for up
    /// to 65,536 nodes: a multiple of eight (`calcNodeCidrSize`).
    fn derived_node_mask(&self) -> Option<u8> {
        let old = self.version_or_current() < Version::v1(20) && !self.clusters.is_empty();
        let pods = self.pods().filter(|_| old)?;
        let (_, range) = pods.ranges().find(|(_, range)| range.addr().is_ipv6())?;
        Some(match range.prefix_len() {
            112 => 120,
            length if length < 112 => 128 - ((127 - length) / 8 - 1) * 8,
            length => length,
        })
    }

    /// Whether nodes get pod ranges from the controller manager at all.
    pub fn allocates_node_ranges(&self) -> bool {
        !self.no_node_ranges
            && !self.components(ComponentName::ControllerManager).any(|component| {
                component.args.get("allocate-node-cidrs").is_some_and(|text| text.value == "false")
            })
    }
}

/// The lists that documents give; a tool's default only where none does, be it by a component's flag.
fn given(mut lists: Vec<&RangeList>) -> Vec<&RangeList> {
    if lists.iter().any(|list| !list.assumed) {
        lists.retain(|list| !list.assumed);
    }
    lists
}

/// The ranges of some lists that could be read.
pub fn read_ranges<'a>(
    lists: impl IntoIterator<Item = &'a RangeList>,
) -> Vec<(&'a RangeList, &'a RangeEntry, IpNet)> {
    let lists = lists.into_iter();
    lists.flat_map(|list| list.ranges().map(move |(entry, range)| (list, entry, range))).collect()
}
