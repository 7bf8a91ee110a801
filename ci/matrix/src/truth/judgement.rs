//! What is right and wrong about a run on a broken cluster.

use std::collections::BTreeSet;

use dualstack::{
    check::{Status, Subject},
    record::Record,
};
use testbed::{
    fault::Fault,
    path::{Flow, Made, Net, Outcome, Path, describe},
    spec::Spec,
};

use super::{
    case::{self, Case},
    cause,
    paths::paths,
};

/// What is right and wrong about a run on a cluster with one fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The cases that are red as they must be.
    pub right: BTreeSet<String>,
    /// The cases that must be red and are not.
    pub missed: BTreeSet<String>,
    /// The cases that are red and must not be.
    pub wrong: BTreeSet<String>,
    /// The cases that are red and may be.
    pub possible: BTreeSet<String>,
    /// The cases that could be determined and were not.
    pub undetermined: BTreeSet<String>,
    /// The red cases that no cause explains.
    pub unexplained: BTreeSet<String>,
    /// The causes that were named, in the report's order.
    pub causes: Vec<String>,
    /// The causes of which one must be named; empty where any will do.
    pub right_causes: Vec<&'static str>,
    /// The causes that were named and must not be, each once: one fault has one cause.
    pub wrong_causes: BTreeSet<String>,
    /// The kinds of broken paths that no case covers.
    pub not_asked: Vec<String>,
}

impl Judgement {
    /// Holds a run on a cluster of three nodes against the fault that was in it.
    pub fn of(fault: &Fault, record: &Record, spec: &Spec) -> Self {
        let cases = case::cases(record);
        let causes = case::causes(record);
        let net = case::net(&cases, spec);
        let left_out = case::left_out(record);
        let podless = podless(fault, &net);
        let starts_none = starts_no_pods(fault) || podless.len() == net.nodes.len();
        let mut judgement = Self::default();
        let mut covered = BTreeSet::new();
        for case in &cases {
            let paths = paths(case, &net);
            let of =
                |paths: &[Path]| Outcome::all(paths.iter().map(|path| fault.outcome(path, &net)));
            let outcome = match of(&paths.all) {
                _ if starts_none && needs_pods(case, &paths.all) => Outcome::Unseen,
                _ if needs_pod_on(case, &podless) => Outcome::Unseen,
                // Nobody asked there.
                _ if is_of_node(case, &left_out) => Outcome::Unseen,
                Outcome::Works => match of(&paths.beside) {
                    Outcome::Fails | Outcome::Refused => Outcome::Either,
                    outcome => outcome,
                },
                outcome => outcome,
            };
            judgement.sort(case, outcome);
            covered.extend(paths.all.iter().map(as_before));
        }
        let explained: BTreeSet<&String> = causes.iter().flat_map(|(_, cases)| cases).collect();
        judgement.unexplained =
            judgement.right.iter().filter(|name| !explained.contains(name)).cloned().collect();
        judgement.causes = causes.iter().map(|(id, _)| id.clone()).collect();
        judgement.right_causes = cause::right(fault).to_vec();
        judgement.wrong_causes = judgement.not_allowed(cause::beside(fault));
        judgement.not_asked = not_asked(fault, &net, &covered);
        judgement
    }

    fn sort(&mut self, case: &Case, outcome: Outcome) {
        let place = match (outcome, case.status) {
            // The check that blocks it reports the fault.
            (_, Status::Skip) => return,
            (Outcome::Fails | Outcome::Refused, Status::Fail) => &mut self.right,
            (Outcome::Fails | Outcome::Refused, _) => &mut self.missed,
            (Outcome::Works | Outcome::Unseen, Status::Fail) => &mut self.wrong,
            (Outcome::Either, Status::Fail) => &mut self.possible,
            (Outcome::Works, Status::Inconclusive) => &mut self.undetermined,
            _ => return,
        };
        place.insert(case.name.clone());
    }

