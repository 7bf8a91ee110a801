//! What the cluster says of itself, and its nodes.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::{
    facts::{Fact, Node},
    fixture::SelectedNode,
    record::Record,
    report::safe,
};

/// From so many nodes on their table is folded.
const MANY: usize = 30;

pub(super) fn render(record: &Record) -> Markup {
    let facts = &record.facts;
    let ranges = |places: &[Fact<Vec<ipnet::IpNet>>]| {
        let known = places.iter().find_map(Fact::known);
        known.map_or_else(
            || "not known".to_owned(),
            |ranges| ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        )
    };
    let rows = [
        ("API server", format!("{} ({})", facts.server.url, facts.server.version)),
        ("Context", facts.server.context.clone().unwrap_or_else(|| "in the cluster".to_owned())),
        (
            "Pod network",
            said(&facts.cni, |cni| match &cni.version {
                Some(version) => format!("{} {version}", cni.name),
                None => cni.name.clone(),
            }),
        ),
        (
            "kube-proxy",
            said(&facts.kube_proxy, |proxy| match proxy.mode.as_str() {
                "" => "the platform's default mode".to_owned(),
                mode => mode.to_owned(),
            }),
        ),
        ("Pod ranges", ranges(&facts.pod_ranges)),
        ("Service ranges", ranges(&facts.service_ranges)),
        ("Cluster DNS", said(&facts.cluster_dns, |dns| listed(&dns.cluster_ips))),
        ("Namespace", record.started.namespace.clone()),
        (
            "Run",
            format!(
                "{}, {}, dualstack {}",
                record.started.run, record.started_at, record.dualstack
            ),
        ),
    ];
    html! {
        section aria-labelledby="cluster" {
            h2 id="cluster" { "Cluster" }
            dl { @for (label, value) in &rows { dt { (label) } dd { (safe::line(value)) } } }
            @if let Fact::Known { value, .. } = &facts.nodes { (nodes(value, record)) }
        }
    }
}

fn said<T>(fact: &Fact<T>, say: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known { value, .. } => say(value),
        Fact::Absent { reason } | Fact::Forbidden { reason } => format!("not known: {reason}"),
    }
}

fn listed<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn nodes(nodes: &[Node], record: &Record) -> Markup {
    let selected: HashMap<&str, &SelectedNode> = record
        .fixture
        .iter()
        .flat_map(|fixture| &fixture.nodes)
        .map(|node| (node.name.as_str(), node))
        .collect();
    let tested = |name: &str| match selected.get(name) {
        None => "no".to_owned(),
        Some(SelectedNode { excluded: None, .. }) => "yes".to_owned(),
        Some(SelectedNode { excluded: Some(exclusion), .. }) => format!("no: {exclusion}"),
    };
    html! {
        details open[nodes.len() < MANY] {
            summary { "Nodes (" (nodes.len()) ")" }
            div.scroll tabindex="0" role="region" aria-label="Nodes" {
                table.nodes {
                    thead { tr {
                        @for title in ["node", "tested", "ready", "InternalIPs", "pod \
                         ranges", "kubelet", "container runtime"] {
                            th scope="col" { (title) }
                        }
                    } }
                    tbody {
                        @for node in nodes {
                            tr {
                                th scope="row" { (safe::line(&node.name)) }
                                td { (safe::line(&tested(&node.name))) }
                                td { @if node.ready.ready { "yes" } @else { "no: " (safe::line(&node.ready.message)) } }
                                @let internal = node.addresses.iter().filter(|it| it.kind == "InternalIP");
                                td { (lines(internal.map(|it| it.address.as_str()))) }
                                td { (lines(node.pod_cidrs.iter().map(String::as_str))) }
                                td { (safe::line(&node.kubelet_version)) }
                                td { (safe::line(&node.container_runtime)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Values under one another.
fn lines<'a>(values: impl Iterator<Item = &'a str>) -> Markup {
    html! { @for (place, value) in values.enumerate() { @if place > 0 { br; } (safe::line(value)) } }
}
