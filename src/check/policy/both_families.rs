//! `policy::both_families`

use std::collections::HashMap;

use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, State, Subject,
        Verdict, World, commands, outcome,
        plan::{self, Source, up},
    },
    fixture::{BACKEND_PORT, PROBE_PORT, PolicyRule, Workload},
    net::IpFamily,
    probe::{Aim, MISSING_PERMISSION, Probe, Target, Vantage},
};

/// Why the policies after the first one were not tried.
pub(crate) const NOT_ENFORCED: &str = "the previous policy was not enforced";

/// How many nodes show whether anybody enforces policies, where there are many.
const WITNESSES: usize = 8;

/// NetworkPolicies guard both families.
#[derive(Debug)]
pub(in crate::check) struct BothFamilies;

/// The guarded pod on a node, in one family.
#[derive(Debug)]
pub(in crate::check) struct Guarded {
    node: String,
    family: IpFamily,
    /// The node of the pod that connects to it, and that it connects to.
    peer: String,
}

impl Check for BothFamilies {
    type Subject = Guarded;

    const PROMISE: Promise = Promise {
        id: "policy::both_families",
        summary: "NetworkPolicies that deny all ingress, deny all egress, or admit an ipBlock of one family do \
                  so in each family for a pod on every node, and stop once they are deleted",
        why: "A policy that is enforced for IPv4 only leaves the pod open: anyone who finds its AAAA record can \
             connect, and tests over IPv4 don't show it, because they are denied as expected.",
        source: "https://kubernetes.io/docs/concepts/services-networking/network-policies/; NetworkPolicy field \
         spec.ingress[].from[].ipBlock",
        about: About::feature("NetworkPolicy").titled("NetworkPolicies in both families"),
        needs: &[Need::Exec, Need::Policies],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Guarded>> {
        let guarded = &world.fixture.guarded;
        let clients = Clients::new(world);
        let probes = |pod: &Workload, family| probes(world, &clients, pod, family);
        let step = guarded.len().div_ceil(WITNESSES).max(1);
        let denials: Vec<Probe> = guarded
            .iter()
            .step_by(step)
            .flat_map(|pod| plan::families(world.suite).map(move |family| (pod, family)))
            .filter_map(|(pod, family)| probes(pod, family).ok())
            .flat_map(|(_, probes)| probes)
            .filter(is_denial)
            .collect();
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            for pod in guarded {
                let subject = Subject::Node { name: pod.node.clone() };
                let others = plan::families(world.suite).filter(|&other| other != family);
                let admitted = others
                    .filter_map(|other| probes(pod, other).ok())
                    .flat_map(|(_, probes)| probes)
                    .filter(is_admission);
                let witnesses: Vec<Probe> = denials.iter().cloned().chain(admitted).collect();
                let case = Planned::probing(world, subject, family, || probes(pod, family));
                cases.push(case.beside(&witnesses));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, guarded: &Guarded, readings: &Readings<'_>) -> Verdict {
        let own = &readings.own;
        let missing = own.iter().find_map(|reading| match &reading.state {
            State::Unknown(reason) if reason.starts_with(MISSING_PERMISSION) => Some(reason),
            _ => None,
        });
        if let Some(reason) = missing {
            return Verdict::skip(reason);
        }
        let of = |wanted| own.iter().filter(move |reading| under(reading.probe) == Some(wanted));
        if let Some(symptom) = of(PolicyRule::Open).find_map(Reading::symptom) {
            let by = Some("pod::reachable");
            let reason = format!("without any policy it is not reached either: {}", symptom.detail);
            return Blocked { by, reason }.verdict(world.suite);
        }
        let is_followed =
            |reading: &Reading<'_>| is_denial(reading.probe) && reading.state == State::Good;
        let enforced = own.iter().chain(&readings.witnesses).any(is_followed);
        let ignored = of(PolicyRule::DenyIngress).any(|reading| reading.symptom().is_some());
        if !enforced && ignored {
            return Verdict::skip(
                "NetworkPolicies are not enforced here: denied traffic gets through on every node and in every family",
            );
        }
        // Some networks tell pods by their labels alone, so that no ipBlock admits one. That is theirs
        // to say, as long as both families are alike.
        let admitted = |readings: &[Reading<'_>]| -> Option<bool> {
            let mut own = readings.iter().filter(|reading| is_admission(reading.probe));
            own.next().and_then(|reading| match reading.state {
                State::Good => Some(true),
                State::Bad(_) => Some(false),
                State::Unknown(_) => None,
            })
        };
        let blocks = [admitted(own), admitted(&readings.witnesses)];
        let knows_blocks = !blocks.contains(&Some(false)) || blocks.contains(&Some(true));
        let judged = own.iter().filter(|reading| knows_blocks || !is_admission(reading.probe));
        let wrong = judged.filter(|reading| reading.symptom().is_some());
        let wrong: Vec<&Reading<'_>> = wrong.collect();
        if let Some(first) = wrong.first() {
            let told = wrong.iter().map(|reading| guarded.wrong(reading)).collect::<Vec<_>>();
            return Verdict::fail(told.join("; "), guarded.failure(world, first, &told));
        }
        let known: Vec<Reading<'_>> = own
            .iter()
            .filter(|reading| knows_blocks || !is_admission(reading.probe))
            .cloned()
            .collect();
        outcome::unknown(&known).unwrap_or_else(|| {
            Verdict::pass(if knows_blocks {
                "denied and admitted as its policies say"
            } else {
                "denied as its policies say; no ipBlock admits a pod here, in either family"
            })
        })
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let unguarded = crate::lab::Fault::Unguarded { on: "n2", family: IpFamily::V6 };
        Some(crate::lab::Lab::dual().guarded().with(unguarded))
    }
}

/// The pods that connect to guarded ones, with the place of each node's.
struct Clients<'a> {
    all: Vec<Source<'a>>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Clients<'a> {
    fn new(world: World<'a>) -> Self {
        let all: Vec<Source<'a>> = plan::pods(world).collect();
        let places = all.iter().map(|source| source.pod.node.as_str()).zip(0..).collect();
        Self { all, places }
    }

    /// Those of all nodes in a circle, that of the next node first.
    fn after(&self, node: &str) -> impl Iterator<Item = &Source<'a>> {
        let own = self.places.get(node).copied().unwrap_or_default();
        let (before, after) = self.all.split_at((own + 1).min(self.all.len()));
        after.iter().chain(before)
    }
}

/// The probes of a guarded pod in a family, in the order of the rules.
fn probes(
    world: World<'_>,
    clients: &Clients<'_>,
    pod: &Workload,
    family: IpFamily,
) -> Result<(Guarded, Vec<Probe>), Blocked> {
    let address = plan::guarded(pod, family)?;
    // The next node's, so that packets come from elsewhere where there is an elsewhere.
    let mut circle = clients.after(&pod.node);
    let missing = || Blocked { by: None, reason: "no pod to probe from".to_owned() };
    let source = circle.find(|source| source.address(family).is_ok()).ok_or_else(missing)?;
    let peer = source.pod.node.clone();
    let backend = world.fixture.backend_on(&peer).ok_or_else(missing)?;
    up("nginx", backend)?;
    let outside = plan::backend(backend, family)?;
    let suite = world.suite;
    let aim = |under| Aim::Guarded { node: pod.node.clone(), under };
    let there = (address, PROBE_PORT).into();
    let back = (outside, BACKEND_PORT).into();
    let enters =
        |under| source.probe(aim(under), Target::Tcp { address: there }, plan::once(suite));
    let is_kept_out = |under| {
        source.probe(aim(under), Target::Unanswered { address: there }, plan::denied(suite))
    };
    let from_it = |under, target, attempts| Probe {
        vantage: Vantage::Guarded { node: pod.node.clone() },
        aim: aim(under),
        target,
        attempts,
    };
    let leaves = |under| from_it(under, Target::Tcp { address: back }, plan::once(suite));
    let is_kept_in =
        |under| from_it(under, Target::Unanswered { address: back }, plan::denied(suite));
    let probes = vec![
        enters(PolicyRule::Open),
        leaves(PolicyRule::Open),
        is_kept_out(PolicyRule::DenyIngress),
        is_kept_in(PolicyRule::DenyEgress),
        enters(PolicyRule::DenyEgress),
        enters(PolicyRule::admits(family)),
        is_kept_out(PolicyRule::admits(other(family))),
        enters(PolicyRule::OpenAgain),
        leaves(PolicyRule::OpenAgain),
    ];
    Ok((Guarded { node: pod.node.clone(), family, peer }, probes))
}

const fn other(family: IpFamily) -> IpFamily {
    match family {
        IpFamily::V4 => IpFamily::V6,
        IpFamily::V6 => IpFamily::V4,
    }
}

/// The rule that holds while a probe is tried.
const fn under(probe: &Probe) -> Option<PolicyRule> {
    match &probe.aim {
        Aim::Guarded { under, .. } => Some(*under),
        _ => None,
    }
}

/// Whether it is tried while everything is denied that it does.
const fn is_denial(probe: &Probe) -> bool {
    let silence = matches!(probe.target, Target::Unanswered { .. });
    silence && matches!(under(probe), Some(PolicyRule::DenyIngress | PolicyRule::DenyEgress))
}

/// Whether an ipBlock must admit it.
fn is_admission(probe: &Probe) -> bool {
    let wants_answer = matches!(probe.target, Target::Tcp { .. });
    wants_answer && under(probe) == Some(PolicyRule::admits(probe.family()))
}

impl Guarded {
    /// What went wrong, in a few words.
    fn wrong(&self, reading: &Reading<'_>) -> String {
        let detail = reading.symptom().map(|symptom| symptom.detail.as_str()).unwrap_or_default();
        let rule = under(reading.probe).unwrap_or(PolicyRule::Open);
        let silence = matches!(reading.probe.target, Target::Unanswered { .. });
        match rule {
            PolicyRule::AdmitIpv4 | PolicyRule::AdmitIpv6 if silence => {
                format!("{rule} admits {} too", self.family)
            }
            PolicyRule::AdmitIpv4 | PolicyRule::AdmitIpv6 => {
                format!("{rule} does not admit it: {detail}")
            }
            _ if silence => format!("{rule} is ignored"),
            PolicyRule::DenyEgress => format!("{rule} keeps others out: {detail}"),
            _ => format!("still denied with {rule}: {detail}"),
        }
    }

