//! What is tried of the Service whose endpoints change: one change after the other, each with its probes.

use kube::Client;

use super::policies::lose;
use crate::{
    fixture::{Fixture, Live, Turn},
    probe::{self, Probe, ProbeId, Sink},
};

/// Carries these probes out, those of one turn after those of the other.
pub(super) async fn carry_out(
    client: &Client,
    fixture: &Fixture,
    live: Option<&Live>,
    mut probes: Vec<(ProbeId, Probe)>,
    sink: &Sink,
) {
    let mut over = None;
    for turn in Turn::ALL {
        let of_turn = |(_, probe): &mut (ProbeId, Probe)| probe.aim.turn() == Some(turn);
        let batch: Vec<_> = probes.extract_if(.., of_turn).collect();
        let Some(live) = live.filter(|_| !batch.is_empty()) else { continue };
        // Its first backend it has from the beginning.
        if over.is_none()
            && matches!(turn, Turn::Gone | Turn::Back)
            && let Err(error) = live.turn(fixture, turn).await
        {
            over = Some(error.to_string());
        }
        match &over {
            Some(reason) => lose(batch, reason, sink),
            None => probe::carry_out(client, fixture, batch, sink).await,
        }
    }
    lose(probes, "the endpoints of its Service were not changed", sink);
}
