//! What the facts show that is worth knowing and breaks no promise: other people's pods and Services
//! that a conversion left with one family, and addresses that may surprise.

use super::{World, target, words};
use crate::{facts::Sample, net::IpFamily};

/// Sentences for the operator, each with its next step.
pub fn notices(world: World<'_>) -> Vec<String> {
    let dual = world.suite.families.len() > 1;
    let mut notices: Vec<String> =
        if dual { pods(world).into_iter().chain(services(world)).collect() } else { Vec::new() };
    notices.extend(IpFamily::ALL.into_iter().filter_map(|family| several(world, family)));
    notices.extend(empty_groups(world));
    notices.extend(stale(world));
    notices.extend(target::notices(world));
    notices
}

/// Groups of nodes to which no node belongs.
fn empty_groups(world: World<'_>) -> Vec<String> {
    let Some(nodes) = world.facts.nodes.known() else { return Vec::new() };
    let mut groups: Vec<&str> =
        world.suite.node_groups.iter().map(|group| group.name.as_str()).collect();
    for node in nodes {
        let of = world.suite.group_of(&node.labels).map(|group| group.name.as_str());
        groups.retain(|name| Some(*name) != of);
    }
    let said = groups.into_iter().map(|name| {
        format!("no node belongs to the node group {name} of the suite; see `kubectl get nodes --show-labels`")
    });
    said.collect()
}

/// Components of the control plane that nobody leads any more.
fn stale(world: World<'_>) -> Vec<String> {
    let leases = world.facts.leases.known().into_iter().flatten();
    leases
        .filter(|lease| lease.is_stale())
        .map(|lease| {
            format!(
                "{} has not renewed its Lease for {} s: it has stopped, or can't reach the API server, and new \
                 objects are not processed; see `kubectl -n kube-system get lease {} -o yaml`",
                lease.component,
                lease.silent_seconds.unwrap_or_default(),
                lease.component
            )
        })
        .collect()
}

/// Pods that are older than the cluster's second family.
fn pods(world: World<'_>) -> Vec<String> {
    let Some(pods) = world.facts.pods.known() else { return Vec::new() };
    let seen = if pods.more { format!(" of the {} looked at", pods.seen) } else { String::new() };
    let single = pods.single_stack.iter();
    single
        .map(|(family, sample)| {
            format!(
                "{}{seen} {} {family} only ({}): a pod keeps the addresses that it was made with; \
                 restart those that are older than the cluster's other family, found with `kubectl \
                 get pods -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,\
                 CREATED:.metadata.creationTimestamp,IPS:.status.podIPs[*].ip,\
                 HOST:.spec.hostNetwork | grep -v ,`",
                words::count(sample.count, "running pod"),
                has(sample),
                some(sample),
            )
        })
        .collect()
}

/// Services that were made for both families and have one.
fn services(world: World<'_>) -> Vec<String> {
    let Some(services) = world.facts.services.known() else { return Vec::new() };
    let columns = "kubectl get services -A -o custom-columns=NAMESPACE:.metadata.namespace,\
                   NAME:.metadata.name,POLICY:.spec.ipFamilyPolicy,IPS:.spec.clusterIPs";
    let half = Some(&services.half_dual).filter(|sample| sample.count > 0).map(|sample| {
        format!(
            "{} {} a dual-stack ipFamilyPolicy and one ClusterIP ({}): an update of the Service, even \
             an annotation, lets the API server add the other; see `{columns}`",
            words::count(sample.count, "Service"),
            has(sample),
            some(sample)
        )
    });
    let without = Some(&services.without_families).filter(|sample| sample.count > 0);
    let without = without.map(|sample| {
        format!(
            "{} {} no ipFamilies ({}), as Services from before Kubernetes 1.20 do: clients that read \
             the field find no family; an update of the Service fills it in",
            words::count(sample.count, "Service"),
            has(sample),
            some(sample)
        )
    });
    half.into_iter().chain(without).collect()
}

/// Nodes with several InternalIPs of a family.
fn several(world: World<'_>, family: IpFamily) -> Option<String> {
    let nodes = world.facts.nodes.known()?;
    let several: Vec<&str> = nodes
        .iter()
        .filter(|node| node.internal_ips(family).count() > 1)
        .map(|node| node.name.as_str())
        .collect();
    let first = several.first()?;
    let which = match several.len() {
        1 => format!("node {first} has"),
        more => format!("{} have (first {first})", words::count(more, "node")),
    };
    Some(format!(
        "{which} several {family} InternalIPs: Kubernetes uses the first of them for host-network \
         pods and status.hostIPs, and the others may not answer NodePorts"
    ))
}

const fn has(sample: &Sample) -> &'static str {
    if sample.count == 1 { "has" } else { "have" }
}

/// The names that are known, and how many more there are.
fn some(sample: &Sample) -> String {
    let more = sample.count - sample.first.len().min(sample.count);
    let more = (more > 0).then(|| format!("{more} more"));
    words::list(sample.first.iter().cloned().chain(more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, NodeAddress, Pods, Services},
        lab::Lab,
    };

    fn known<T>(value: T) -> Fact<T> {
        Fact::Known { value, source: "the lab".to_owned() }
    }

    #[test]
    fn a_healthy_cluster_has_nothing_to_be_told() {
        assert_eq!(notices(Lab::dual().world()), Vec::<String>::new());
    }

    #[test]
    fn pods_and_services_that_a_conversion_left_behind_are_named_with_a_command() {
        let sample = Sample { count: 7, first: vec!["shop/a".to_owned(), "shop/b".to_owned()] };
        let lab = Lab::dual().changed(|lab| {
            let single_stack = [(IpFamily::V4, sample.clone())].into();
            lab.facts.pods = known(Pods { seen: 20, more: false, single_stack });
            lab.facts.services = known(Services { half_dual: sample, ..Services::default() });
        });
        let told = notices(lab.world());
        assert_eq!(told.len(), 2);
        let first = "7 running pods have IPv4 only (shop/a, shop/b and 5 more): ";
        assert!(told[0].starts_with(first) && told[0].contains("`kubectl get pods"), "{}", told[0]);
        let second = "7 Services have a dual-stack ipFamilyPolicy and one ClusterIP (shop/a, ";
        assert!(told[1].starts_with(second) && told[1].contains("`kubectl get"), "{}", told[1]);
        // One family is what such a cluster is to have.
        assert_eq!(notices(lab.under("single-stack-ipv4").world()), Vec::<String>::new());
    }

    #[test]
    fn a_component_that_nobody_leads_is_told_at_once() {
        let lab = Lab::dual().changed(|lab| {
            let Fact::Known { value, .. } = &mut lab.facts.leases else { panic!("no leases") };
            value[1].silent_seconds = Some(31);
        });
        let told = notices(lab.world());
        assert_eq!(told.len(), 1);
        let start = "kube-scheduler has not renewed its Lease for 31 s";
        assert!(told[0].starts_with(start), "{}", told[0]);
    }

    #[test]
    fn a_second_internal_ip_of_a_family_is_told() {
        let lab = Lab::dual().changed(|lab| {
            let address = NodeAddress { kind: "InternalIP".into(), address: "192.168.9.2".into() };
            lab.node("n2").addresses.push(address);
        });
        let told = notices(lab.world());
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("node n2 has several IPv4 InternalIPs"), "{}", told[0]);
    }
}