    /// The cases that are not as they must be, by what is wrong with them.
    pub fn unfit(&self) -> Vec<(&'static str, &BTreeSet<String>)> {
        let all = [
            ("missed", &self.missed),
            ("wrong", &self.wrong),
            ("undetermined", &self.undetermined),
            ("without a cause", &self.unexplained),
        ];
        all.into_iter().filter(|(_, cases)| !cases.is_empty()).collect()
    }

    /// Whether exactly the right cases are red, each with a cause, and the right one is named and no other.
    pub fn is_exact(&self) -> bool {
        self.unfit().is_empty()
            && self.wrong_causes.is_empty()
            && (!self.is_red() || self.has_right_cause())
    }

    /// The causes that were named, are not right and may not stand beside a right one either.
    fn not_allowed(&self, beside: &[&str]) -> BTreeSet<String> {
        // Where any will do, none is wrong.
        let any = self.right_causes.is_empty();
        let wrong = |id: &&String| !any && !self.is_right(id) && !beside.contains(&id.as_str());
        self.causes.iter().filter(wrong).cloned().collect()
    }

    /// Whether anything is red that may be.
    pub fn is_red(&self) -> bool {
        !self.right.is_empty() || !self.possible.is_empty()
    }

    /// Whether one of the right causes is named.
    pub fn has_right_cause(&self) -> bool {
        self.right_causes.is_empty() || self.causes.iter().any(|id| self.is_right(id))
    }

    /// Whether the cause that is named first is a right one.
    pub fn is_right_first(&self) -> bool {
        self.right_causes.is_empty() || self.causes.first().is_some_and(|id| self.is_right(id))
    }

    fn is_right(&self, cause: &str) -> bool {
        self.right_causes.contains(&cause)
    }

    /// Whether the run is not green for it and names a right cause, though nothing could be tried that it breaks.
    pub fn is_told(&self) -> bool {
        !self.is_red() && self.causes.iter().any(|id| self.is_right(id))
    }

    /// Whether the fault shows nowhere, and nothing was said of it: no tool could see it.
    pub fn is_invisible(&self) -> bool {
        !self.is_red() && self.missed.is_empty() && self.not_asked.is_empty()
    }

    /// The result in a few words.
    pub fn in_words(&self) -> String {
        let mut parts: Vec<String> = self
            .unfit()
            .into_iter()
            .map(|(what, cases)| {
                // What makes the product wrong stands out.
                let loud = ["missed", "wrong"].contains(&what);
                let what = if loud { what.to_uppercase() } else { what.to_owned() };
                format!("{} {what}", cases.len())
            })
            .collect();
        let head = match (!self.is_red(), self.not_asked.is_empty()) {
            (false, _) => "caught",
            (true, _) if self.is_told() => "not determined, and told why",
            (true, _) if !self.missed.is_empty() => "not caught",
            (true, false) => "not caught: nothing asks",
            (true, true) => "passes",
        };
        if self.is_red() && !self.has_right_cause() {
            parts.push(format!("not {}", self.right_causes.join(" or ")));
        }
        if !self.wrong_causes.is_empty() {
            let causes: Vec<&str> = self.wrong_causes.iter().map(String::as_str).collect();
            parts.push(format!("WRONG CAUSE {}", causes.join(", ")));
        }
        let all: Vec<String> = [head.to_owned()].into_iter().chain(parts).collect();
        all.join("; ")
    }
}

/// Whether new Deployments get no pods on any node, so that a run can try nothing: the testbed's
/// own pods name their nodes and need neither component.
const fn starts_no_pods(fault: &Fault) -> bool {
    matches!(fault, Fault::ControllerManagerStopped(_) | Fault::SchedulerStopped(_))
}

