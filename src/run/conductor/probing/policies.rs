//! What is tried of the guarded pods: one NetworkPolicy after the other, each with its probes.

use kube::Client;
use tokio::sync::mpsc;

use crate::{
    check::NOT_ENFORCED,
    fixture::{Fixture, Live, PolicyRule},
    probe::{self, Aim, MISSING_PERMISSION, Observation, Probe, ProbeId, Sink},
};

/// Carries these probes out, those of one rule after those of the other.
///
/// Where nobody follows the first policy that denies something, the others are not tried: every
/// denial would be waited for in vain.
pub(super) async fn carry_out(
    client: &Client,
    fixture: &Fixture,
    live: Option<&Live>,
    mut probes: Vec<(ProbeId, Probe)>,
    sink: &Sink,
) {
    let mut over = None;
    for rule in PolicyRule::ALL {
        let of_rule = |(_, probe): &mut (ProbeId, Probe)| matches!(probe.aim, Aim::Guarded { under, .. } if under == rule);
        let batch: Vec<_> = probes.extract_if(.., of_rule).collect();
        let Some(live) = live.filter(|_| !batch.is_empty()) else { continue };
        // Before the first policy there is none to remove.
        if over.is_none()
            && rule != PolicyRule::Open
            && let Err(error) = live.police(rule).await
        {
            over = Some(if error.is_forbidden() {
                format!("{MISSING_PERMISSION} create networkpolicies.networking.k8s.io")
            } else {
                error.to_string()
            });
        }
        if let Some(reason) = &over {
            lose(batch, reason, sink);
            continue;
        }
        let (own, mut seen) = mpsc::unbounded_channel();
        let mut followed = rule != PolicyRule::DenyIngress;
        let carrying_out = async {
            probe::carry_out(client, fixture, batch, &own).await;
            drop(own);
        };
        let passing_on = async {
            while let Some((id, observation)) = seen.recv().await {
                followed |= observation.lost.is_some() || denied(&observation);
                // Nobody listens any more where the run is over.
                let _ = sink.send((id, observation));
            }
        };
        tokio::join!(carrying_out, passing_on);
        if !followed {
            over = Some(NOT_ENFORCED.to_owned());
            // What was made goes at once, for somebody may follow it late.
            let _ = live.police(PolicyRule::OpenAgain).await;
        }
    }
    lose(probes, "there is no policy that it is tried under", sink);
}

fn denied(observation: &Observation) -> bool {
    observation.attempts.last().is_some_and(|attempt| attempt.outcome.succeeded())
}

pub(super) fn lose(probes: Vec<(ProbeId, Probe)>, reason: &str, sink: &Sink) {
    for (id, _) in probes {
        // Nobody listens any more where the run is over.
        let lost = Some(reason.to_owned());
        let _ = sink.send((id, Observation { attempts: Vec::new(), lost }));
    }
}
