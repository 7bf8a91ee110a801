//! What the rules of the nodes' packet filters add to what a cause's rule found without them.

mod conditions;

use std::net::IpAddr;

use self::conditions::{Conditions, Match, Way};
use super::{Confidence, Evidence, Found, diagnostics::mentions, evidence::Probed};
use crate::{
    net::IpFamily,
    snapshot::{Effect, FilterRule, Hook, Ruleset},
};

/// What a rule that drops is a proof of. Of other causes it is evidence.
const OF_FILTERS: [&str; 14] = [
    "backend_filtered",
    "cluster_ip_dead",
    "forward_filtered",
    "hairpin_off",
    "host_ports_filtered",
    "host_to_pods_filtered",
    "host_without_own_pods",
    "kubernetes_service_dead",
    "node_address_filtered",
    "node_port_dead",
    "node_port_input_filtered",
    "own_pods_apart",
    "tcp_filtered",
    "udp_dropped",
];

/// What kube-proxy's missing rules are a proof of.
const OF_PROXIES: [&str; 4] =
    ["cluster_ip_dead", "kube_proxy_not_running", "kubernetes_service_dead", "service_proxy_down"];

/// How many rules are shown.
const MOST: usize = 2;

/// Adds to what a rule found what the packet filters' rules say of it.
pub(super) fn add(evidence: &Evidence<'_>, id: &str, mut found: Found) -> Found {
    let rulesets = &evidence.world.facts.rulesets;
    if rulesets.is_empty() {
        return found;
    }
    let about: Vec<&Probed<'_>> = evidence
        .probed
        .iter()
        .filter(|probed| found.probed.contains(&probed.id()) && probed.bad())
        .collect();
    let stops: Vec<Stop<'_>> = rulesets
        .iter()
        .flat_map(|ruleset| ruleset.rules.iter().map(move |rule| (ruleset, rule)))
        .filter_map(|(ruleset, rule)| stop(evidence, id, ruleset, rule, &about))
        .collect();
    let (sure, others): (Vec<_>, Vec<_>) = stops.into_iter().partition(|stop| stop.is_sure);
    let is_stopped = !sure.is_empty();
    for stop in sure.iter().take(MOST).rev() {
        found.evidence.insert(0, stop.say());
        let fix = stop.fix();
        if !found.fix.contains(&fix) {
            found.fix.insert(0, fix);
        }
    }
    if is_stopped && OF_FILTERS.contains(&id) {
        found.confidence = Confidence::Proved;
    } else {
        found.evidence.extend(others.iter().take(MOST).map(Stop::say));
    }
    if OF_PROXIES.contains(&id) { proxied(rulesets, &about, is_stopped, found) } else { found }
}

/// What kube-proxy's own rules on the nodes that a cause speaks of say.
fn proxied(
    rulesets: &[Ruleset],
    about: &[&Probed<'_>],
    is_stopped: bool,
    mut found: Found,
) -> Found {
    let named: Vec<&Ruleset> =
        rulesets.iter().filter(|it| mentions(&found.what, &it.node)).collect();
    let of: Vec<&Ruleset> = if named.is_empty() { rulesets.iter().collect() } else { named };
    let (mut missing, mut there) = (Vec::new(), Vec::new());
    for ruleset in of {
        let node = ruleset.node.as_str();
        let from_here = about.iter().filter(|it| it.from() == Some(node) && it.is_cluster_ip());
        let mut tried: Vec<(IpAddr, bool)> = from_here
            .filter_map(|probed| Some((probed.probe.target.address()?.ip(), probed.by_host())))
            .collect();
        tried.sort_unstable();
        tried.dedup_by_key(|(ip, _)| *ip);
        let absent: Vec<IpAddr> = tried
            .iter()
            .map(|(ip, _)| *ip)
            .filter(|ip| ruleset.translates(*ip) == Some(false))
            .collect();
        let present = tried.iter().find(|(ip, _)| ruleset.translates(*ip) == Some(true));
        let unled = |ip: &IpAddr| ruleset.passes_by(IpFamily::of(*ip), Hook::Prerouting);
        if let Some(example) = absent.first() {
            missing.push(format!(
                "none of kube-proxy's rules on {node} translates {example}{}",
                match absent.len() {
                    1 => String::new(),
                    more => format!(", nor {} more ClusterIPs that were tried", more - 1),
                }
            ));
        } else if let Some((ip, _)) = present.filter(|(ip, by_host)| !by_host && unled(ip)) {
            missing.push(format!(
                "kube-proxy's rules on {node} translate {ip}, and no rule in PREROUTING of its {} nat table leads \
                 to them (KUBE-SERVICES)",
                IpFamily::of(*ip)
            ));
        } else if let Some((ip, _)) = present {
            there.push(format!(
                "kube-proxy's rules on {node} translate {ip}: something else drops packets to it"
            ));
        }
    }
    if !missing.is_empty() && !is_stopped {
        found.confidence = Confidence::Proved;
    }
    if missing.is_empty() {
        found.evidence.extend(there.into_iter().take(MOST));
    } else {
        missing.truncate(MOST);
        missing.append(&mut found.evidence);
        found.evidence = missing;
    }
    found
}

/// A rule that stops what was tried.
struct Stop<'f> {
    node: &'f str,
    rule: &'f FilterRule,
    /// Whether all that it asks for is so of what was tried, and nothing is decided before it.
    is_sure: bool,
}

