//! Network policies that close one family and leave the other open.

use ipnet::IpNet;

use crate::lint::{
    model::{Block, Model, Peers, Policy, RangeEntry},
    rules::{
        Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
        documents::{cluster, documents},
    },
};

use super::blocks::{cluster_ranges, is_any, is_whole, policy};

/// A cluster of both families, and a policy of this kind with these lines of its `spec`.
macro_rules! denying {
    ($api:literal $kind:literal: $($line:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: ", $api, "\nkind: ", $kind, "\nmetadata:\n  name: web\nspec:\n",
                $("  ", $line, "\n"),*
            )
        )
    };
}

pub(crate) const EXCEPT_OF_ONE_FAMILY: Rule = Rule {
    code: "DS535",
    name: "policy-except-one-family",
    area: Area::Policies,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A network policy has exceptions from one family's addresses, and none from the \
              other's.",
    why: "In a dual-stack cluster, what is to be blocked usually has addresses of both families: Pods, nodes, \
         private networks. Exceptions from 0.0.0.0/0 don't restrict what ::/0 allows, and vice versa.",
    fix: "Write the exceptions of the other family too: private networks are fc00::/7 there.",
    sources: &["https://kubernetes.io/docs/concepts/services-networking/network-policies/"],
    enforced_by: &[EnforcedBy::Symptom("what is closed in one family is reached in the other")],
    good: &[
        Example::new(policy!(
            "egress:",
            "  - to:",
            "      - ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}",
            "      - ipBlock: {cidr: \"::/0\", except: [\"fc00::/7\"]}"
        )),
        // Link-local addresses, such as that of a cloud's metadata, are of IPv4 alone.
        Example::new(policy!(
            "egress:",
            "  - to:",
            "      - ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}",
            "      - ipBlock: {cidr: \"::/0\"}"
        )),
    ],
    bad: &[
        Example::new(policy!(
            "egress:",
            "  - to:",
            "      - ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 192.168.0.0/16]}",
            "      - ipBlock: {cidr: \"::/0\"}"
        )),
        Example::new(policy!(
            "ingress:",
            "  - from:",
            "      - ipBlock: {cidr: \"::/0\", except: [\"fd00::/8\"]}",
            "  - from:",
            "      - ipBlock: {cidr: 0.0.0.0/0}"
        )),
        Example::new(denying!(
            "cilium.io/v2" "CiliumNetworkPolicy":
            "endpointSelector: {}",
            "egress:",
            "  - toCIDRSet:",
            "      - {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}",
            "      - {cidr: \"::/0\"}"
        )),
    ],
    check: Check::Model(|model, out| {
        if model.told_families().len() > 1 {
            model.policies.iter().for_each(|policy| exceptions(policy, out));
        }
    }),
};

fn exceptions(policy: &Policy, out: &mut Findings) {
    for outgoing in [false, true] {
        let any = || in_direction(&policy.peers, outgoing).filter(|block| is_any(block));
        // One of the other family takes out nothing, which has a finding of its own.
        let takes = |block: &Block, own: &RangeEntry| {
            own.family() == block.cidr.family() && !is_link_local(own)
        };
        let with = any().find(|block| block.except.iter().any(|own| takes(block, own)));
        let Some(with) = with else { continue };
        let Some(family) = with.cidr.family() else { continue };
        // Another rule allows what the exceptions take out.
        if any().any(|block| block.cidr.family() == Some(family) && block.except.is_empty()) {
            continue;
        }
        let mut others = any().filter(|block| block.cidr.family() == Some(family.other()));
        let Some(bare) = others.next().filter(|block| block.except.is_empty()) else { continue };
        // One with exceptions beside it is a choice.
        if others.all(|other| other.except.is_empty()) {
            let other = family.other();
            let message = format!("this allows any {other} address, but not any {family} one");
            out.at(bare.cidr.text.span, message)
                .also(with.cidr.text.span, format!("{family} has exceptions"));
        }
    }
}

/// Whether a range is of addresses that are good on one network only.
fn is_link_local(entry: &RangeEntry) -> bool {
    entry.range.is_some_and(|range| match range {
        IpNet::V4(range) => range.network().is_link_local(),
        IpNet::V6(range) => range.network().is_unicast_link_local(),
    })
}

fn in_direction(lists: &[Peers], outgoing: bool) -> impl Iterator<Item = &Block> {
    let own = lists.iter().filter(move |peers| peers.outgoing == outgoing);
    own.flat_map(|peers| &peers.blocks)
}