    fn failure(&self, world: World<'_>, first: &Reading<'_>, told: &[String]) -> Failure {
        let Self { node, family, peer } = self;
        let namespace = &world.fixture.namespace;
        Failure::new(format!(
            "NetworkPolicies are not enforced correctly for {family} on node {node}, between a pod there and \
             pods on {peer}: {}.",
            told.join("; ")
        ))
        .reproduce([format!(
            "kubectl -n {namespace} get networkpolicies,pods -l dualstack.dev/role=guarded -o wide  # only \
             after run --keep; then apply a policy with policyTypes [Ingress] and no rules"
        )])
        .reproduce(commands::repeat(world, [first.probe]))
        .fix([
            format!(
                "Check that what enforces NetworkPolicies on {node} handles {family}: its agent must run there, \
                 with the family enabled (Calico: an IPv6 pool, and FELIX_IPV6SUPPORT=true or, with the operator, \
                 nodeAddressAutodetectionV6 in its Installation; Cilium: enable-ipv6; kube-router and \
                 kube-network-policies: ip6tables or nftables of the family on the node)."
            ),
            format!(
                "Until then keep the policies, which may hold in the other family, but don't rely on them in \
                 {family}: have the protected pods listen on {other} only, or drop {family} to them in the nodes' \
                 own firewall.",
                other = family.other()
            ),
        ])
    }
}
