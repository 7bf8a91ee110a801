//! What Calico does for IPv4 pools only, and what it needs to be told for IPv6 ones.

use crate::{
    lint::{
        model::{CalicoNode, Model, RangeEntry},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{calico_node, pool},
        },
        source::Spanned,
    },
    net::IpFamily,
};

const DOCS: &str = "https://docs.tigera.io/calico/latest/reference/resources/ippool";
const AGENT: &str = "https://docs.tigera.io/calico/latest/reference/configure-calico-node";
const GOOD: Example = Example::new(concat!(
    pool!("v6" = "fd00:10:244::/56"),
    "  ipipMode: Never\n  blockSize: 122\n"
));

pub(crate) const IPIP: Rule = Rule {
    code: "DS607",
    name: "calico-ipip-ipv6",
    area: Area::Calico,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "An IPv6 pool of Calico uses IP-in-IP.",
    why: "Calico's IP-in-IP encapsulation exists for IPv4 only, and Calico rejects the pool.",
    fix: "Set ipipMode to Never, and use VXLAN or BGP without encapsulation.",
    sources: &[DOCS, "https://github.com/projectcalico/calicoctl/issues/1526"],
    enforced_by: &[EnforcedBy::Refused {
        by: "calicoctl and the operator",
        how: "reject the pool",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(concat!(pool!("v6" = "fd00:10:244::/56"), "  ipipMode: Always\n")),
        Example::new(
            "\
apiVersion: operator.tigera.io/v1
kind: Installation
metadata:
  name: default
spec:
  calicoNetwork:
    ipPools:
      - cidr: fd00:10:244::/56
        encapsulation: IPIPCrossSubnet
",
        ),
    ],
    check: Check::Model(|model, out| {
        for pool in model.pools.iter().filter(|pool| pool.cidr.family() == Some(IpFamily::V6)) {
            let Some(mode) = &pool.encapsulation else { continue };
            if matches!(mode.value.as_str(), "Always" | "CrossSubnet" | "IPIP" | "IPIPCrossSubnet")
            {
                let text = &pool.cidr.text.value;
                out.at(mode.span, format!("IP-in-IP does not exist for the IPv6 pool {text}"))
                    .also(pool.cidr.text.span, "IPv6 pool");
            }
        }
    }),
};

pub(crate) const BLOCK_SIZE: Rule = Rule {
    code: "DS608",
    name: "calico-block-size",
    area: Area::Calico,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A Calico pool's block size is out of bounds, or larger than the pool.",
    why: "Blocks of IPv4 pools are a /20 to a /32, of IPv6 pools a /116 to a /128, and at least \
          one block must fit into the pool. Calico rejects others.",
    fix: "Leave blockSize out (26 for IPv4, 122 for IPv6), or choose one within the bounds.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Refused {
        by: "calicoctl and the operator",
        how: "reject the pool",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(concat!(pool!("v6" = "fd00:10:244::/56"), "  blockSize: 26\n")),
        Example::new(concat!(pool!("v4" = "10.244.0.0/24"), "  blockSize: 22\n")),
        Example::new(calico_node!(
            CALICO_IPV6POOL_CIDR = "2001:db8:10:244::/56",
            CALICO_IPV6POOL_BLOCK_SIZE = "\"64\""
        )),
    ],
    check: Check::Model(|model, out| {
        for pool in &model.pools {
            block_size(pool.block_size.as_ref(), &pool.cidr, !pool.disabled, out);
        }
        for node in &model.calico_nodes {
            for name in ["CALICO_IPV4POOL", "CALICO_IPV6POOL"] {
                let get = |part: &str| node.get(&format!("{name}_{part}"));
                let size = get("BLOCK_SIZE")
                    .and_then(|text| Some(text.with(text.value.parse::<u64>().ok()?)));
                let (Some(size), Some(pool)) = (size, get("CIDR")) else { continue };
                block_size(Some(&size), &RangeEntry::new(pool.clone()), true, out);
            }
        }
    }),
};

fn block_size(size: Option<&Spanned<u64>>, pool: &RangeEntry, used: bool, out: &mut Findings) {
    let Some(range) = pool.range else { return };
    let family = IpFamily::of_range(&range);
    let (first, last, default) = match family {
        IpFamily::V4 => (20, 32, 26),
        IpFamily::V6 => (116, 128, 122),
    };
    let Some(size) = size else {
        if range.prefix_len() > default && used {
            let message = format!("{range} is smaller than a block, which is a /{default}");
            let length = range.prefix_len();
            out.at(pool.text.span, message).fix(format!("set blockSize: {length}"));
        }
        return;
    };
    let message = if size.value < first || size.value > last {
        format!("the blocks of an {family} pool are a /{first} to a /{last}")
    } else if size.value < u64::from(range.prefix_len()) {
        format!("a /{} block does not fit into the pool {range}", size.value)
    } else {
        return;
    };
    out.at(size.span, message).also(pool.text.span, "pool");
}