pub(crate) const DENIED_OF_ONE_FAMILY: Rule = Rule {
    code: "DS536",
    name: "policy-deny-one-family",
    area: Area::Policies,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "An administrator's network policy denies the addresses of one family only.",
    why: "0.0.0.0/0 does not match IPv6 addresses, and neither do the cluster's IPv4 ranges. Pods that \
          the policy is meant to isolate still reach each other over the other family.",
    fix: "Deny the other family's addresses in the same way, or say in a rule that they are \
          allowed.",
    sources: &["https://network-policy-api.sigs.k8s.io/api-overview/"],
    enforced_by: &[EnforcedBy::Symptom("what is denied in one family is reached in the other")],
    good: &[
        Example::new(denying!(
            "cilium.io/v2" "CiliumClusterwideNetworkPolicy":
            "endpointSelector: {}",
            "egressDeny:",
            "  - toCIDR: [0.0.0.0/0]",
            "  - toCIDR: [\"::/0\"]"
        )),
        // A rule of the other family is a choice.
        Example::new(denying!(
            "projectcalico.org/v3" "GlobalNetworkPolicy":
            "selector: all()",
            "egress:",
            "  - {action: Deny, destination: {nets: [0.0.0.0/0]}}",
            "  - {action: Allow, destination: {nets: [\"2001:4860::/32\"]}}"
        )),
        // Cilium and Calico deny all else, too, once a policy denies something.
        Example::new(denying!(
            "cilium.io/v2" "CiliumClusterwideNetworkPolicy":
            "endpointSelector: {}",
            "egressDeny:",
            "  - toCIDRSet: [{cidr: 0.0.0.0/0}]"
        )),
        Example::new(denying!(
            "cilium.io/v2" "CiliumNetworkPolicy":
            "endpointSelector: {}",
            "ingressDeny:",
            "  - fromCIDR: [10.0.0.0/8]"
        )),
        Example::new(denying!(
            "projectcalico.org/v3" "GlobalNetworkPolicy":
            "selector: all()",
            "types: [Egress]",
            "egress:",
            "  - {action: Deny, destination: {nets: [10.244.0.0/16]}}"
        )),
        // A single address may have none beside it.
        Example::new(denying!(
            "cilium.io/v2" "CiliumNetworkPolicy":
            "endpointSelector: {}",
            "egressDeny:",
            "  - toCIDR: [169.254.169.254/32]"
        )),
    ],
    bad: &[
        Example::new(denying!(
            "policy.networking.k8s.io/v1alpha1" "AdminNetworkPolicy":
            "priority: 10",
            "subject: {namespaces: {}}",
            "egress:",
            "  - {action: Deny, to: [{networks: [0.0.0.0/0]}]}"
        )),
        Example::new(denying!(
            "policy.networking.k8s.io/v1alpha1" "BaselineAdminNetworkPolicy":
            "subject: {namespaces: {}}",
            "egress:",
            "  - {action: Deny, to: [{networks: [0.0.0.0/0]}]}"
        )),
    ],
    check: Check::Model(denied),
};

fn denied(model: &Model, out: &mut Findings) {
    if model.told_families().len() < 2 {
        return;
    }
    let ranges = cluster_ranges(model);
    for policy in model.policies.iter().filter(|policy| !policy.closes) {
        for outgoing in [false, true] {
            let denied = || in_direction(&policy.denied, outgoing);
            let other_policies = model.policies.iter().flat_map(|policy| &policy.denied);
            let beside = other_policies.filter(|peers| peers.outgoing == outgoing);
            let beside: Vec<&Block> = beside
                .flat_map(|peers| &peers.blocks)
                .chain(in_direction(&policy.peers, outgoing))
                .collect();
            for block in denied() {
                let Some(family) = block.cidr.family() else { continue };
                let other = family.other();
                if beside.iter().any(|block| block.cidr.family() == Some(other)) {
                    continue;
                }
                let (what, level) = if is_any(block) {
                    (format!("any {family} address"), Level::Warning)
                } else if is_whole(block, &ranges) {
                    (format!("the cluster's {family} addresses"), Level::Warning)
                } else if is_private(block) {
                    (format!("private {family} addresses"), Level::Note)
                } else {
                    continue;
                };
                let message = format!("this denies {what}, and no {other} one");
                out.at(block.cidr.text.span, message).level(level);
            }
        }
    }
}

/// Whether a block is one of the ranges for networks of one's own (RFC 1918, RFC 4193).
fn is_private(block: &Block) -> bool {
    let own = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fd00::/8"];
    let range = block.cidr.range.map(|range| range.trunc());
    range.is_some_and(|range| own.iter().any(|own| own.parse() == Ok(range)))
}
