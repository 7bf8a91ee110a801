//! Ranges in CNI configuration, as host-local and whereabouts read them.

use crate::{
    lint::{
        model::{CniNetwork, CniRange, Model, is_template},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::{IpFamily, RangeRelation, relation},
};

const DOCS: &str = "https://www.cni.dev/plugins/current/ipam/host-local/";

/// A network for Multus with these lines of its IPAM section.
macro_rules! network {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata:\n  name: storage\n",
            "spec:\n  config: |\n    {\n      \"cniVersion\": \"0.3.1\",\n      \"type\": \"macvlan\",\n",
            "      \"master\": \"eth1\",\n      \"ipam\": {\n        \"type\": \"host-local\",\n",
            $("        ", $line, "\n",)*
            "      }\n    }\n"
        )
    };
}

/// A cluster of both families, and a ConfigMap with a node's CNI configuration with these lines.
macro_rules! node {
    ($($line:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cni\ndata:\n  10-bridge.conflist: |\n",
                "    {\n      \"cniVersion\": \"1.0.0\",\n      \"name\": \"bridge\",\n      \"plugins\": [{\n",
                "        \"type\": \"ptp\",\n        \"ipam\": {\n          \"type\": \"host-local\",\n",
                $("          ", $line, "\n",)*
                "        }\n      }]\n    }\n"
            )
        )
    };
}

pub(crate) const RANGES: Rule = Rule {
    code: "DS651",
    name: "cni-ranges",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The CNI plugin host-local or whereabouts can't use its ranges.",
    why: "A Pod gets one address of each set in `ranges`, so each family needs a separate set; a set of both is \
          rejected. host-local also rejects host bits, ranges without room for an address, first and \
          last addresses outside the range, and sets that overlap.",
    fix: "Write a list of sets, each a list of ranges of one family: \
          [[{\"subnet\": \"10.1.0.0/24\"}], [{\"subnet\": \"fd00:10:1::/64\"}]].",
    sources: &[DOCS, "https://github.com/k8snetworkplumbingwg/whereabouts"],
    enforced_by: &[EnforcedBy::Refused {
        by: "the plugin",
        how: "fails, and the Pod isn't started",
    }],
    good: &[
        Example::new(network!(
            "\"ranges\": [",
            "  [{\"subnet\": \"10.1.0.0/24\", \"rangeStart\": \"10.1.0.10\"}],",
            "  [{\"subnet\": \"fd00:10:1::/64\"}]",
            "]",
        )),
        Example::new(network!("\"subnet\": \"10.1.0.0/24\"")),
    ],
    bad: &[
        Example::new(network!(
            "\"ranges\": [[{\"subnet\": \"10.1.0.0/24\"}, {\"subnet\": \"fd00:10:1::/64\"}]]",
        )),
        Example::new(network!(
            "\"ranges\": [{\"subnet\": \"10.1.0.0/24\"}, {\"subnet\": \"fd00:10:1::/64\"}]",
        )),
        Example::new(network!(
            "\"ranges\": [[{\"subnet\": \"10.1.0.0/24\", \"rangeStart\": \"10.2.0.10\"}]]",
        )),
        Example::new(network!("\"ranges\": [[{\"subnet\": \"fd00:10:1::1/64\"}]]")),
    ],
    check: Check::Model(|model: &Model, out| {
        model.cni_networks.iter().for_each(|network| ranges(network, out));
    }),
};

fn ranges(network: &CniNetwork, out: &mut Findings) {
    if let Some(flat) = network.flat {
        out.at(flat, "this is a range, and not a list of ranges");
    }
    for set in &network.sets {
        let mut families = set.iter().filter_map(|range| Some((range, range.subnet.family()?)));
        if let Some((first, family)) = families.next()
            && let Some((other, _)) = families.find(|(_, own)| *own != family)
        {
            out.at(other.subnet.text.span, "one set has ranges of both families")
                .also(first.subnet.text.span, "of this one");
        }
        set.iter().for_each(|range| one(network, range, out));
    }
    if !network.host_local {
        return;
    }
    let all = || network.sets.iter().flatten().filter_map(|own| Some((own, own.subnet.range?)));
    for (at, (own, range)) in all().enumerate() {
        for (before, other) in all().take(at) {
            // Parts of one range may be shared out by their first and last addresses.
            let whole = own.ends.is_empty() && before.ends.is_empty();
            if whole && relation(&range, &other) != RangeRelation::Disjoint {
                out.at(own.subnet.text.span, format!("{range} overlaps {other}"))
                    .also(before.subnet.text.span, "of this one");
            }
        }
    }
}

