//! Addresses of nodes that are deprecated on their interfaces: whoever connects to them is answered, so no promise
//! is broken.

use crate::{
    check::{World, commands, words},
    net::IpFamily,
    snapshot::Deprecated,
};

/// How many addresses are named.
const NAMED: usize = 5;

/// Sentences for the operator: which InternalIPs the kernel no longer sends from by itself.
pub fn notices(world: World<'_>) -> Vec<String> {
    let nodes = || world.facts.nodes.known().into_iter().flatten();
    let of = |family| -> Vec<&Deprecated> {
        nodes().filter_map(|node| world.facts.deprecated_ip(&node.name, family)).collect()
    };
    let said = IpFamily::ALL.into_iter().filter_map(|family| {
        let all = of(family);
        let Deprecated { node, link, .. } = all.first()?;
        let more = all.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!("{more} more"));
        let each = all.iter().take(NAMED);
        let each = each.map(|it| format!("{} on {} of {}", it.address, it.link, it.node));
        let (are, they) =
            if all.len() == 1 { ("InternalIP is", "its") } else { ("InternalIPs are", "their") };
        let flag = commands::flag(family);
        Some(format!(
            "the {family} {are} deprecated: {}. The kernel still answers there, but sends from another address \
             if there is one, so others may see connections from that address. See `{}`, and look at what gives \
             the address {they} lifetime (preferred_lft: router advertisements, DHCP, a network manager)",
            words::list(each.chain(more)),
            commands::on_node(node, &format!("ip {flag} addr show dev {link}"))
        ))
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lab::Lab, net::IpFamily::V6};

    fn told(lab: &Lab, address: String) -> Vec<String> {
        let line = format!("deprecated\t{address}\teth0");
        let lab = Lab { facts: lab.facts.clone(), ..Lab::dual() }.changed(|lab| {
            lab.facts.deprecated = Deprecated::read("n2", &line).into_iter().collect()
        });
        let run = lab.run();
        assert!(run.record.judged.iter().all(|it| it.verdict.failure().is_none()));
        notices(lab.world())
    }

    #[test]
    fn an_internal_ip_that_is_deprecated_is_told_and_reddens_nothing() {
        let lab = Lab::dual();
        let own = lab.facts.node("n2").and_then(|node| node.internal_ips(V6).next()).unwrap();
        let told = told(&lab, own.to_string());
        let [notice] = told.as_slice() else { panic!("{told:?}") };
        let start = format!("the IPv6 InternalIP is deprecated: {own} on eth0 of n2. ");
        assert!(notice.starts_with(&start) && notice.contains("preferred_lft"), "{notice}");
    }

    #[test]
    fn another_address_may_be_deprecated() {
        let lab = Lab::dual();
        assert_eq!(told(&lab, "2001:db8::9".to_owned()), Vec::<String>::new());
        assert_eq!(notices(lab.world()), Vec::<String>::new());
    }
}