/// The nodes on which no pod starts while the fault lasts: a run's own are all made then, and ask of older things,
/// too.
fn podless<'n>(fault: &Fault, net: &'n Net) -> Vec<&'n str> {
    let none_starts = |node: &&str| {
        net.families.iter().all(|&family| {
            let made = Made::After;
            let pod = Path::PodAddress { node: (*node).to_owned(), family, made };
            fault.outcome(&pod, net) == Outcome::Unseen
        })
    };
    net.nodes.iter().map(String::as_str).filter(none_starts).collect()
}

/// Whether it is asked by, or of, a pod of the run's own on one of these nodes.
fn needs_pod_on(case: &Case, nodes: &[&str]) -> bool {
    match &case.subject {
        Subject::Path { from, .. } => nodes.contains(&from.as_str()),
        Subject::Pod { node, .. } => {
            case.check.starts_with("pod::") && nodes.contains(&node.as_str())
        }
        Subject::Node { name } => {
            !case.check.starts_with("node::") && nodes.contains(&name.as_str())
        }
        Subject::Cluster | Subject::Service { .. } => false,
    }
}

/// Whether it stands for all that was not tried of a node.
fn is_of_node(case: &Case, nodes: &[&str]) -> bool {
    case.family.is_none()
        && matches!(&case.subject, Subject::Node { name } if nodes.contains(&name.as_str()))
}

fn needs_pods(case: &Case, paths: &[Path]) -> bool {
    paths.is_empty()
        || case.check.starts_with("pod::")
        || paths.iter().any(|path| !matches!(path, Path::PodRange { .. } | Path::InternalIp { .. }))
}

/// The kinds of paths that a fault surely breaks and that none of the covered ones stands for.
fn not_asked(fault: &Fault, net: &Net, covered: &BTreeSet<Path>) -> Vec<String> {
    let all: Vec<Path> = [Made::Before, Made::After].map(|made| net.paths(made)).concat();
    let lost =
        |path: &&Path| fault.outcome(path, net).is_failure() && !covered.contains(&as_before(path));
    describe(all.iter().filter(lost), net)
}

/// The same path between what was made before: a run makes all of its own anew.
fn as_before(path: &Path) -> Path {
    let made = Made::Before;
    match path.clone() {
        Path::Flow(flow) => Path::Flow(Flow { made, ..flow }),
        Path::PodAddress { node, family, .. } => Path::PodAddress { node, family, made },
        Path::Name { node, family, .. } => Path::Name { node, family, made },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fault with one red case that it must turn red, of which these causes were named.
    fn judged(named: &[&str], right: &[&'static str], beside: &[&str]) -> Judgement {
        let mut judgement = Judgement {
            right: ["a case".to_owned()].into(),
            causes: named.iter().map(|&id| id.to_owned()).collect(),
            right_causes: right.to_vec(),
            ..Judgement::default()
        };
        judgement.wrong_causes = judgement.not_allowed(beside);
        judgement
    }

    #[test]
    fn a_further_cause_that_is_not_allowed_makes_a_right_one_inexact() {
        let alone = judged(&["path_mtu", "path_mtu"], &["path_mtu"], &[]);
        assert!(alone.is_exact());
        assert_eq!(alone.in_words(), "caught");
        let further = judged(&["path_mtu", "udp_dropped"], &["path_mtu"], &[]);
        assert!(further.has_right_cause() && further.is_right_first());
        assert!(!further.is_exact());
        assert_eq!(further.in_words(), "caught; WRONG CAUSE udp_dropped");
    }

    #[test]
    fn what_may_stand_beside_the_right_cause_does_not_stand_for_it() {
        let both = judged(&["services_changed", "path_mtu"], &["services_changed"], &["path_mtu"]);
        assert!(both.is_exact(), "{both:#?}");
        let without = judged(&["path_mtu"], &["services_changed"], &["path_mtu"]);
        assert!(!without.is_exact());
        assert_eq!(without.in_words(), "caught; not services_changed");
    }

    #[test]
    fn where_any_cause_will_do_none_is_wrong() {
        assert!(judged(&["path_mtu", "udp_dropped"], &[], &[]).is_exact());
    }
}
