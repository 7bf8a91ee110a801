//! What is tried of the guarded pods: one NetworkPolicy after the other, each with its probes.

use kube::Client;
use tokio::sync::mpsc;

use super::in_turn::{self, Batch};
use crate::{
    check::NOT_ENFORCED,
    fixture::{Fixture, Live, PolicyRule},
    probe::{self, Aim, MISSING_PERMISSION, Observation, Probe, Sink},
};

/// Carries these probes out, those of one rule after those of the other.
///
/// Where nobody follows the first policy that denies something, the others are not tried: every
/// denial would be waited for in vain.
pub(super) async fn carry_out(
    client: &Client,
    fixture: &Fixture,
    live: Option<&Live>,
    probes: Batch,
    sink: &Sink,
) {
    let otherwise = "no NetworkPolicy of the run applies to it";
    let Some(live) = live else { return in_turn::lose(probes, otherwise, sink) };
    let of = |probe: &Probe| match probe.aim {
        Aim::Guarded { under, .. } => Some(under),
        _ => None,
    };
    let enter = async |rule| {
        // Before the first policy there is none to remove.
        if rule == PolicyRule::Open {
            return Ok(());
        }
        live.police(rule).await.map_err(|error| {
            if error.is_forbidden() {
                format!("{MISSING_PERMISSION} create networkpolicies.networking.k8s.io")
            } else {
                error.to_string()
            }
        })
    };
    let each = async |rule, batch: Batch| {
        let followed = followed(client, fixture, batch, sink).await;
        if followed || rule != PolicyRule::DenyIngress {
            return None;
        }
        // What was made goes at once, for somebody may follow it late.
        let _ = live.police(PolicyRule::OpenAgain).await;
        Some(NOT_ENFORCED.to_owned())
    };
    in_turn::carry_out(PolicyRule::ALL, probes, of, enter, each, otherwise, sink).await;
}

/// Carries the probes of a rule out. Returns whether any of them saw it followed, or can't tell.
async fn followed(client: &Client, fixture: &Fixture, batch: Batch, sink: &Sink) -> bool {
    let (own, mut seen) = mpsc::unbounded_channel();
    let mut followed = false;
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
    followed
}

fn denied(observation: &Observation) -> bool {
    observation.attempts.last().is_some_and(|attempt| attempt.outcome.succeeded())
}
