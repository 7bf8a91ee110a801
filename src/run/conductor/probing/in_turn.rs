//! What is tried while something of the run's own holds in the cluster: one thing after the other, each
//! with its probes.

use crate::probe::{Observation, Probe, ProbeId, Sink};

/// Probes with their ids.
pub(super) type Batch = Vec<(ProbeId, Probe)>;

/// Carries these probes out, those of one step after those of the other.
///
/// `enter` makes a step hold. `each` carries its probes out, and says why no further step is tried where
/// that would tell nothing. Where a step can't be made to hold, its probes and those of all others are lost
/// for that reason; those that are of no step are lost for `otherwise`.
pub(super) async fn carry_out<S: Copy + PartialEq>(
    steps: impl IntoIterator<Item = S>,
    mut probes: Batch,
    of: impl Fn(&Probe) -> Option<S>,
    mut enter: impl AsyncFnMut(S) -> Result<(), String>,
    mut each: impl AsyncFnMut(S, Batch) -> Option<String>,
    otherwise: &str,
    sink: &Sink,
) {
    let mut over = None;
    for step in steps {
        let of_step = |(_, probe): &mut (ProbeId, Probe)| of(probe) == Some(step);
        let batch: Batch = probes.extract_if(.., of_step).collect();
        if batch.is_empty() {
            continue;
        }
        if over.is_none() {
            over = enter(step).await.err();
        }
        match &over {
            Some(reason) => lose(batch, reason, sink),
            None => over = each(step, batch).await,
        }
    }
    lose(probes, otherwise, sink);
}

/// Tells that these probes were not carried out, and why.
pub(super) fn lose(probes: Batch, reason: &str, sink: &Sink) {
    for (id, _) in probes {
        // Nobody listens any more where the run is over.
        let lost = Some(reason.to_owned());
        let _ = sink.send((id, Observation { attempts: Vec::new(), lost }));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        fixture::Turn,
        probe::{Aim, Attempts, ProbeTable, Target, Vantage},
    };

    fn probes() -> Batch {
        let mut table = ProbeTable::default();
        let aims = [Some(Turn::Back), None, Some(Turn::Before), Some(Turn::Gone)];
        let probe = |turn: Option<Turn>| Probe {
            vantage: Vantage::Outside,
            aim: turn.map_or(Aim::KubernetesService, |turn| Aim::Changing { turn }),
            target: Target::Tcp { address: ([10, 0, 0, 1], 80).into() },
            attempts: Attempts {
                timeout_ms: 1,
                patience_ms: 1,
                settle_ms: 0,
                distinct: 1,
                successes: 1,
                bound: 0,
            },
        };
        let probes = aims.map(probe);
        probes.into_iter().map(|probe| (table.add(probe.clone()), probe)).collect()
    }

    /// The steps whose probes were carried out, and why the others were not.
    async fn tried(refused: Option<Turn>, last: Option<Turn>) -> (Vec<Turn>, Vec<String>) {
        let (sink, mut seen) = mpsc::unbounded_channel();
        let done = RefCell::new(Vec::new());
        let enter = async |turn| {
            if Some(turn) == refused { Err("refused".to_owned()) } else { Ok(()) }
        };
        let each = async |turn, _| {
            done.borrow_mut().push(turn);
            (Some(turn) == last).then(|| "enough".to_owned())
        };
        carry_out(Turn::ALL, probes(), |it| it.aim.turn(), enter, each, "no step", &sink).await;
        drop(sink);
        let mut reasons = Vec::new();
        while let Some((_, observation)) = seen.recv().await {
            reasons.push(observation.lost.unwrap());
        }
        (done.into_inner(), reasons)
    }

    #[tokio::test]
    async fn steps_come_in_their_order_and_what_is_of_none_is_lost() {
        let (done, reasons) = tried(None, None).await;
        assert_eq!(done, [Turn::Before, Turn::Gone, Turn::Back]);
        assert_eq!(reasons, ["no step"]);
    }

    #[tokio::test]
    async fn a_step_that_cannot_hold_ends_it_and_so_does_one_after_which_nothing_tells_more() {
        let (done, reasons) = tried(Some(Turn::Gone), None).await;
        assert_eq!(done, [Turn::Before]);
        assert_eq!(reasons, ["refused", "refused", "no step"]);
        let (done, reasons) = tried(None, Some(Turn::Before)).await;
        assert_eq!(done, [Turn::Before]);
        assert_eq!(reasons, ["enough", "enough", "no step"]);
    }
}
