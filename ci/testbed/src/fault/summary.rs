//! What a fault breaks, as one line for a table.

use super::catalogue::Fault;
use crate::{
    path::{Made, Net, Path, describe},
    spec::{Name, Spec},
};

/// The paths that surely fail in the default cluster while a fault lasts, by their kinds:
/// `pod to pod n2 -> n3, n3 -> n2; outside to NodePort from n2`.
pub fn failures(fault: &Fault) -> String {
    let Ok(name) = "any".parse::<Name>() else { return String::new() };
    let net = Net::new(&Spec::new(name), vec!["n1".to_owned(), "n3".to_owned()]);
    let [mut parts, after] = [Made::Before, Made::After].map(|made| {
        let unasked = net.unasked().into_iter().filter(|path| path.made() == made);
        let paths: Vec<Path> = net.paths(made).into_iter().chain(unasked).collect();
        let fails = |path: &&Path| fault.outcome(path, &net).is_failure();
        describe(paths.iter().filter(fails), &net)
    });
    let new: Vec<String> = after.into_iter().filter(|part| !parts.contains(part)).collect();
    parts.extend(new.into_iter().map(|part| format!("{part} (made since)")));
    if parts.is_empty() { "nothing for sure".to_owned() } else { parts.join("; ") }
}
