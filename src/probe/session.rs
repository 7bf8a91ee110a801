//! One run of the script in one pod: from its lines to observations. Pure.

use super::{Attempt, Batch, Observation, Probe, ProbeId, script::Line, tool};

/// The probes of one run of the script, and what came of them so far.
#[derive(Debug)]
pub(super) struct Session {
    probes: Vec<Running>,
    greeted: bool,
}

#[derive(Debug)]
struct Running {
    id: ProbeId,
    probe: Probe,
    attempts: Vec<Attempt>,
    /// How many of them were made in earlier runs of the script, which broke off.
    earlier: usize,
    /// Why no outcome could be had of an attempt.
    unusable: Option<String>,
    done: bool,
}

impl Running {
    fn observation(&mut self, lost: Option<String>) -> (ProbeId, Observation) {
        self.done = true;
        let attempts = std::mem::take(&mut self.attempts);
        (self.id, Observation { attempts, lost })
    }
}

impl Session {
    /// A run of the script for probes that it knows by their place in this batch.
    pub(super) fn new(probes: Batch) -> Self {
        let running = |(id, probe): (ProbeId, Probe)| Running {
            id,
            probe,
            attempts: Vec::new(),
            earlier: 0,
            unusable: None,
            done: false,
        };
        Self { probes: probes.into_iter().map(running).collect(), greeted: false }
    }

    /// Another run of the script for the probes that aren't done. The attempts that were received stay, so that
    /// no failure is hidden by what comes after it.
    pub(super) fn resumed(self) -> Self {
        let left = self.probes.into_iter().filter(|running| !running.done);
        let again = |running: Running| Running {
            earlier: running.attempts.len(),
            unusable: None,
            ..running
        };
        Self { probes: left.map(again).collect(), greeted: false }
    }

