//! Losses with a common end are one fault, at that end.

use super::loss::Loss;

/// One loss, or several with a node in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Group<'n> {
    /// A loss by itself.
    One(Loss<'n>),
    /// What others send to the pods of a node is lost.
    To { node: &'n str, others: Vec<&'n str>, filtered: bool, losses: Vec<Loss<'n>> },
    /// What a node sends to the pods of others is lost.
    From { node: &'n str, others: Vec<&'n str>, filtered: bool, losses: Vec<Loss<'n>> },
    /// Losses of several kinds between a node and others.
    End { node: &'n str, others: Vec<&'n str>, losses: Vec<Loss<'n>> },
}

impl<'n> Group<'n> {
    /// The losses in it.
    pub(super) fn losses(&self) -> Vec<Loss<'n>> {
        match self {
            Self::One(loss) => vec![*loss],
            Self::To { losses, .. } | Self::From { losses, .. } | Self::End { losses, .. } => {
                losses.clone()
            }
        }
    }
}

/// Sorts losses by the ends that they have in common, the most first.
pub(super) fn grouped(mut open: Vec<Loss<'_>>) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    while let Some(group) = largest(&open) {
        let taken = group.losses();
        open.retain(|loss| !taken.contains(loss));
        groups.push(group);
    }
    groups.extend(open.into_iter().map(Group::One));
    groups
}

/// The largest group of two losses or more; of equal ones that which says most of the direction.
fn largest<'n>(open: &[Loss<'n>]) -> Option<Group<'n>> {
    let mut nodes: Vec<&'n str> =
        open.iter().flat_map(|loss| <[&str; 2]>::from(loss.ends())).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let groups = nodes.iter().flat_map(|&node| {
        let with = |belongs: &dyn Fn(&Loss<'n>) -> Option<&'n str>| {
            let both = open.iter().filter_map(|loss| Some((*loss, belongs(loss)?)));
            let (losses, others): (Vec<Loss<'n>>, Vec<&'n str>) = both.unzip();
            (losses, others)
        };
        let filtered = |wanted: bool, loss: &Loss<'n>| match loss {
            Loss::OneWay(from, to) => (!wanted).then_some((*from, *to)),
            Loss::Filtered(from, to) => wanted.then_some((*from, *to)),
            Loss::BothWays(..) | Loss::Dropped(..) => None,
        };
        let mut groups = Vec::new();
        for wanted in [false, true] {
            let (losses, others) = with(&|loss| {
                filtered(wanted, loss).filter(|(_, to)| *to == node).map(|(from, _)| from)
            });
            groups.push(Group::To { node, others, filtered: wanted, losses });
            let (losses, others) = with(&|loss| {
                filtered(wanted, loss).filter(|(from, _)| *from == node).map(|(_, to)| to)
            });
            groups.push(Group::From { node, others, filtered: wanted, losses });
        }
        let (losses, others) = with(&|loss| match loss.ends() {
            _ if matches!(loss, Loss::Filtered(..)) => None,
            (a, b) if a == node => Some(b),
            (a, b) if b == node => Some(a),
            _ => None,
        });
        groups.push(Group::End { node, others, losses });
        groups
    });
    let rank = |group: &Group<'n>| (group.losses().len(), !matches!(group, Group::End { .. }));
    // Of equal ones the first counts.
    groups.filter(|group| group.losses().len() > 1).fold(None, |best, group| match best {
        Some(best) if rank(&best) >= rank(&group) => Some(best),
        _ => Some(group),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_others_lack_belongs_to_the_node_that_it_leads_to() {
        let losses = vec![Loss::OneWay("n1", "n2"), Loss::OneWay("n3", "n2")];
        let groups = grouped(losses.clone());
        let others = vec!["n1", "n3"];
        assert_eq!(groups, [Group::To { node: "n2", others, filtered: false, losses }]);
    }

    #[test]
    fn losses_of_several_kinds_meet_at_their_common_node() {
        let losses = vec![Loss::BothWays("n1", "n2"), Loss::Dropped("n2", "n3")];
        let groups = grouped(losses.clone());
        assert_eq!(groups, [Group::End { node: "n2", others: vec!["n1", "n3"], losses }]);
    }

    #[test]
    fn losses_without_a_common_node_stay_apart() {
        let losses = [Loss::OneWay("n1", "n2"), Loss::OneWay("n3", "n4")];
        assert_eq!(grouped(losses.to_vec()), losses.map(Group::One));
    }
}
