//! The ranges of network policies.

use std::collections::HashSet;

use ipnet::IpNet;

use crate::{
    lint::{
        model::{Block, Model, Peers, read_ranges},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents, pool},
        },
    },
    net::{IpFamily, RangeRelation, relation},
};

const DOCS: &str = "https://kubernetes.io/docs/concepts/services-networking/network-policies/";

/// A cluster of both families, and a policy with these lines of its `spec`.
macro_rules! policy {
    ($($line:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: web\n",
                "spec:\n  podSelector: {}\n",
                $("  ", $line, "\n"),*
            )
        )
    };
}

pub(super) use policy;

const GOOD: Example = Example::new(policy!(
    "egress:",
    "  - to:",
    "      - ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}",
    "      - ipBlock: {cidr: \"::/0\", except: [\"fd00::/8\"]}"
));

pub(crate) const ANY_OF_ONE_FAMILY: Rule = Rule {
    code: "DS531",
    name: "policy-any-one-family",
    area: Area::Policies,
    level: Level::Note,
    versions: Versions::ALL,
    summary: "A network policy of a dual-stack cluster allows all addresses of one family only.",
    why: "0.0.0.0/0 is every IPv4 address, and none of IPv6, and so is the cluster's IPv4 pod range \
          every Pod's IPv4 address. Traffic of the other family stays blocked, which clients see as \
          a delay before they try the first again.",
    fix: "Allow ::/0 beside 0.0.0.0/0, or the cluster's range of each family, if both are meant.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("traffic of the other family is dropped")],
    good: &[GOOD],
    bad: &[
        Example::new(policy!("egress:", "  - to:", "      - ipBlock: {cidr: 0.0.0.0/0}")),
        Example::new(policy!("ingress:", "  - from:", "      - ipBlock: {cidr: 10.244.0.0/16}")),
        // The families are those that Cilium is told.
        Example::new(documents!(
            "\
ipv4: {enabled: true}
ipv6: {enabled: true}
kubeProxyReplacement: true
",
            "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
spec:
  podSelector: {}
  ingress:
    - from:
        - ipBlock: {cidr: 0.0.0.0/0}
"
        )),
        // Those of Calico's pools.
        Example::new(documents!(
            pool!("v4" = "10.244.0.0/16\n  natOutgoing: true"),
            pool!("v6" = "fd00:10:244::/56\n  natOutgoing: true"),
            "\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: web
spec:
  selector: all()
  types: [Egress]
  egress:
    - action: Allow
      destination: {nets: [\"::/0\"]}
"
        )),
    ],
    check: Check::Model(any_of_one_family),
};

pub(super) fn is_any(block: &Block) -> bool {
    block.cidr.range.is_some_and(|range| range.prefix_len() == 0)
}

/// Whether a block holds all of the Pods' or the Services' addresses of its family.
pub(super) fn is_whole(block: &Block, ranges: &[IpNet]) -> bool {
    block.cidr.range.is_some_and(|block| {
        let block = block.trunc();
        ranges.iter().any(|range| {
            matches!(relation(range, &block), RangeRelation::Equal | RangeRelation::Within)
        })
    })
}

/// The ranges of the cluster's Pods and Services.
pub(super) fn cluster_ranges(model: &Model) -> Vec<IpNet> {
    let lists = model.pod_lists().into_iter().chain(model.service_lists());
    read_ranges(lists).into_iter().map(|(_, _, range)| range).collect()
}

fn any_of_one_family(model: &Model, out: &mut Findings) {
    if model.told_families().len() < 2 {
        return;
    }
    let ranges = cluster_ranges(model);
    for policy in &model.policies {
        let allowed: HashSet<(bool, IpFamily)> = policy
            .peers
            .iter()
            .flat_map(|peers| peers.blocks.iter().map(|block| (peers.outgoing, block)))
            .filter_map(|(outgoing, block)| Some((outgoing, block.cidr.family()?)))
            .collect();
        for Peers { outgoing, blocks } in &policy.peers {
            let has = |family| allowed.contains(&(*outgoing, family));
            let wide = |block: &&Block| is_any(block) || is_whole(block, &ranges);
            for block in blocks.iter().filter(wide) {
                let Some(family) = block.cidr.family() else { continue };
                let other = family.other();
                // What is allowed of the other family, be it a part of it or by a rule of its own,
                // is a choice.
                if has(other) {
                    continue;
                }
                let missing = match other {
                    IpFamily::V4 => "0.0.0.0/0",
                    IpFamily::V6 => "::/0",
                };
                if is_any(block) {
                    let message = format!("this allows any {family} address, and no {other} one");
                    out.at(block.cidr.text.span, message)
                        .fix(format!("add an entry for {missing} if {other} is meant too"));
                } else {
                    let message =
                        format!("this allows the cluster's {family} addresses, and no {other} one");
                    out.at(block.cidr.text.span, message)
                        .fix(format!("add the cluster's {other} range if it is meant too"));
                }
            }
        }
    }
}

pub(crate) const EXCEPT: Rule = Rule {
    code: "DS532",
    name: "policy-except-outside",
    area: Area::Policies,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "An exception of a network policy is not within its range.",
    why: "`except` takes a part out of `cidr`. One of the other family, or outside of it, takes out \
          nothing, and the API server rejects it.",
    fix: "Write the exception below the range that it is a part of.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Refused { by: "the API server", how: "rejects the policy" }],
    good: &[GOOD],
    bad: &[
        Example::new(policy!(
            "egress:",
            "  - to:",
            "      - ipBlock: {cidr: 0.0.0.0/0, except: [\"fd00::/8\"]}",
            "      - ipBlock: {cidr: \"::/0\"}"
        )),
        Example::new(policy!(
            "egress:",
            "  - to:",
            "      - ipBlock: {cidr: 172.16.0.0/12, except: [192.168.0.0/16]}"
        )),
    ],
    check: Check::Model(|model, out| {
        let policies = model.policies.iter();
        let peers = policies.flat_map(|policy| policy.peers.iter().chain(&policy.denied));
        for block in peers.flat_map(|peers| &peers.blocks) {
            let Some(range) = block.cidr.range else { continue };
            for except in &block.except {
                let Some(part) = except.range else { continue };
                let family = IpFamily::of_range(&part);
                let message = if family != IpFamily::of_range(&range) {
                    format!("an {family} exception of {range}")
                } else if !range.trunc().contains(&part.trunc())
                    || range.prefix_len() >= part.prefix_len()
                {
                    format!("{part} is not a part of {range}")
                } else {
                    continue;
                };
                out.at(except.text.span, message).also(block.cidr.text.span, "range");
            }
        }
    }),
};
