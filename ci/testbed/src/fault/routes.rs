//! A node's routes: listed, taken away and put back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::from_json;
use crate::{error::Result, node::Node, run::Run, spec::Family};

/// A route as `ip -json route` tells of it, as far as it has to be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub(super) dst: String,
    dev: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefsrc: Option<String>,
}

impl Route {
    /// The route in the words of `ip route`.
    fn words(&self) -> String {
        let word = |name: &str, value: &Option<String>| {
            value.as_ref().map_or_else(String::new, |value| format!(" {name} {value}"))
        };
        format!(
            "{}{} dev {}{}{}{}",
            self.dst,
            word("via", &self.gateway),
            self.dev,
            word("proto", &self.protocol),
            self.metric(),
            word("src", &self.prefsrc),
        )
    }

    /// Routes of one destination replace each other where they are of one metric.
    fn metric(&self) -> String {
        self.metric.map_or_else(String::new, |metric| format!(" metric {metric}"))
    }

    /// Whether it comes and goes with an address.
    pub(super) fn is_the_kernels(&self) -> bool {
        self.protocol.as_deref() == Some("kernel")
    }
}

/// A node's routes over `eth0`, as far as they are `selected` in the words of `ip route show`.
/// `ip` leaves out what it was asked by, so a `via` has to be said again.
pub(super) fn list(node: &Node, family: Family, selected: &[&str]) -> Result<Vec<Route>> {
    let what = format!("list the {family} routes of {}", node.name);
    let text = node
        .net_command("ip")
        .args(["-json", family.ip_flag(), "route", "show", "dev", "eth0"])
        .args(selected)
        .read(&what)?;
    understand(&what, &text, selected)
}

fn understand(what: &str, text: &str, selected: &[&str]) -> Result<Vec<Route>> {
    // Where there is none, some versions of `ip` print nothing at all.
    let text = if text.trim().is_empty() { "[]" } else { text };
    let mut routes: Vec<Value> = from_json(what, text)?;
    for fields in routes.iter_mut().filter_map(Value::as_object_mut) {
        fields.entry("dev").or_insert_with(|| "eth0".into());
        if let ["via", gateway] = selected {
            fields.entry("gateway").or_insert_with(|| (*gateway).into());
        }
        if let ["default"] = selected {
            fields.entry("dst").or_insert_with(|| "default".into());
        }
    }
    from_json(what, &Value::Array(routes).to_string())
}

/// Puts routes back, whether they are there or not.
pub(super) fn restore(node: &Node, family: Family, routes: &[Route]) -> Result<()> {
    change(node, family, routes, |route| format!("route replace {}", route.words()))
}

/// Lets the node say at once that there is no way where the routes led.
pub(super) fn bar(node: &Node, family: Family, routes: &[Route]) -> Result<()> {
    change(node, family, routes, |route| {
        format!("route replace unreachable {}{}", route.dst, route.metric())
    })
}

/// Takes routes away, if they are there.
pub(super) fn remove(node: &Node, family: Family, routes: &[Route]) -> Result<()> {
    let there = list(node, family, &[])?;
    let left: Vec<Route> = routes.iter().filter(|route| there.contains(route)).cloned().collect();
    change(node, family, &left, |route| format!("route delete {}", route.words()))
}

fn change(
    node: &Node,
    family: Family,
    routes: &[Route],
    line: impl Fn(&Route) -> String,
) -> Result<()> {
    let batch: Vec<String> = routes.iter().map(|route| line(route) + "\n").collect();
    node.net_command("ip")
        .args([family.ip_flag(), "-batch", "-"])
        .feed(&format!("change the {family} routes of {}", node.name), &batch.concat())
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_keeps_its_metric_and_its_origin() {
        let json = r#"[{"dst":"fd00::/64","gateway":"fd00:31::1","dev":"eth0","protocol":"boot",
            "metric":1024,"flags":[]}]"#;
        let routes = understand("", json, &[]).unwrap();
        assert_eq!(routes[0].words(), "fd00::/64 via fd00:31::1 dev eth0 proto boot metric 1024");
    }

    #[test]
    fn what_ip_was_asked_by_is_filled_in() {
        let routes = understand("", r#"[{"dst":"10.0.0.0/24"}]"#, &["via", "192.0.2.1"]).unwrap();
        assert_eq!(routes[0].words(), "10.0.0.0/24 via 192.0.2.1 dev eth0");
        assert!(understand("", "\n", &[]).unwrap().is_empty());
    }
}
