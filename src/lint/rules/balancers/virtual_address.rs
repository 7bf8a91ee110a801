//! The addresses of the control plane that kube-vip holds.

use crate::{
    lint::{
        model::{Model, VirtualAddress},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
    },
    net::IpFamily,
};

/// kube-vip's static Pod with an address and prefix lengths.
macro_rules! kube_vip {
    ($address:literal, $lengths:literal) => {
        concat!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-vip\n  namespace: kube-system\nspec:\n",
            "  hostNetwork: true\n  containers:\n    - name: kube-vip\n",
            "      image: ghcr.io/kube-vip/kube-vip:v1.0.0\n      args: [manager]\n      env:\n",
            "        - name: vip_arp\n          value: \"true\"\n",
            "        - name: address\n          value: \"",
            $address,
            "\"\n        - name: vip_subnet\n          value: \"",
            $lengths,
            "\"\n"
        )
    };
}

pub(crate) const LENGTH: Rule = Rule {
    code: "DS527",
    name: "virtual-address-length",
    area: Area::Balancers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "kube-vip's virtual address gets a prefix length of the other family.",
    why: "vip_subnet holds one prefix length, or that of IPv4 and then that of IPv6. A single one applies to \
          both: the node then treats the IPv6 address's whole /32 as on-link. IPv4 has no length \
          above 32.",
    fix: "Set vip_subnet to \"32,128\" for addresses of both families.",
    sources: &["https://kube-vip.io/docs/installation/flags/"],
    enforced_by: &[EnforcedBy::Symptom("the address isn't set, or packets to others go astray")],
    good: &[
        Example::new(kube_vip!("192.168.0.10,fd00:192::10", "32,128")),
        Example::new(kube_vip!("192.168.0.10", "32")),
        Example::new(kube_vip!("fd00:192::10", "128")),
    ],
    bad: &[
        Example::new(kube_vip!("192.168.0.10,fd00:192::10", "32")),
        Example::new(kube_vip!("192.168.0.10,fd00:192::10", "128,32")),
    ],
    check: Check::Model(|model: &Model, out| {
        model.virtual_addresses.iter().for_each(|own| check(own, out));
    }),
};

fn check(own: &VirtualAddress, out: &mut Findings) {
    let both = own.addresses.len() > 1;
    for address in &own.addresses {
        let Some(family) = address.family() else { continue };
        let length = match family {
            IpFamily::V4 => own.lengths.first(),
            IpFamily::V6 => own.lengths.get(1).or(own.lengths.first()),
        };
        let Some(length) = length else { continue };
        let Ok(bits) = length.value.trim().trim_start_matches('/').parse::<u32>() else { continue };
        let text = &address.text.value;
        let message = match family {
            IpFamily::V4 if bits > 32 => {
                format!("{text} is IPv4, and gets a prefix length of {bits}")
            }
            // A length that was meant for the address of the other family.
            IpFamily::V6 if bits <= 32 && (both || bits == 32) => {
                format!("{text} gets a prefix length of {bits}, which is one for IPv4")
            }
            _ => continue,
        };
        out.at(length.span, message).also(address.text.span, "address");
    }
}
