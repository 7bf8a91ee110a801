//! A missing route between two nodes.

use serde::{Deserialize, Serialize};

use super::{About, Sabotage, about::NEEDS_FAMILY};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    node::Node,
    run::Run,
    spec::Family,
};

/// Takes away a node's routes to the pods of one other node. Answers to what comes from there are
/// lost too, since they need the same route.
///
/// The node says at once that there is no way, as one without a default route does. The testbed's
/// nodes have one, so an unreachable route stands in for the missing one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct RouteMissing {
    /// The family whose routes are missing.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node that loses the routes.
    #[arg(long)]
    pub node: String,
    /// The node whose pods it can't reach.
    #[arg(long)]
    pub to: String,
}

/// A route as `ip -json route` tells of it, as far as it has to be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    dst: String,
    gateway: String,
    dev: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<u32>,
}

impl Route {
    /// The route in the words of `ip route`.
    fn words(&self) -> String {
        format!("{} via {} dev {}{}", self.dst, self.gateway, self.dev, self.metric())
    }

    /// Routes of one destination replace each other where they are of one metric.
    fn metric(&self) -> String {
        self.metric.map_or_else(String::new, |metric| format!(" metric {metric}"))
    }
}

impl RouteMissing {
    fn routes(&self, node: &Node, hop: &str) -> Result<Vec<Route>> {
        let what = format!("list the {} routes of {}", self.family, node.name);
        let text = node
            .net_command("ip")
            .args(["-json", self.family.ip_flag(), "route", "show", "via", hop])
            .read(&what)?;
        // `ip` leaves the gateway out where it was asked for by it.
        let routes: Vec<serde_json::Value> = serde_json::from_str(&text)
            .map_err(|e| Error::Format { what: what.clone(), reason: e.to_string() })?;
        routes
            .into_iter()
            .map(|mut route| {
                if let Some(fields) = route.as_object_mut() {
                    fields.entry("gateway").or_insert_with(|| hop.into());
                }
                serde_json::from_value(route)
                    .map_err(|e| Error::Format { what: what.clone(), reason: e.to_string() })
            })
            .collect()
    }

    fn change(&self, cluster: &Cluster, batch: &str) -> Result<()> {
        let what = format!("change the {} routes of {}", self.family, self.node);
        cluster
            .node(&self.node)?
            .net_command("ip")
            .args(["-batch", "-"])
            .feed(&what, batch)
            .map(drop)
    }
}

impl Sabotage for RouteMissing {
    const ABOUT: About = About {
        breaks: "a node has no route of the family to the pods of another node",
        report: "pods of the two nodes don't reach each other in the family, in either direction; NodePorts of the one don't reach pods of the other",
        limits: NEEDS_FAMILY,
    };

    type Before = Vec<Route>;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned(), to: "n3".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} routes from {} to {}", self.family, self.node, self.to)
    }

    fn look(&self, cluster: &Cluster) -> Result<Self::Before> {
        let (node, to) = (cluster.node(&self.node)?, cluster.node(&self.to)?);
        let hop = to.address(self.family).map(|address| address.to_string()).unwrap_or_default();
        let routes = if hop.is_empty() { Vec::new() } else { self.routes(node, &hop)? };
        if routes.is_empty() {
            return Err(Error::Invalid(format!(
                "{} has no {} route to the pods of {}: there is nothing to take away",
                self.node, self.family, self.to
            )));
        }
        Ok(routes)
    }

    fn inject(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        let there = before
            .iter()
            .map(|route| format!("route replace unreachable {}{}\n", route.dst, route.metric()));
        self.change(cluster, &there.collect::<String>())
    }

    fn revert(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        let there = before.iter().map(|route| format!("route replace {}\n", route.words()));
        self.change(cluster, &there.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_keeps_its_metric() {
        let json =
            r#"{"dst":"fd00::/64","gateway":"fd00:31::1","dev":"eth0","metric":1024,"flags":[]}"#;
        let route: Route = serde_json::from_str(json).unwrap();
        assert_eq!(route.words(), "fd00::/64 via fd00:31::1 dev eth0 metric 1024");
    }
}
