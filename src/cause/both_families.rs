//! The same fault in both families is one cause.

use super::Cause;
use crate::net::IpFamily;

/// Adds a cause to those of the same rule: to the one that says the same of the other family, or
/// else as one more.
pub(super) fn add(causes: &mut Vec<Cause>, cause: Cause) {
    let Some(family) = only_family(&cause.what) else {
        causes.push(cause);
        return;
    };
    let twin = causes.iter_mut().find(|twin| {
        only_family(&twin.what) == Some(family.other()) && twin.what == swapped(&cause.what, family)
    });
    match twin {
        Some(twin) => merge(twin, cause, family),
        None => causes.push(cause),
    }
}

/// The one family that a text speaks of.
fn only_family(text: &str) -> Option<IpFamily> {
    let mut named = IpFamily::ALL.into_iter().filter(|family| text.contains(family.as_str()));
    named.next().filter(|_| named.next().is_none())
}

fn swapped(text: &str, family: IpFamily) -> String {
    text.replace(family.as_str(), family.other().as_str())
}

fn of_both(text: &str, family: IpFamily) -> String {
    let (both, neither) = ("IPv4 and IPv6", "no IPv4 or IPv6");
    text.replace(family.as_str(), both).replace(&format!("no {both}"), neither)
}

fn merge(twin: &mut Cause, cause: Cause, family: IpFamily) {
    twin.what = of_both(&cause.what, family);
    twin.confidence = twin.confidence.min(cause.confidence);
    let seen = cause.evidence.into_iter().filter(|line| !twin.evidence.contains(line));
    let new: Vec<String> = seen.collect();
    twin.evidence.extend(new);
    let reproduce = cause.reproduce.into_iter().filter(|command| !twin.reproduce.contains(command));
    let new: Vec<String> = reproduce.collect();
    twin.reproduce.extend(new);
    for line in cause.fix {
        let same = swapped(&line, family);
        match twin.fix.iter_mut().find(|known| **known == same) {
            // Commands are of one family each.
            Some(known) if *known != line && only_family(&line).is_some() => {
                *known = of_both(&line, family);
            }
            Some(_) => {}
            None => twin.fix.push(line),
        }
    }
    let new = cause.explains.into_iter().filter(|name| !twin.explains.contains(name));
    let new: Vec<String> = new.collect();
    twin.explains.extend(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(what: &str, fix: &[&str], explains: &str) -> Cause {
        Cause {
            id: "rule".to_owned(),
            what: what.to_owned(),
            confidence: super::super::Confidence::Likely,
            why: String::new(),
            evidence: vec![explains.to_owned()],
            reproduce: vec!["same".to_owned()],
            fix: fix.iter().map(|&line| line.to_owned()).collect(),
            explains: vec![explains.to_owned()],
        }
    }

    #[test]
    fn what_is_said_of_one_family_and_of_the_other_is_said_of_both() {
        let mut causes = Vec::new();
        add(
            &mut causes,
            cause("n1 has no IPv4 route.", &["Restart it.", "Add an IPv4 route."], "a"),
        );
        add(&mut causes, cause("n2 has no IPv6 route.", &[], "b"));
        add(
            &mut causes,
            cause("n1 has no IPv6 route.", &["Restart it.", "Add an IPv6 route."], "c"),
        );
        assert_eq!(causes.len(), 2);
        assert_eq!(causes[0].what, "n1 has no IPv4 or IPv6 route.");
        assert_eq!(causes[0].fix, ["Restart it.", "Add an IPv4 and IPv6 route."]);
        assert_eq!(causes[0].explains, ["a", "c"]);
        assert_eq!(causes[0].reproduce, ["same"]);
    }

    #[test]
    fn what_speaks_of_both_families_stays_as_it_is() {
        let mut causes = Vec::new();
        add(&mut causes, cause("IPv4 first, not IPv6.", &[], "a"));
        add(&mut causes, cause("IPv6 first, not IPv4.", &[], "b"));
        assert_eq!(causes.len(), 2);
    }
}