impl Stop<'_> {
    fn say(&self) -> String {
        let Self { node, rule: FilterRule { table, chain, does, text, .. }, is_sure } = self;
        let does = match does {
            Effect::Reject => "refuses",
            Effect::Drop | Effect::Untracked => "drops",
        };
        let may = if *is_sure { "" } else { ", and this may be such a packet" };
        match text {
            Some(text) => format!(
                "a rule on {node} {does} what it matches{may}: {text} (table {table}, chain {chain})"
            ),
            None => format!(
                "the chain {chain} of table {table} on {node} drops what none of its rules accepts"
            ),
        }
    }

    fn fix(&self) -> String {
        let Self { node, rule: FilterRule { table, chain, .. }, .. } = self;
        format!(
            "See who wrote that rule on {node} (firewalld, ufw, a security agent, a script: `nft -a list chain {table} \
             {chain}` shows it), and have it let the cluster's packets through there."
        )
    }
}

/// Whether a rule stops what went wrong.
fn stop<'f, 'a>(
    evidence: &'f Evidence<'a>,
    id: &str,
    ruleset: &'f Ruleset,
    rule: &'f FilterRule,
    about: &[&'f Probed<'a>],
) -> Option<Stop<'f>> {
    if rule.does == Effect::Untracked {
        return None;
    }
    let node = ruleset.node.as_str();
    let Some(text) = &rule.text else {
        // What a chain does with the rest stops whatever nobody let through before.
        let fits = id == "forward_filtered" && rule.hook == Some(Hook::Forward);
        let family = about.first()?.family;
        let there =
            about.iter().any(|probed| Way { evidence, probed, node }.passes(Hook::Forward, false));
        let is_sure = fits && there && of_family(&rule.table, family);
        return is_sure.then_some(Stop { node, rule, is_sure });
    };
    let wants = Conditions::of(&rule.table, text);
    let way = |probed| Way { evidence, probed, node };
    let fits = about.iter().map(|probed| wants.fit(&way(*probed), rule.hook)).max()?;
    let spared = || {
        let mut good = evidence.probed.iter().filter(|it| it.good() && !it.wants_silence());
        good.any(|probed| wants.must_fit(&way(probed), rule.hook))
    };
    match fits {
        Match::No => None,
        // It would have stopped this as well.
        Match::Yes if spared() => None,
        fits => {
            let is_sure = fits == Match::Yes && rule.first && rule.hook.is_some();
            Some(Stop { node, rule, is_sure })
        }
    }
}

/// The rules of a node that leave what was tried untracked, of those that went wrong.
pub(super) fn untracked<'e, 'a>(
    evidence: &'e Evidence<'a>,
    node: &'e str,
    bad: &[&'e Probed<'a>],
) -> Option<&'e FilterRule> {
    let ruleset = evidence.world.facts.ruleset(node)?;
    let mut rules = ruleset.rules.iter().filter(|rule| rule.does == Effect::Untracked);
    rules.find(|rule| {
        let wants = Conditions::of(&rule.table, rule.text.as_deref().unwrap_or_default());
        bad.iter().any(|probed| wants.fit(&Way { evidence, probed, node }, rule.hook) == Match::Yes)
    })
}

/// Whether a table is of a family, or of both.
fn of_family(table: &str, family: IpFamily) -> bool {
    match table.split(' ').next() {
        Some("ip") => family == IpFamily::V4,
        Some("ip6") => family == IpFamily::V6,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::REGISTRY;

    #[test]
    fn every_cause_that_rules_may_prove_is_in_the_registry() {
        for id in OF_FILTERS.iter().chain(&OF_PROXIES) {
            assert!(REGISTRY.iter().any(|rule| rule.id() == *id), "{id}");
        }
    }
}
