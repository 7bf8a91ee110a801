//! Many subjects in few words.

use super::layout::UNBROKEN;
use crate::check::Subject;

/// The subjects by name, or, where there are more than `most`, the first ones and the number of the
/// others. A subject is not broken over two lines.
pub(super) fn listed(subjects: &[&Subject], most: usize) -> String {
    let shown = if subjects.len() > most { most.saturating_sub(1) } else { subjects.len() };
    let whole = |subject: &&Subject| subject.to_string().replace(' ', UNBROKEN);
    let mut parts: Vec<String> = subjects.iter().take(shown).map(whole).collect();
    let more = subjects.len() - shown;
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join(", ")
}

/// The subjects as a number: `9 paths`, or with the end that they share, `3 paths from outside`.
pub(super) fn counted(subjects: &[&Subject]) -> String {
    let count = subjects.len();
    match subjects {
        [] => "nothing".to_owned(),
        [one] => one.to_string(),
        [first, ..] => match first {
            Subject::Cluster => format!("{count} cluster-wide"),
            Subject::Node { .. } => format!("{count} nodes"),
            Subject::Pod { .. } => format!("{count} pods"),
            Subject::Service { .. } => format!("{count} Services"),
            Subject::Path { from, to } => {
                let from_all = shared(subjects, |subject| ends(subject).map(|(from, _)| from));
                let to_all = shared(subjects, |subject| ends(subject).map(|(_, to)| to));
                match (from_all, to_all) {
                    (true, _) => format!("{count} paths from {from}"),
                    (_, true) => format!("{count} paths to {to}"),
                    _ => format!("{count} paths"),
                }
            }
        },
    }
}

fn ends(subject: &Subject) -> Option<(&str, &str)> {
    match subject {
        Subject::Path { from, to } => Some((from, to)),
        _ => None,
    }
}

fn shared<'a>(subjects: &[&'a Subject], end: impl Fn(&'a Subject) -> Option<&'a str>) -> bool {
    let mut ends = subjects.iter().map(|subject| end(subject));
    let first = ends.next();
    ends.all(|end| Some(end) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(from: &str, to: &str) -> Subject {
        Subject::Path { from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn paths_with_a_common_end_are_counted_by_it() {
        let (a, b, c) = (path("n1", "n2"), path("n1", "n3"), path("n4", "n3"));
        assert_eq!(counted(&[&a, &b]), "2 paths from n1");
        assert_eq!(counted(&[&b, &c]), "2 paths to n3");
        assert_eq!(counted(&[&a, &b, &c]), "3 paths");
        assert_eq!(counted(&[&a]), "n1 -> n2");
    }

    #[test]
    fn a_list_that_is_cut_says_how_much_is_missing() {
        let nodes = ["n1", "n2", "n3"].map(|name| Subject::Node { name: name.to_owned() });
        let nodes: Vec<&Subject> = nodes.iter().collect();
        assert_eq!(listed(&nodes, 3), "n1, n2, n3");
        assert_eq!(listed(&nodes, 2), "n1, and 2 more");
    }
}
