//! The rows: what is brought up or broken, and which of the product's suites look at it.

use dualstack::net::IpFamily;
use testbed::{
    fault::{self, Fault},
    shape::{SUITES, Shape, Suite},
    spec::Family,
};

use crate::{Error, beds::Beds, seen::Seen};

/// The suite that faults are judged by.
const DUAL_STACK: &str = "dual-stack";

/// One row of the matrix.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    /// The default cluster with nothing wrong.
    Healthy,
    /// The same cluster after all faults were repaired: each went without a trace.
    Mended,
    /// A healthy cluster of another shape or version.
    Shape(&'static Shape),
    /// The default cluster, broken in one way.
    Fault(Fault),
}

impl Row {
    /// Every row, in the order in which they run.
    pub(crate) fn all() -> Vec<Self> {
        let families = [Some(Family::V6), Some(Family::V4), None];
        let faults = families.into_iter().flat_map(Fault::examples).map(Self::Fault);
        let shapes = Shape::all().map(Self::Shape);
        [Self::Healthy].into_iter().chain(faults).chain([Self::Mended]).chain(shapes).collect()
    }

    /// The row's name: `fault/route-missing --family ipv6 --node n2 --to n3`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Healthy => "healthy".to_owned(),
            Self::Mended => "repaired".to_owned(),
            Self::Shape(shape) => format!("shape/{}", shape.name),
            Self::Fault(fault) => format!("fault/{fault}"),
        }
    }

    /// Brings about what the row is of, and lets the product look at it.
    pub(crate) fn run(&self, beds: &mut Beds<'_>) -> Result<Vec<Seen>, Error> {
        let programs = beds.programs;
        match self {
            Self::Healthy | Self::Mended => {
                let cluster = beds.shared()?;
                Ok(vec![programs.run(&cluster.kubeconfig(), DUAL_STACK)?])
            }
            Self::Fault(fault) => {
                let cluster = beds.shared()?;
                let injection = fault::injected(&cluster, fault)?;
                let seen = programs.run(&cluster.kubeconfig(), DUAL_STACK);
                injection.revert()?;
                cluster.wait_repaired()?;
                Ok(vec![seen?])
            }
            Self::Shape(shape) => beds.with(shape, |cluster| {
                let run = |suite: &Suite| programs.run(&cluster.kubeconfig(), suite.name);
                SUITES.iter().map(run).collect()
            }),
        }
    }

    /// Whether the product did what it should, in a word or two.
    pub(crate) fn verdict(&self, seen: &Seen) -> String {
        match self {
            Self::Healthy | Self::Mended => passes(seen),
            // It repairs itself, and a right tool says nothing of it.
            Self::Fault(Fault::ApiServerPaused(_)) => passes(seen),
            Self::Fault(fault) => caught(fault, seen),
            Self::Shape(shape) => judged(shape, seen),
        }
    }
}

/// Whether a cluster with nothing wrong was told to be so.
fn passes(seen: &Seen) -> String {
    if seen.is_green() { "passes" } else { "FALSE ALARM" }.to_owned()
}

/// Whether a fault was caught: red, in its own family alone, with a cause.
fn caught(fault: &Fault, seen: &Seen) -> String {
    let other = fault.family().map_or(0, |family| match family {
        Family::V4 => seen.failed_in(IpFamily::V6),
        Family::V6 => seen.failed_in(IpFamily::V4),
    });
    match seen {
        _ if seen.is_green() => "not caught".to_owned(),
        _ if !seen.is_red() => "not judged".to_owned(),
        _ if other > 0 => format!("caught; {other} red in the other family too"),
        _ if seen.causes.is_empty() => "caught, no cause named".to_owned(),
        _ => "caught".to_owned(),
    }
}

/// Whether a suite passes, or fails at least where it must.
fn judged(shape: &Shape, seen: &Seen) -> String {
    let failure = shape.fails().into_iter().find(|failure| failure.suite == seen.suite);
    let Some(failure) = failure else {
        return passes(seen);
    };
    let missed: Vec<&str> =
        failure.checks.into_iter().filter(|check| !seen.has_failed(check)).collect();
    if missed.is_empty() {
        "fails in the right places".to_owned()
    } else {
        format!("MISSES {}", missed.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn seen(suite: &str, exit: i32, red: &[(&str, IpFamily)], causes: &[&str]) -> Seen {
        let red = red.iter().map(|&(check, family)| ((check.to_owned(), Some(family)), 1));
        Seen {
            suite: suite.to_owned(),
            exit: Some(exit),
            red: red.collect::<BTreeMap<_, _>>(),
            causes: causes.iter().map(|&cause| cause.to_owned()).collect::<BTreeSet<_>>(),
            ..Seen::default()
        }
    }

    fn ipv6_fault() -> Fault {
        Fault::examples(Family::V6).into_iter().next().unwrap()
    }

    #[test]
    fn a_fault_is_caught_only_by_a_red_run() {
        let own = [("pod::reachable", IpFamily::V6)];
        let verdict = |seen: &Seen| caught(&ipv6_fault(), seen);
        assert_eq!(verdict(&seen(DUAL_STACK, 0, &[], &[])), "not caught");
        assert_eq!(verdict(&seen(DUAL_STACK, 5, &[], &[])), "not judged");
        assert_eq!(verdict(&seen(DUAL_STACK, 1, &own, &[])), "caught, no cause named");
        assert_eq!(verdict(&seen(DUAL_STACK, 1, &own, &["pod_route_missing"])), "caught");
    }

    #[test]
    fn red_cases_of_the_other_family_are_told() {
        let both = [("pod::reachable", IpFamily::V4), ("pod::reachable", IpFamily::V6)];
        let verdict = caught(&ipv6_fault(), &seen(DUAL_STACK, 1, &both, &["x"]));
        assert_eq!(verdict, "caught; 1 red in the other family too");
    }

    #[test]
    fn a_suite_that_must_fail_is_held_to_its_places() {
        let shape = Shape::find("single-stack-ipv4").unwrap();
        assert_eq!(judged(shape, &seen("single-stack-ipv4", 0, &[], &[])), "passes");
        assert_eq!(judged(shape, &seen("single-stack-ipv4", 1, &[], &[])), "FALSE ALARM");
        let verdict = judged(shape, &seen("dual-stack", 0, &[], &[]));
        assert!(verdict.starts_with("MISSES node::pod_cidrs"), "{verdict}");
    }

    #[test]
    fn no_two_rows_have_the_same_name() {
        let mut names: Vec<_> = Row::all().iter().map(Row::name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
