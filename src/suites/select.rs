//! Which checks a suite means, and which of them the operator chose.

use super::{
    error::SuiteError,
    names::{self, UnknownCheck},
};
use crate::{
    check::{DynCheck, REGISTRY},
    suite::{Suite, covers, is_of_parity, is_of_targets},
};

impl Suite {
    /// Its checks, in the registry's order. Those of the operator's own Services are among them only
    /// where it names any, and those of the families' times only where it limits them.
    pub fn checks(&self) -> Vec<&'static dyn DynCheck> {
        let any = |id| {
            (!self.targets.is_empty() || !is_of_targets(id))
                && (self.max_family_gap.is_some() || !is_of_parity(id))
        };
        let held = |check: &&dyn DynCheck| self.names(check.id()) && any(check.id());
        REGISTRY.iter().copied().filter(held).collect()
    }

    /// Makes sure that every check it names exists.
    ///
    /// # Errors
    /// The first name that doesn't.
    pub fn validate(&self) -> Result<(), UnknownCheck> {
        self.checks.iter().try_for_each(|name| names::known(name))
    }

    /// The suite's checks that the operator chose, in the registry's order: all of them, or those
    /// of `only`, less those of `skip`. Both hold ids and areas.
    ///
    /// # Errors
    /// Where a name is no check at all, or one of `only` isn't in this suite.
    pub fn select(
        &self,
        only: &[String],
        skip: &[String],
    ) -> Result<Vec<&'static dyn DynCheck>, SuiteError> {
        let checks = self.checks();
        for name in only.iter().chain(skip) {
            names::known(name)?;
        }
        let absent = only.iter().find(|name| !checks.iter().any(|check| covers(name, check.id())));
        if let Some(name) = absent.filter(|name| is_of_targets(name) && self.targets.is_empty()) {
            return Err(SuiteError::NoTarget { name: name.clone() });
        }
        if let Some(name) =
            absent.filter(|name| is_of_parity(name) && self.max_family_gap.is_none())
        {
            return Err(SuiteError::NoLimit { name: name.clone() });
        }
        if let Some(name) = absent {
            let holds: Vec<_> = checks.iter().map(|check| check.id()).collect();
            return Err(SuiteError::NotInSuite {
                suite: self.name.clone(),
                name: name.clone(),
                holds: holds.join(", "),
            });
        }
        let hit = |names: &[String], id: &str| names.iter().any(|name| covers(name, id));
        Ok(checks
            .into_iter()
            .filter(|check| only.is_empty() || hit(only, check.id()))
            .filter(|check| !hit(skip, check.id()))
            .collect())
    }

    /// The suite with these checks and no others. A run records what it was asked to do, and a
    /// case that is blocked by a check that is not run says so.
    #[must_use]
    pub fn narrowed(mut self, checks: &[&'static dyn DynCheck]) -> Self {
        self.checks = checks.iter().map(|check| check.id().to_owned()).collect();
        if !self.checks.iter().any(|check| is_of_targets(check)) {
            self.targets.clear();
        }
        if !self.checks.iter().any(|check| is_of_parity(check)) {
            self.max_family_gap = None;
        }
        self
    }
}
