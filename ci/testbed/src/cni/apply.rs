//! From one desired state to the next.

use std::{fmt::Write as _, fs};

use super::network::Desired;
use crate::{
    error::{Context, Error, Result},
    node::Node,
    run::Run,
    state::write_whole,
};

/// Where the configuration list lies, inside a node.
pub const CONFLIST: &str = "/etc/cni/net.d/10-testbed.conflist";

/// Brings a node from what it was last told to what it is to hold now, touching only what
/// differs between the two.
///
/// The configuration list comes last: it is what makes kubelet call the node's network ready.
pub fn apply(node: &Node, before: &Desired, after: &Desired) -> Result<()> {
    let batch = route_changes(before, after);
    if !batch.is_empty() {
        node.net_command("ip")
            .args(["-force", "-batch", "-"])
            .feed(&format!("set the routes of {}", node.name), &batch)?;
    }
    if before.ruleset != after.ruleset {
        // Declaring the table first makes its deletion work where there is none yet.
        let table = after.ruleset.lines().next().unwrap_or_default().trim_end_matches(" {");
        let text = format!("{table}\ndelete {table}\n{}", after.ruleset);
        node.command("nft")
            .args(["-f", "-"])
            .feed(&format!("set the masquerade rules of {}", node.name), &text)?;
    }
    if before.conflist != after.conflist {
        let path = node.path(CONFLIST);
        match &after.conflist {
            Some(conflist) => write_whole(&path, pretty(conflist)?.as_bytes())?,
            None => fs::remove_file(&path)
                .context(|| format!("remove the CNI configuration of {}", node.name))?,
        }
    }
    Ok(())
}

/// A configuration list as the text of its file.
pub fn pretty(conflist: &serde_json::Value) -> Result<String> {
    serde_json::to_string_pretty(conflist).map_err(|e| Error::Format {
        what: "write a CNI configuration".to_owned(),
        reason: e.to_string(),
    })
}

/// The lines for `ip -batch` that turn the routes of `before` into those of `after`.
fn route_changes(before: &Desired, after: &Desired) -> String {
    let mut batch = String::new();
    // Writing to a String can't fail.
    for (range, hop) in &before.routes {
        if !after.routes.contains_key(range) {
            let _ = writeln!(batch, "route del {range} via {hop}");
        }
    }
    for (range, hop) in &after.routes {
        if before.routes.get(range) != Some(hop) {
            let _ = writeln!(batch, "route replace {range} via {hop} dev eth0");
        }
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(list: &[(&str, &str)]) -> Desired {
        let routes = list.iter().map(|(r, h)| (r.parse().unwrap(), h.parse().unwrap())).collect();
        Desired { routes, ..Desired::default() }
    }

    #[test]
    fn an_unchanged_route_is_left_alone_even_if_somebody_removed_it() {
        let same = routes(&[("10.244.2.0/24", "192.0.2.2")]);
        assert_eq!(route_changes(&same, &same.clone()), "");
    }

    #[test]
    fn only_differences_are_applied() {
        let before = routes(&[("10.244.2.0/24", "192.0.2.2"), ("10.244.3.0/24", "192.0.2.3")]);
        let after = routes(&[("10.244.3.0/24", "192.0.2.3"), ("10.244.4.0/24", "192.0.2.4")]);
        assert_eq!(
            route_changes(&before, &after),
            "route del 10.244.2.0/24 via 192.0.2.2\n\
             route replace 10.244.4.0/24 via 192.0.2.4 dev eth0\n"
        );
    }
}
