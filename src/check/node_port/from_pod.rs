//! `node_port::from_pod`

use super::{detail, node, probes};
use crate::{
    check::{
        Blocked, Case, Check, Failure, Observations, Stage, Subject, Verdict, World,
        aim::Aim,
        commands, outcome, plan,
        reading::{Kind, Reading},
        remedy, words,
    },
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Probe, Target},
};

/// Pods reach NodePorts.
#[derive(Debug)]
pub(in crate::check) struct FromPod;

impl Check for FromPod {
    fn id(&self) -> &'static str {
        "node_port::from_pod"
    }

    fn summary(&self) -> &'static str {
        "a pod on every node reaches, at the InternalIP of every node, the NodePorts that lead to \
         the backends of every node"
    }

    fn why(&self) -> &'static str {
        "Every node must open every NodePort in both families, whichever node the backend is on: \
         load balancers and clients choose the node. From pods the way into each node is tried \
         without the firewalls that lie before the cluster."
    }

    fn source(&self) -> &'static str {
        "Service type NodePort, kube-proxy's nodePortAddresses; \
         https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport"
    }

    fn stage(&self) -> Stage {
        Stage::Probed
    }

    fn needs(&self) -> &'static [&'static str] {
        &["list nodes"]
    }

    fn plan(&self, world: World<'_>) -> Vec<Case> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                for to in world.fixture.selected() {
                    let planned = source.blocked(family).map_or(Ok(()), Err).and_then(|()| {
                        let address = node(world, to)?.internal_ips(family).next();
                        let address = address.ok_or_else(|| Blocked {
                            by: Some("node::internal_ips".to_owned()),
                            reason: format!("node {to} has no {family} InternalIP"),
                        })?;
                        probes(world, &source.vantage, address)
                    });
                    let (probes, blocked) = match planned {
                        Ok(probes) => (probes, None),
                        Err(blocked) => (Vec::new(), Some(blocked)),
                    };
                    cases.push(Case {
                        check: self.id().to_owned(),
                        subject: Subject::Path { from: source.label.clone(), to: to.to_owned() },
                        family: Some(family),
                        probes,
                        blocked,
                    });
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, case: &Case, observations: &Observations) -> Verdict {
        let (Subject::Path { from, to }, Some(family)) = (&case.subject, case.family) else {
            return Verdict::inconclusive("this is no case of a path and a family");
        };
        let readings: Vec<Reading<'_>> =
            case.probes.iter().map(|probe| Reading::of(world, observations, probe)).collect();
        let verdict = match detail(&readings) {
            None => outcome::unless_unknown(&readings),
            Some(detail) => {
                let from = format!("A pod on node {from}");
                Verdict::fail(detail, failure(world, &from, to, family, &case.probes, &readings))
            }
        };
        verdict.after(outcome::attempts(&readings))
    }
}

/// The failure of some NodePorts at a node, seen from somewhere.
pub(super) fn failure(
    world: World<'_>,
    from: &str,
    to: &str,
    family: IpFamily,
    probes: &[Probe],
    readings: &[Reading<'_>],
) -> Failure {
    let bad: Vec<(&Probe, &Reading<'_>)> =
        probes.iter().zip(readings).filter(|(_, reading)| reading.symptom().is_some()).collect();
    let backends = words::list(bad.iter().filter_map(|(probe, _)| match Aim::of(world, probe) {
        Some(Aim::NodePort { service, .. }) => match &service.role {
            ServiceRole::Backend(node) => Some(node.as_str()),
            _ => None,
        },
        _ => None,
    }));
    let address = bad.iter().find_map(|(probe, _)| match &probe.target {
        Target::Http { address, .. } | Target::Tcp { address } => Some(*address),
        Target::Dns { .. } => None,
    });
    let symptom = bad.iter().find_map(|(_, reading)| reading.symptom());
    let (Some(address), Some(symptom)) = (address, symptom) else {
        return Failure::new(format!("{from} does not reach the NodePorts of node {to}."));
    };
    let all = bad.len() == readings.len();
    let what = format!(
        "{from} does not reach the NodePorts at {} of node {to} over {family} that lead to {} on {}: \
         {}.",
        address.ip(),
        if all { "every backend, those" } else { "the backends" },
        backends,
        symptom.detail
    );
    let first = if !all {
        format!(
            "Other NodePorts at {to} work, so the node is reached and opens them: look at the way from \
             {to} to the backends on {backends} (pod::reachable)."
        )
    } else if symptom.kind == Kind::Refused {
        format!(
            "Refused means that {to} is reached and opens no such port over {family}: its service \
             proxy doesn't."
        )
    } else {
        format!("Nothing comes back: something on {to} or before it drops {family} to these ports.")
    };
    let port = format!("{}", address.port());
    Failure::new(what)
        .reproduce(commands::repeat(world, bad.iter().map(|(probe, _)| *probe)))
        .reproduce(remedy::inspect_proxy(world, family, to, &port))
        .fix([first])
        .fix(remedy::node_port(world, family, to))
}