pub(crate) const NO_MASQUERADE: Rule = Rule {
    code: "DS609",
    name: "calico-ipv6-masquerade",
    area: Area::Calico,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Calico masquerades IPv4 traffic to the outside, but not that of a unique local IPv6 pool.",
    why: "The Internet has no route back to unique local addresses (fc00::/7). Without masquerading \
          such Pods reach nothing outside over IPv6. Calico's default is on for IPv4 and off for \
          IPv6.",
    fix: "Set natOutgoing on the IPv6 pool (CALICO_IPV6POOL_NAT_OUTGOING for calico-node), or give \
          Pods addresses that are routed.",
    sources: &[AGENT, DOCS, "https://www.rfc-editor.org/rfc/rfc4193"],
    enforced_by: &[EnforcedBy::Symptom("Pods reach nothing outside the cluster over IPv6")],
    good: &[
        GOOD,
        Example::new(calico_node!(
            IP6 = "autodetect",
            CALICO_IPV6POOL_CIDR = "fd00:10:244::/56",
            CALICO_IPV6POOL_NAT_OUTGOING = "\"true\""
        )),
    ],
    bad: &[
        Example::new(calico_node!(
            IP6 = "autodetect",
            CALICO_IPV4POOL_CIDR = "10.244.0.0/16",
            CALICO_IPV6POOL_CIDR = "fd00:10:244::/56"
        )),
        Example::new(concat!(
            pool!("v4" = "10.244.0.0/16"),
            "  natOutgoing: true\n---\n",
            pool!("v6" = "fd00:10:244::/56"),
        )),
    ],
    check: Check::Model(|model, out| {
        let message = |text: &str| {
            format!("traffic from the unique local pool {text} to the outside is not masqueraded")
        };
        for node in &model.calico_nodes {
            let Some(pool) = node.get("CALICO_IPV6POOL_CIDR") else { continue };
            if is_on(node, "CALICO_IPV6POOL_NAT_OUTGOING", false)
                || !is_on(node, "CALICO_IPV4POOL_NAT_OUTGOING", true)
                || !is_unique_local(&RangeEntry::new(pool.clone()))
            {
                continue;
            }
            let finding = out.at(pool.span, message(&pool.value));
            match node.get("CALICO_IPV6POOL_NAT_OUTGOING") {
                Some(set) => finding.also(set.span, "off"),
                None => finding.fix("add {name: CALICO_IPV6POOL_NAT_OUTGOING, value: \"true\"}"),
            };
        }
        let masquerades = |family| {
            let mut pools = model.pools.iter().filter(|pool| pool.masquerades);
            pools.find(|pool| pool.cidr.family() == Some(family))
        };
        let Some(v4) = masquerades(IpFamily::V4) else { return };
        for pool in model.pools.iter().filter(|pool| !pool.masquerades && !pool.disabled) {
            if is_unique_local(&pool.cidr) {
                let span = pool.nat.as_ref().map_or(pool.cidr.text.span, |nat| nat.span);
                out.at(span, message(&pool.cidr.text.value))
                    .also(v4.cidr.text.span, "masqueraded")
                    .fix("set natOutgoing on this pool");
            }
        }
    }),
};

fn is_on(node: &CalicoNode, name: &str, default: bool) -> bool {
    node.get(name).map_or(default, |text| {
        matches!(&*text.value.to_lowercase(), "true" | "1" | "yes" | "y" | "t")
    })
}

fn is_unique_local(entry: &RangeEntry) -> bool {
    matches!(entry.range, Some(ipnet::IpNet::V6(range)) if range.addr().is_unique_local())
}

pub(crate) const WRONG_POOL: Rule = Rule {
    code: "DS610",
    name: "calico-pool-variable",
    area: Area::Calico,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The range of a default pool is a list, or of the other family than its variable.",
    why: "CALICO_IPV4POOL_CIDR takes an IPv4 range and CALICO_IPV6POOL_CIDR an IPv6 range; \
          calico-node exits on others.",
    fix: "Write each range into the variable of its family.",
    sources: &[AGENT, "https://github.com/projectcalico/calicoctl/issues/1539"],
    enforced_by: &[EnforcedBy::Refused { by: "calico-node", how: "exits at its start" }],
    good: &[Example::new(calico_node!(CALICO_IPV4POOL_CIDR = "10.244.0.0/16"))],
    bad: &[
        Example::new(calico_node!(CALICO_IPV4POOL_CIDR = "fd00:10:244::/56")),
        Example::new(calico_node!(CALICO_IPV4POOL_CIDR = "\"10.244.0.0/16,fd00:10:244::/56\"")),
    ],
    check: Check::Model(wrong_pool),
};

fn wrong_pool(model: &Model, out: &mut Findings) {
    let names = [("CALICO_IPV4POOL_CIDR", IpFamily::V4), ("CALICO_IPV6POOL_CIDR", IpFamily::V6)];
    for node in &model.calico_nodes {
        for (name, family) in names {
            let Some(text) = node.get(name) else { continue };
            let own = RangeEntry::new(text.clone()).family();
            if own.is_some_and(|own| own != family) {
                let other = family.other();
                out.at(text.span, format!("{name} takes an {family} range; this one is {other}"));
            } else if text.value.contains(',') {
                out.at(text.span, format!("{name} takes one range, and not a list"));
            }
        }
    }
}
