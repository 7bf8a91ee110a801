//! What a cluster lacks to be dual-stack.

use crate::{
    lint::model::{Model, NodeObject, Owner, RangeList, Service},
    net::IpFamily,
};

use super::ranges;

/// What a cluster has, and what it lacks.
#[derive(Debug)]
pub(super) struct Gaps<'m> {
    /// The family that it has had from the beginning, which stays the first one.
    pub(super) first: IpFamily,
    /// Whether the Pods have no range of the other family.
    pub(super) pods: bool,
    /// Whether the Services have no range of the other family.
    pub(super) services: bool,
    /// Whether kube-proxy knows no pod range of the other family, though it knows one.
    pub(super) proxy: bool,
    /// The pod ranges that the cluster is to have.
    pub(super) pod_ranges: String,
    /// The Service ranges that the cluster is to have.
    pub(super) service_ranges: String,
    /// Nodes without an InternalIP of the other family.
    pub(super) without_address: Vec<&'m NodeObject>,
    /// Nodes without a pod range of the other family.
    pub(super) without_range: Vec<&'m NodeObject>,
    /// Services of one family that could have two.
    pub(super) single: Vec<&'m Service>,
}

impl Gaps<'_> {
    /// The family that is to be added.
    pub(super) const fn other(&self) -> IpFamily {
        self.first.other()
    }

    /// Whether everything has both families. Services of one family are a choice.
    pub(super) const fn is_nothing(&self) -> bool {
        !self.pods
            && !self.services
            && !self.proxy
            && self.without_address.is_empty()
            && self.without_range.is_empty()
    }

    /// The cluster of a tool in a sentence.
    pub(super) fn describe(&self, model: &Model, tool: &str) -> String {
        let version = model.version().map(|version| format!(" {version}")).unwrap_or_default();
        let list = |noun: &str, list: Option<&RangeList>| match list {
            Some(list) => format!("{noun} {}", list.text.value),
            None => format!("{noun} not known"),
        };
        let pods = list("pod range", model.pods());
        let services = list("Service range", model.services());
        let one = |families: Vec<IpFamily>| match families[..] {
            [only] => only,
            _ => self.first,
        };
        let (of_pods, of_services) = (one(model.pod_families()), one(model.service_families()));
        let families = match (self.pods, self.services) {
            (false, false) => "IPv4 and IPv6".to_owned(),
            (true, true) if of_pods == of_services => format!("{of_pods} only"),
            (true, true) => format!("Pods of {of_pods} and Services of {of_services} only"),
            (true, false) => format!("Pods of {of_pods} only"),
            (false, true) => format!("Services of {of_services} only"),
        };
        let count = model.node_objects.len();
        let nodes = if count == 0 { String::new() } else { format!(", {count} nodes") };
        format!("Kubernetes{version} by {tool}{nodes}: {families}; {pods}; {services}")
    }
}

/// What a cluster lacks, or nothing where no document says what families it has.
pub(super) fn lacks(model: &Model) -> Option<Gaps<'_>> {
    let mut of_services = model.service_families();
    if of_services.is_empty() {
        // A provider shows no ranges, but the API server's own Service has an address.
        let own = model.services.iter().find(|service| service.name == "default/kubernetes");
        let addresses = own.into_iter().flat_map(|service| &service.cluster_ips);
        of_services.extend(addresses.filter_map(|address| address.family()));
    }
    let mut of_pods = model.pod_families();
    if of_pods.is_empty() {
        let nodes = model.node_objects.iter().flat_map(|node| &node.pod_cidrs);
        of_pods.extend(nodes.filter_map(|range| range.family()));
    }
    if of_pods.is_empty() {
        of_pods.clone_from(&of_services);
    }
    let first = of_services.first().or(of_pods.first()).copied()?;
    let other = first.other();
    let has = |families: &[IpFamily]| IpFamily::ALL.iter().all(|own| families.contains(own));
    // A flag of the component itself counts more than what its tool is told.
    let overridden = |lists: Vec<&RangeList>| {
        let flag =
            |list: &&&RangeList| matches!(list.owner, Owner::ApiServer | Owner::ControllerManager);
        lists.iter().filter(flag).any(|list| is_single(list))
    };
    let without = |has: fn(&NodeObject) -> Vec<IpFamily>| -> Vec<&NodeObject> {
        let nodes = model.node_objects.iter();
        nodes.filter(|node| !has(node).contains(&other)).collect()
    };
    let addresses = |node: &NodeObject| {
        node.internal_ips.iter().filter_map(|address| address.family()).collect::<Vec<_>>()
    };
    let pod_ranges = |node: &NodeObject| {
        node.pod_cidrs.iter().filter_map(|range| range.family()).collect::<Vec<_>>()
    };
    let mut without_range = without(pod_ranges);
    // A plugin may give Pods addresses of its own; a Node without any range is nobody's to mend.
    without_range.retain(|node| !node.pod_cidrs.is_empty());
    let single = model.services.iter().filter(|service| {
        let kind = service.kind.as_ref().map_or("ClusterIP", |kind| kind.value.as_str());
        kind != "ExternalName" && service.families.len() < 2 && service.cluster_ips.len() < 2
    });
    let mut single: Vec<_> = single.collect();
    // The API server's own Service has the address of the first family, whatever happens.
    single.retain(|service| service.name != "default/kubernetes");
    Some(Gaps {
        first,
        pods: !has(&of_pods) || overridden(model.pod_lists()),
        services: !has(&of_services) || overridden(model.service_lists()),
        proxy: model.proxy_lists().iter().any(|list| is_single(list)),
        pod_ranges: ranges::both(model, model.pods(), first, ranges::Use::Pods),
        service_ranges: ranges::both(model, model.services(), first, ranges::Use::Services),
        without_address: without(addresses),
        without_range,
        single,
    })
}

/// Whether a list has ranges, but not of both families.
pub(super) fn is_single(list: &RangeList) -> bool {
    let families = list.families();
    let both = IpFamily::ALL.iter().all(|family| families.contains(family));
    !list.is_template() && !families.is_empty() && !both
}
