//! What is tried of the Service whose endpoints change: one change after the other, each with its probes.

use kube::Client;

use super::in_turn::{self, Batch};
use crate::{
    fixture::{Fixture, Live, Turn},
    probe::{self, Sink},
};

/// Carries these probes out, those of one turn after those of the other.
pub(super) async fn carry_out(
    client: &Client,
    fixture: &Fixture,
    live: Option<&Live>,
    probes: Batch,
    sink: &Sink,
) {
    let otherwise = "the endpoints of its Service were not changed";
    let Some(live) = live else { return in_turn::lose(probes, otherwise, sink) };
    let enter = async |turn| match turn {
        Turn::Gone | Turn::Back => {
            live.turn(fixture, turn).await.map_err(|error| error.to_string())
        }
        // Its first backend it has from the beginning, and its last one goes on.
        Turn::Before | Turn::After => Ok(()),
    };
    let each = async |_, batch: Batch| {
        probe::carry_out(client, fixture, batch, sink).await;
        None
    };
    in_turn::carry_out(Turn::ALL, probes, |it| it.aim.turn(), enter, each, otherwise, sink).await;
}