fn one(network: &CniNetwork, range: &CniRange, out: &mut Findings) {
    let text = &range.subnet.text;
    let Some(subnet) = range.subnet.range else {
        // Some plugins put the node's own range in place of a word.
        let word = text.value == "usePodCidr" || text.value.starts_with("__");
        if !word && !is_template(&text.value) {
            out.at(text.span, format!("\"{}\" is not a range", text.value));
        }
        return;
    };
    if network.host_local {
        if subnet.trunc() != subnet {
            let finding = out.at(text.span, format!("{subnet} has host bits set"));
            finding.fix(format!("write {}", subnet.trunc()));
        }
        if subnet.prefix_len() + 2 > subnet.max_prefix_len() {
            out.at(text.span, format!("{subnet} has no room for addresses"));
        }
    }
    for end in &range.ends {
        if end.ip.is_some_and(|ip| !subnet.trunc().contains(&ip)) {
            out.at(end.text.span, format!("{} is not in {}", end.text.value, subnet.trunc()))
                .also(text.span, "range");
        }
    }
}

pub(crate) const ONE_FAMILY: Rule = Rule {
    code: "DS652",
    name: "cni-one-family",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A node's CNI configuration gives Pods no address, or no default route, of a family that they \
              should have.",
    why: "Pods get the addresses that the node's CNI configuration has ranges for, whatever the cluster's \
          pod range says, and the routes that it lists.",
    fix: "Add a set with a range of the node's of that family, and a route to ::/0 beside 0.0.0.0/0.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("Pods are single-stack, or have no egress in one family")],
    good: &[Example::new(node!(
        "\"ranges\": [[{\"subnet\": \"10.244.1.0/24\"}], [{\"subnet\": \"fd00:10:244:1::/64\"}]],",
        "\"routes\": [{\"dst\": \"0.0.0.0/0\"}, {\"dst\": \"::/0\"}]",
    ))],
    bad: &[
        Example::new(node!(
            "\"ranges\": [[{\"subnet\": \"10.244.1.0/24\"}]],",
            "\"routes\": [{\"dst\": \"0.0.0.0/0\"}]",
        )),
        Example::new(node!(
            "\"ranges\": [[{\"subnet\": \"10.244.1.0/24\"}], [{\"subnet\": \"fd00:10:244:1::/64\"}]],",
            "\"routes\": [{\"dst\": \"0.0.0.0/0\"}]",
        )),
    ],
    check: Check::Model(|model, out| {
        for network in model.cni_networks.iter().filter(|network| network.main) {
            one_family(model, network, out);
        }
    }),
};

fn one_family(model: &Model, network: &CniNetwork, out: &mut Findings) {
    let all = || network.sets.iter().flatten();
    let known: Vec<IpFamily> = all().filter_map(|range| range.subnet.family()).collect();
    // A range that is filled in later may be of any family.
    if known.is_empty() || known.len() < all().count() {
        return;
    }
    if let Some(lacking) = model.pod_families().into_iter().find(|own| !known.contains(own)) {
        out.at(
            network.at,
            format!("there is no {lacking} range, but the Pods should have {lacking}"),
        );
        return;
    }
    let default = |family: IpFamily| {
        let own =
            |range: &ipnet::IpNet| range.prefix_len() == 0 && IpFamily::of_range(range) == family;
        network.routes.iter().find(|route| route.range.as_ref().is_some_and(own))
    };
    for family in known {
        if let Some(route) = default(family.other()).filter(|_| default(family).is_none()) {
            let message = format!("this is the only default route, and {family} has none");
            out.at(route.text.span, message);
            return;
        }
    }
}