    /// The probes of this run of the script, in their places.
    pub(super) fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.probes.iter().map(|running| &running.probe)
    }

    /// Whether all probes are done.
    pub(super) fn is_done(&self) -> bool {
        self.probes.iter().all(|running| running.done)
    }

    /// Takes a line. Returns the observation, where that ends a probe.
    pub(super) fn line(&mut self, line: &str) -> Option<(ProbeId, Observation)> {
        match Line::read(line)? {
            Line::Hello => self.greeted = true,
            Line::Done => {}
            Line::Attempt { id, succeeded, millis, printed } => {
                let running = self.probes.get_mut(id)?;
                match tool::outcome(&running.probe.target, &printed) {
                    Ok(outcome) if outcome.succeeded() == succeeded => {
                        running.attempts.push(Attempt { millis, outcome });
                    }
                    Ok(outcome) => {
                        let took = if succeeded { "a success" } else { "a failure" };
                        running.unusable =
                            Some(format!("the script in the pod took this for {took}: {outcome}"));
                    }
                    Err(reason) => running.unusable = Some(reason),
                }
            }
            Line::End { id, attempts } => {
                let running = self.probes.get_mut(id).filter(|running| !running.done)?;
                let lost = running.unusable.take().or_else(|| {
                    let seen = running.attempts.len() - running.earlier;
                    (seen != attempts || seen == 0)
                        .then(|| format!("{seen} of {attempts} attempts were received"))
                });
                return Some(running.observation(lost));
            }
        }
        None
    }

    /// Gives up one probe.
    pub(super) fn lose(&mut self, place: usize, reason: String) -> Option<(ProbeId, Observation)> {
        let running = self.probes.get_mut(place).filter(|running| !running.done)?;
        Some(running.observation(Some(reason)))
    }

    /// Gives up all that isn't done.
    pub(super) fn lose_all(&mut self, reason: &str) -> Vec<(ProbeId, Observation)> {
        let left = self.probes.iter_mut().filter(|running| !running.done);
        left.map(|running| running.observation(Some(reason.to_owned()))).collect()
    }

    /// Whether the script was heard of.
    pub(super) const fn greeted(&self) -> bool {
        self.greeted
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::probe::{Aim, Attempts, Outcome, ProbeTable, Target, Vantage};

    fn session(probes: usize) -> Session {
        let attempts = Attempts {
            timeout_ms: 2000,
            patience_ms: 2000,
            settle_ms: 0,
            distinct: 1,
            successes: 1,
            bound: 0,
        };
        let probe = |port| Probe {
            vantage: Vantage::Pod { node: "n1".to_owned() },
            aim: Aim::Node { node: "n1".to_owned() },
            target: Target::Tcp { address: ([127, 0, 0, 1], port).into() },
            attempts,
        };
        let mut table = ProbeTable::default();
        let probes = (1..=probes).map(|port| probe(u16::try_from(port).unwrap()));
        Session::new(probes.map(|probe| (table.add(probe.clone()), probe)).collect())
    }

    const OPEN: &str = "whole\t+\t1\t0\t127.0.0.1 (127.0.0.1:1) open\\nsent 0, rcvd 0\\n\t";
    const REFUSED: &str = "whole\t-\t1\t0\tnc: 127.0.0.1 (127.0.0.1:2): Connection refused\\n\t";

    #[test]
    fn an_observation_comes_with_its_probes_end() {
        let mut session = session(2);
        assert_eq!(session.line("h\t3"), None);
        assert_eq!(session.line(&format!("a\t1\t{REFUSED}")), None);
        assert_eq!(session.line(&format!("a\t0\t{OPEN}")), None);
        let (_, observation) = session.line("e\t0\t1").unwrap();
        assert_eq!(observation.attempts, [Attempt { millis: 10, outcome: Outcome::Connected }]);
        assert_eq!(observation.lost, None);
        let (_, observation) = session.line("e\t1\t1").unwrap();
        assert_eq!(observation.attempts[0].outcome, Outcome::Refused);
        assert_eq!(session.lose_all("the exec broke"), []);
    }

    #[test]
    fn what_has_no_end_is_lost_with_the_attempts_that_were_made() {
        let mut session = session(2);
        session.line(&format!("a\t0\t{REFUSED}"));
        let lost = session.lose_all("the exec broke");
        assert_eq!(lost.len(), 2);
        assert_eq!(lost[0].1.attempts.len(), 1);
        assert!(lost.iter().all(|(_, lost)| lost.lost.as_deref() == Some("the exec broke")));
    }

    #[test]
    fn what_a_broken_run_left_is_asked_again_and_keeps_the_attempts_that_were_made() {
        let mut session = session(3);
        session.line(&format!("a\t0\t{OPEN}"));
        session.line("e\t0\t1").unwrap();
        session.line(&format!("a\t2\t{REFUSED}"));
        let mut again = session.resumed();
        let ports: Vec<_> = again.probes().filter_map(|probe| probe.target.address()).collect();
        assert_eq!(ports.iter().map(SocketAddr::port).collect::<Vec<_>>(), [2, 3]);
        again.line(&format!("a\t1\t{OPEN}"));
        let (_, observation) = again.line("e\t1\t1").unwrap();
        assert_eq!(observation.lost, None);
        let outcomes: Vec<_> = observation.attempts.into_iter().map(|it| it.outcome).collect();
        assert_eq!(outcomes, [Outcome::Refused, Outcome::Connected]);
        assert!(!again.is_done());
    }

    #[test]
    fn a_missing_attempt_loses_the_probe() {
        let mut session = session(1);
        session.line(&format!("a\t0\t{OPEN}"));
        let (_, observation) = session.line("e\t0\t2").unwrap();
        assert_eq!(observation.lost.as_deref(), Some("1 of 2 attempts were received"));
        assert!(session.line("e\t0\t2").is_none());
    }

    #[test]
    fn an_attempt_without_an_outcome_loses_the_probe() {
        let mut session = session(1);
        session.line("a\t0\twhole\t-\t1\t0\tsh: nc: not found\\n\t");
        let lost = session.line("e\t0\t1").unwrap().1.lost.unwrap();
        assert_eq!(lost, "nc in the pod could not run: sh: nc: not found");
    }

    #[test]
    fn a_success_that_only_the_script_saw_is_none() {
        let mut session = session(1);
        session.line(&format!("a\t0\t{}", REFUSED.replace('-', "+")));
        let lost = session.line("e\t0\t1").unwrap().1.lost.unwrap();
        assert_eq!(lost, "the script in the pod took this for a success: refused");
    }

    proptest! {
        #[test]
        fn no_lines_make_it_panic_and_every_probe_ends_once(
            lines in proptest::collection::vec("[ae]\t[0-3](\t(whole|late|cut|[+-]|1|0|wget: x|  \
             HTTP/1.1 200|\\\\n)){0,7}", 0..20)
        ) {
            let mut session = session(3);
            let ended = lines.iter().filter_map(|line| session.line(line)).count();
            prop_assert_eq!(ended + session.lose_all("over").len(), 3);
        }
    }
}
