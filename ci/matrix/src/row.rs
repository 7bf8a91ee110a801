//! The rows: what is brought up or broken, and which of the product's suites look at it.

use testbed::{
    cluster::Cluster,
    fault::{self, Fault},
    shape::{NETWORKS, SUITES, Shape, Suite},
    spec::Family,
};

use crate::{
    beds::Beds,
    error::Error,
    output::say,
    programs::Programs,
    seen::Seen,
    truth::{self, Judgement},
};

/// The suite that healthy clusters are judged by.
const DUAL_STACK: &str = "dual-stack";

/// One row of the matrix.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    /// The default cluster with nothing wrong.
    Healthy,
    /// The same cluster after all faults were repaired: each went without a trace.
    Repaired,
    /// A healthy cluster of another shape or version.
    Shape(&'static Shape),
    /// The default cluster, broken in one way.
    Fault(Fault),
    /// A cluster over another pod network, broken in one of that network's ways.
    NetworkFault(&'static Shape, Fault),
}

impl Row {
    /// Every row, in the order in which they run.
    pub(crate) fn all() -> Vec<Self> {
        let families = [Some(Family::V6), Some(Family::V4), None];
        let faults = families.into_iter().flat_map(Fault::examples).map(Self::Fault);
        let shapes = Shape::all().map(Self::Shape);
        let networks = NETWORKS.iter().flat_map(|shape| {
            let faults = move |family| Fault::examples_on(shape.cni(), family);
            families.into_iter().flat_map(faults).map(move |fault| Self::NetworkFault(shape, fault))
        });
        [Self::Healthy]
            .into_iter()
            .chain(faults)
            .chain([Self::Repaired])
            .chain(shapes)
            .chain(networks)
            .collect()
    }

    /// The row's name: `fault/route-missing --family ipv6 --node n2 --to n3`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Healthy => "healthy".to_owned(),
            Self::Repaired => "repaired".to_owned(),
            Self::Shape(shape) => format!("shape/{}", shape.name),
            Self::Fault(fault) => format!("fault/{fault}"),
            Self::NetworkFault(shape, fault) => format!("{}/{fault}", shape.name),
        }
    }

    /// Brings about what the row is of, and lets the product look at it.
    pub(crate) fn run(&self, beds: &mut Beds<'_>) -> Result<Vec<Seen>, Error> {
        let programs = beds.programs;
        match self {
            Self::Healthy | Self::Repaired => {
                let cluster = beds.shared()?;
                let mut seen =
                    Seen::of(DUAL_STACK, &programs.run(&cluster.kubeconfig(), DUAL_STACK, &[])?);
                seen.result = passes(&seen);
                Ok(vec![seen])
            }
            Self::Fault(fault) => Ok(vec![broken(programs, &beds.shared()?, fault)?]),
            Self::NetworkFault(shape, fault) => {
                beds.with(shape, |cluster| Ok(vec![broken(programs, cluster, fault)?]))
            }
            Self::Shape(shape) => beds.with(shape, |cluster| {
                let run = |suite: &Suite| {
                    let ended = programs.run(&cluster.kubeconfig(), suite.name, &[])?;
                    let mut seen = Seen::of(suite.name, &ended);
                    seen.result = judged(shape, &seen);
                    Ok(seen)
                };
                SUITES.iter().map(run).collect()
            }),
        }
    }
}

/// What is said of a cluster while a fault is in it.
fn broken(programs: &Programs, cluster: &Cluster, fault: &Fault) -> Result<Seen, Error> {
    let injection = fault::injected(cluster, fault)?;
    let suite = truth::suite(fault);
    let ended = programs.run(&cluster.kubeconfig(), suite, &truth::options(fault));
    injection.revert()?;
    cluster.wait_repaired()?;
    let ended = ended?;
    let mut seen = Seen::of(suite, &ended);
    seen.result = "not judged".to_owned();
    if let Some(record) = &ended.record {
        let judgement = Judgement::of(fault, record, &cluster.record().spec);
        seen.result = judgement.in_words();
        for (what, cases) in judgement.unfit() {
            say(&format!("  {what}: {}", cases.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
        seen.judgement = Some(judgement);
    }
    Ok(seen)
}

/// Whether a cluster with nothing wrong was told to be so.
fn passes(seen: &Seen) -> String {
    if seen.is_green() { "passes" } else { "FALSE ALARM" }.to_owned()
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
    use super::*;

    fn seen(suite: &str, exit: i32) -> Seen {
        Seen { suite: suite.to_owned(), exit: Some(exit), ..Seen::default() }
    }

    #[test]
    fn a_suite_that_must_fail_is_held_to_its_places() {
        let shape = Shape::named("single-stack-ipv4").unwrap();
        assert_eq!(judged(shape, &seen("single-stack-ipv4", 0)), "passes");
        assert_eq!(judged(shape, &seen("single-stack-ipv4", 1)), "FALSE ALARM");
        let verdict = judged(shape, &seen("dual-stack", 0));
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
