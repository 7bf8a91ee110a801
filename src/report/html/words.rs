//! Words of the page: text of others made harmless, and what checks are called.

use maud::{Markup, html};

use crate::{check::Status, report::safe};

/// Prose, in which what stands between backticks is code.
pub(super) fn rich(text: &str) -> Markup {
    let text = safe::text(text);
    let parts: Vec<&str> = text.split('`').collect();
    // A backtick without a partner is one.
    if parts.len().is_multiple_of(2) {
        return html! { (&*text) };
    }
    html! {
        @for (place, part) in parts.iter().enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// What a check is about, in a few words; unknown ones by their id.
pub(super) fn title(check: &str) -> &str {
    match check {
        "node::pod_cidrs" => "Node pod ranges",
        "node::internal_ips" => "Node InternalIPs",
        "node::ranges" => "Node ranges",
        "pod::pod_ips" => "Pod IPs",
        "pod::family_order" => "Order of families",
        "pod::reachable" => "Pod to pod",
        "pod::loss" => "Pod to pod, lost datagrams",
        "service::ranges" => "Service ranges",
        "service::cluster_ips" => "ClusterIPs of Services",
        "service::endpoint_slices" => "EndpointSlices",
        "service::cluster_ip_reachable" => "ClusterIP",
        "service::udp" => "ClusterIP over UDP",
        "service::hairpin" => "Hairpin",
        "service::no_endpoints" => "Services without endpoints",
        "node_port::from_pod" => "NodePort",
        "node_port::udp" => "NodePort over UDP",
        "node_port::from_outside" => "NodePort from outside",
        "egress::to_runner" => "Out of the cluster",
        "dns::servers" => "DNS servers",
        "dns::records" => "DNS",
        "dns::reverse" => "DNS, names by addresses",
        "target::names" => "Your Services: DNS",
        "target::cluster_ips" => "Your Services: ClusterIPs",
        "target::endpoints" => "Your Services: endpoints",
        other => other,
    }
}

/// A status as a word, a mark and a class.
pub(super) const fn shown(status: Status) -> (&'static str, &'static str, &'static str) {
    match status {
        Status::Pass => ("passed", "✓", "pass"),
        Status::Fail => ("failed", "✗", "fail"),
        Status::Skip => ("skipped", "–", "skip"),
        Status::Inconclusive => ("inconclusive", "?", "open"),
    }
}

/// The place of a check's section in the page.
pub(super) fn anchor(check: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("check-{}", check.chars().map(plain).collect::<String>())
}
