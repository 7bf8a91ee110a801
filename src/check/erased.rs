//! Checks without the types of their subjects: what the registry holds and a run works with.

use std::fmt;

use super::{
    Check, Planned, Promise, Readings, Subject, Verdict, World, case::Work, groups::Groups,
};
use crate::{net::IpFamily, probe::Probe};

/// A check, whatever its cases are about.
pub trait DynCheck: Sync {
    /// What it promises.
    fn promise(&self) -> &'static Promise;

    /// `area::name`.
    fn id(&self) -> &'static str {
        self.promise().id
    }

    /// Its cases in this world.
    fn cases(&'static self, world: World<'_>) -> Vec<PlannedCase>;

    /// A cluster of the lab in which it fails, where none does that is broken for other checks.
    #[cfg(test)]
    #[expect(private_interfaces, reason = "only the tests of this crate have a lab")]
    fn broken(&self) -> Option<crate::lab::Lab>;
}

/// A case that was planned, and how it is judged.
#[derive(Debug)]
pub struct PlannedCase {
    /// What is judged.
    pub subject: Subject,
    /// In which family; `None` where both are judged at once.
    pub family: Option<IpFamily>,
    /// The probes that it is about.
    pub probes: Vec<Probe>,
    /// The probes that it only compares with.
    pub witnesses: Vec<Probe>,
    /// What tells the verdict when the probes are done.
    pub judge: Judge,
}

/// What tells the verdict on a case.
pub struct Judge(Box<Function>);

type Function = dyn Fn(World<'_>, &Readings<'_>) -> Verdict + Send + Sync;

impl Judge {
    /// One that is known already.
    pub(super) fn settled(verdict: Verdict) -> Self {
        Self(Box::new(move |_, _| verdict.clone()))
    }

    /// The verdict.
    pub fn judge(&self, world: World<'_>, readings: &Readings<'_>) -> Verdict {
        (self.0)(world, readings)
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}

impl<C: Check> DynCheck for C {
    fn promise(&self) -> &'static Promise {
        &C::PROMISE
    }

    fn cases(&'static self, world: World<'_>) -> Vec<PlannedCase> {
        let groups = Groups::of(world);
        let planned = self.plan(world).into_iter();
        planned
            .map(|planned| match groups.without(&planned) {
                Some(reason) if !C::PROMISE.knows_groups => {
                    let verdict = Verdict::skip(reason);
                    Planned::settled(planned.subject, planned.family, verdict)
                }
                _ => planned,
            })
            .map(|planned| PlannedCase {
                subject: planned.subject,
                family: planned.family,
                probes: planned.probes,
                witnesses: planned.witnesses,
                judge: match planned.work {
                    Work::Judge(subject) => Judge(Box::new(move |world, readings| {
                        self.judge(world, &subject, readings)
                    })),
                    Work::Settled(verdict) => Judge::settled(verdict),
                },
            })
            .collect()
    }

    #[cfg(test)]
    #[expect(private_interfaces, reason = "only the tests of this crate have a lab")]
    fn broken(&self) -> Option<crate::lab::Lab> {
        Check::broken(self)
    }
}

impl fmt::Debug for dyn DynCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
