//! Which causes came and which went.

use std::collections::{HashMap, HashSet};

use super::{
    model::{CauseChange, Causes},
    pairs::Pair,
};
use crate::{cause::Cause, record::Record};

/// Causes are the same where one rule says the same of both runs, or explains a case of both: its
/// words may hold an address or a number that differs.
pub(super) fn compare(old: &Record, new: &Record, pairs: &[Pair<'_>]) -> Causes {
    let names: HashMap<String, String> = pairs
        .iter()
        .filter_map(|pair| match pair {
            Pair::Both(before, now) => Some((before.case.name(), now.case.name())),
            Pair::Appeared(_) | Pair::RemovedCase(_) => None,
        })
        .collect();
    let mut open: Vec<(&Cause, HashSet<&str>)> = old
        .causes
        .iter()
        .map(|cause| {
            let today = cause.explains.iter().filter_map(|name| names.get(name));
            (cause, today.map(String::as_str).collect())
        })
        .collect();
    let mut causes = Causes::default();
    // What is said in the same words first, so that no other cause takes its place.
    let (same, rest): (Vec<&Cause>, Vec<&Cause>) = new.causes.iter().partition(|cause| {
        let before = open.iter().position(|(old, _)| old.id == cause.id && old.what == cause.what);
        before.map(|index| open.remove(index)).is_some()
    });
    causes.stayed.extend(same.into_iter().map(CauseChange::of));
    for cause in rest {
        let shares = |explained: &HashSet<&str>| {
            cause.explains.iter().any(|name| explained.contains(name.as_str()))
        };
        match open.iter().position(|(old, explained)| old.id == cause.id && shares(explained)) {
            Some(index) => {
                open.remove(index);
                causes.stayed.push(CauseChange::of(cause));
            }
            None => causes.came.push(CauseChange::of(cause)),
        }
    }
    causes.went = open.into_iter().map(|(cause, _)| CauseChange::of(cause)).collect();
    causes
}
