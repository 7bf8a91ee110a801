//! The pods that ask DNS for what it says of a family, one on each node.

use super::questions;
use crate::{
    check::{
        Blocked, Planned, Reading, Readings, Subject, Symptom, Verdict, World, outcome,
        plan::{self, Source},
    },
    net::IpFamily,
    probe::Probe,
};

/// A pod that asks for records.
#[derive(Debug)]
pub(in crate::check) struct Asker {
    pub(super) from: String,
    /// That of the records; over which one is asked, they don't say.
    pub(super) family: IpFamily,
}

/// A case of each node and family: what its pod asks for, beside a question whose answer is known, and one to each
/// DNS server.
pub(super) fn cases(
    world: World<'_>,
    asks: impl Fn(&Source<'_>, IpFamily) -> Result<Vec<Probe>, Blocked>,
    known: impl Fn(&Source<'_>, IpFamily) -> Option<Probe>,
) -> Vec<Planned<Asker>> {
    let mut cases = Vec::new();
    for family in plan::families(world.suite) {
        for source in plan::pods(world) {
            let from = source.label.clone();
            let case = Planned::probing(world, Subject::path(&from, "DNS"), family, || {
                source.up()?;
                Ok((Asker { from, family }, asks(&source, family)?))
            });
            let beside = known(&source, family).into_iter();
            let beside: Vec<Probe> = beside.chain(questions::asked_from(world, &source)).collect();
            cases.push(case.beside(&beside));
        }
    }
    cases
}

/// The wrong answer to judge; the verdict, where there is none or `elsewhere` explains it.
pub(super) fn wrong<'a>(
    world: World<'_>,
    readings: &'a Readings<'_>,
    elsewhere: impl Fn(&Readings<'_>) -> Option<Blocked>,
) -> Result<(&'a Reading<'a>, &'a Symptom), Verdict> {
    let Some(wrong) = outcome::bad(&readings.own).next() else {
        return Err(outcome::unless_unknown(&readings.own));
    };
    elsewhere(readings).map_or(Ok(wrong), |blocked| Err(blocked.verdict(world.suite)))
}
