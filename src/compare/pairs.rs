//! Which case of one run is which of the other.

use std::collections::{HashMap, VecDeque};

use crate::{
    cause::Judged,
    check::{Case, Subject},
};

/// A case in both runs, or in one of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pair<'a> {
    /// In both: the earlier and the later one.
    Both(&'a Judged, &'a Judged),
    /// In the later run alone.
    Appeared(&'a Judged),
    /// In the earlier run alone.
    RemovedCase(&'a Judged),
}

/// Matches cases, those of the later run first and in its order: by their names; then pods that the
/// cluster has replaced, on the same node or else anywhere.
pub(super) fn pairs<'a>(old: &'a [Judged], new: &'a [Judged]) -> Vec<Pair<'a>> {
    let mut of_new: Vec<Option<&Judged>> = vec![None; new.len()];
    let mut used = vec![false; old.len()];
    let keys: [fn(&Case) -> Option<String>; 3] =
        [|case| Some(case.name()), |case| replaced(case, true), |case| replaced(case, false)];
    for key in keys {
        let mut open: HashMap<String, VecDeque<usize>> = HashMap::new();
        let left = old.iter().enumerate().filter(|(index, _)| !used[*index]);
        let left: Vec<_> =
            left.filter_map(|(index, judged)| Some((key(&judged.case)?, index))).collect();
        for (key, index) in left {
            open.entry(key).or_default().push_back(index);
        }
        for (judged, found) in new.iter().zip(&mut of_new).filter(|(_, found)| found.is_none()) {
            let Some(key) = key(&judged.case) else { continue };
            if let Some(index) = open.get_mut(&key).and_then(VecDeque::pop_front) {
                used[index] = true;
                *found = old.get(index);
            }
        }
    }
    let matched = new.iter().zip(of_new).map(|(now, before)| match before {
        Some(before) => Pair::Both(before, now),
        None => Pair::Appeared(now),
    });
    let gone = old.iter().zip(&used).filter(|(_, used)| !**used);
    matched.chain(gone.map(|(judged, _)| Pair::RemovedCase(judged))).collect()
}

/// What the case of a pod that isn't ours is called without the random part of its name; `None` for
/// any other case.
fn replaced(case: &Case, on_its_node: bool) -> Option<String> {
    let Subject::Pod { workload, node } = &case.subject else { return None };
    if !is_of_others(workload) {
        return None;
    }
    let family = case.family.map_or("both", |family| family.slug());
    let node = if on_its_node { node } else { "" };
    Some(format!("{}/{family}/{}/{node}", case.check, owner(workload)))
}

/// Whether a pod is not one of ours, whose cases name them by what they are.
pub(super) fn is_of_others(workload: &str) -> bool {
    !matches!(workload, "nginx" | "busybox")
}

/// The name of a pod without what a ReplicaSet or DaemonSet adds: `coredns` of
/// `coredns-589f44dc88-c4g7q`.
fn owner(pod: &str) -> &str {
    // The letters and digits that Kubernetes makes random names of.
    let random = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len())
            && part.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
    };
    let Some((rest, _)) = pod.rsplit_once('-').filter(|(_, last)| random(last, 5..=5)) else {
        return pod;
    };
    rest.rsplit_once('-').filter(|(_, hash)| random(hash, 6..=10)).map_or(rest, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pods_owner_is_its_name_without_the_random_part() {
        assert_eq!(owner("coredns-589f44dc88-c4g7q"), "coredns");
        assert_eq!(owner("rke2-coredns-rke2-coredns-67b9d8d7c-hxk2x"), "rke2-coredns-rke2-coredns");
        assert_eq!(owner("node-local-dns-x7x2p"), "node-local-dns");
        for own in ["coredns-0", "coredns-a", "kube-dns", "dns"] {
            assert_eq!(owner(own), own);
        }
    }
}
