//! The rows or columns of a map of paths: every end of a path by itself where there are few, and
//! otherwise those that stand out by themselves and the others in groups.

use std::collections::HashMap;

/// How many ends have their own row.
const MOST: usize = 24;
/// How many ends that stand out have one where there are more.
const STANDOUTS: usize = 8;
/// How many groups the others of one kind are put into.
const GROUPS: usize = 16;
/// What a source in a node's own network is called by the checks, before the node's name.
const HOST: &str = "host network of ";

/// The ends of paths, in the order of the map.
#[derive(Debug, Default)]
pub(super) struct Axis {
    /// The name of each row.
    pub(super) names: Vec<String>,
    /// In which row an end is.
    places: HashMap<String, usize>,
}

/// What kind of end it is; only those of one kind are put into one group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Node,
    Host,
    Other,
}

impl Axis {
    /// An axis of these ends, each with whether its case went wrong. `node` says which are nodes,
    /// and in which place of all.
    pub(super) fn new<'a>(
        ends: impl IntoIterator<Item = (&'a str, bool)>,
        node: impl Fn(&str) -> Option<usize>,
    ) -> Self {
        let mut order: Vec<(&str, usize)> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (end, bad) in ends {
            let place = *known.entry(end).or_insert_with(|| {
                order.push((end, 0));
                order.len() - 1
            });
            if let (true, Some((_, count))) = (bad, order.get_mut(place)) {
                *count += 1;
            }
        }
        // Nodes in the cluster's order, from pods and then from the nodes' own network; what else
        // there is as it came.
        let kind = |end: &str| match end.strip_prefix(HOST) {
            Some(_) => Kind::Host,
            None if node(end).is_some() => Kind::Node,
            None => Kind::Other,
        };
        order.sort_by_key(|(end, _)| (kind(end), node(end.strip_prefix(HOST).unwrap_or(end))));
        let mut axis = Self::default();
        if order.len() <= MOST {
            order.iter().for_each(|(end, _)| axis.add(shortened(end), [*end]));
            return axis;
        }
        let standouts = standouts(&order);
        for (end, _) in order.iter().filter(|(end, _)| standouts.contains(end)) {
            axis.add(shortened(end), [*end]);
        }
        for of in [Kind::Node, Kind::Host, Kind::Other] {
            let rest = order.iter().map(|(end, _)| *end);
            let rest: Vec<&str> =
                rest.filter(|end| kind(end) == of && !standouts.contains(end)).collect();
            let size = if rest.len() <= GROUPS { 1 } else { rest.len().div_ceil(GROUPS) };
            for group in rest.chunks(size) {
                axis.add(named(group), group.iter().copied());
            }
        }
        axis
    }

    fn add<'a>(&mut self, name: String, ends: impl IntoIterator<Item = &'a str>) {
        let place = self.names.len();
        self.names.push(name);
        self.places.extend(ends.into_iter().map(|end| (end.to_owned(), place)));
    }

    /// In which row an end is.
    pub(super) fn place(&self, end: &str) -> Option<usize> {
        self.places.get(end).copied()
    }

    /// Whether some rows stand for more than one end.
    pub(super) fn is_grouped(&self) -> bool {
        self.places.len() > self.names.len()
    }

    /// Whether every name is short enough to stand above a narrow column.
    pub(super) fn is_short(&self) -> bool {
        self.names.iter().all(|name| name.chars().count() <= 4)
    }

    /// How many ends there are.
    pub(super) fn ends(&self) -> usize {
        self.places.len()
    }
}

/// The ends at which far more went wrong than at the others: where all paths to one node are broken,
/// it is that node, and not every other.
fn standouts<'a>(order: &[(&'a str, usize)]) -> Vec<&'a str> {
    let mut bad: Vec<_> = order.iter().filter(|(_, count)| *count > 0).copied().collect();
    bad.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let total: usize = bad.iter().map(|(_, count)| count).sum();
    if bad.len() > STANDOUTS {
        let usual = total / order.len();
        bad.retain(|(_, count)| *count > 2 * usual.max(1));
    }
    bad.into_iter().take(STANDOUTS).map(|(end, _)| end).collect()
}

fn named(group: &[&str]) -> String {
    match group {
        [first, .., last] => {
            let last = last.strip_prefix(HOST).unwrap_or(last);
            let first_name = first.strip_prefix(HOST).unwrap_or(first);
            let host = if first.starts_with(HOST) { ", host" } else { "" };
            format!("{first_name} … {last} ({}{host})", group.len())
        }
        [only] => shortened(only),
        [] => String::new(),
    }
}

fn shortened(end: &str) -> String {
    end.strip_prefix(HOST).map_or_else(|| end.to_owned(), |node| format!("{node} (host)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(count: usize, bad: &[(usize, usize)]) -> Axis {
        let names: Vec<String> = (1..=count).map(|i| format!("n{i}")).collect();
        let fine = names.iter().map(|name| (name.as_str(), false));
        let bad = bad.iter().flat_map(|&(node, times)| {
            std::iter::repeat_n((names[node - 1].as_str(), true), times)
        });
        Axis::new(fine.chain(bad), |end| end.strip_prefix('n')?.parse().ok())
    }

    #[test]
    fn few_nodes_have_a_row_each_in_their_order() {
        let axis = axis(24, &[(7, 3)]);
        assert_eq!(axis.names.len(), 24);
        assert_eq!((axis.names[6].as_str(), axis.place("n7")), ("n7", Some(6)));
        assert!(!axis.is_grouped());
    }

    #[test]
    fn of_many_nodes_those_that_stand_out_have_a_row_and_the_others_share() {
        let axis = axis(500, &[(7, 1), (300, 2)]);
        assert_eq!(axis.names.len(), 2 + 16);
        assert_eq!(axis.names[..3], ["n7", "n300", "n1 … n33 (32)"]);
        assert_eq!(axis.ends(), 500);
        assert!((1..=500).all(|i| axis.place(&format!("n{i}")).is_some()));
    }

    #[test]
    fn where_something_is_wrong_everywhere_only_what_is_worse_stands_out() {
        let mut bad: Vec<_> = (1..=100).map(|node| (node, 1)).collect();
        bad.push((42, 98));
        let axis = axis(100, &bad);
        assert_eq!(axis.names[0], "n42");
        assert!(axis.names[1].starts_with("n1 …"), "{:?}", axis.names);
    }
}
