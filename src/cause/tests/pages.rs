//! The page of every cause, `docs/causes/`, written from the rule and from an example in the lab.

use std::{collections::BTreeMap, env, fs, path::Path};

use super::agents;
use crate::{
    cause::{Cause, Confidence, REGISTRY},
    facts::{Fact, Readiness},
    fixture::{Allocation, ChangeOutcome, Exclusion, ExclusionKind, ServiceRole, WorkloadState},
    lab::{Fault, Lab},
    net::IpFamily::{self, V4, V6},
    snapshot::{Address, Gateway, Lookup, Neighbour, Route, RoutingRule, Snapshot},
};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// A cluster that shows each cause.
pub(crate) fn examples() -> Vec<(&'static str, Lab)> {
    let lab = Lab::dual;
    let broken = |fault| Lab::dual().with(fault);
    let without_v6 = |lab: &mut Lab, node: &str| {
        lab.pods(node).for_each(|pod| pod.pod_ips.retain(|&ip| IpFamily::of(ip) == V4));
    };
    let no_proxy = || {
        broken(Fault::ClusterIpDropped { at: "n2", family: V6 })
            .with(Fault::NodePortRefused { at: "n2", family: V6 })
    };
    let pairs = NODES.iter().flat_map(|at| NODES.iter().map(move |to| (*at, *to)));
    let all_routes = pairs
        .filter(|(at, to)| at != to)
        .map(|(at, to)| Fault::SilentRoute { at, to, family: V6 })
        .fold(lab(), Lab::with);
    vec![
        (
            "gateway_silent",
            broken(Fault::EgressDropped { at: "n2", family: V6 })
                .with(Fault::HostEgressDropped { family: V6 })
                .changed(|lab| {
                let line = "6\tfd00:31:4::1\teth0\tFAILED";
                lab.facts.gateways = Gateway::read("n2", line).into_iter().collect();
            }),
        ),
        ("outside_without_way", broken(Fault::NoWayOutside { family: V6 })),
        ("unexpected_family", lab().under("single-stack-ipv4")),
        ("single_stack_cluster", Lab::new(3, &[V4])),
        (
            "services_changed",
            lab().with(Fault::InternalLocal).changed(|lab| {
                for service in &mut lab.fixture.services {
                    service.actual.internal_traffic_policy = "Local".to_owned();
                }
            }),
        ),
        (
            "services_refused",
            lab().changed(|lab| {
                let message = "services \"node-port\" is forbidden: ValidatingAdmissionPolicy \
                               'no-node-ports' with binding 'no-node-ports' denied request: ask the \
                               platform team";
                let node_port = ServiceRole::NodePort;
                for service in lab.fixture.services.iter_mut().filter(|it| it.role == node_port) {
                    service.allocation = Allocation::Refused { message: message.to_owned() };
                }
            }),
        ),
        (
            "service_changes_refused",
            lab().changed(|lab| {
                let mut services = lab.fixture.services.iter_mut();
                let found = services.find(|it| it.role == ServiceRole::PolicyChange);
                let message = "services \"policy-change\" is forbidden: ValidatingAdmissionPolicy \
                               'keep-families' with binding 'keep-families' denied request: ask the \
                               platform team"
                    .to_owned();
                if let Some(change) = found.and_then(|it| it.changes.first_mut()) {
                    let allocation = Allocation::Refused { message };
                    change.outcome = ChangeOutcome::Answered { allocation };
                }
            }),
        ),
        (
            "component_stopped",
            lab().changed(|lab| {
                let Fact::Known { value, .. } = &mut lab.facts.leases else { return };
                value[1].silent_seconds = Some(70);
                for pod in lab.fixture.backends.iter_mut().chain(&mut lab.fixture.probes) {
                    pod.state = WorkloadState::Pending;
                    pod.pod_ips.clear();
                }
            }),
        ),
        ("node_not_ready", lab().changed(|lab| not_ready(lab, "n2", false))),
        (
            "kubelet_not_responding",
            lab().changed(|lab| not_up(lab, "n2", "the kubelet on n2 has not picked up the pod")),
        ),
        ("kubelet_unreached", broken(Fault::ExecsLost { at: "n2" })),
        (
            "network_agent_not_running",
            agents::unlet().changed(|lab| agents::agents(lab, "n2", false)),
        ),
        (
            "pods_not_starting",
            lab().changed(|lab| {
                let said = "FailedCreatePodSandBox: …ed to setup network for sandbox \"897a\": plugin \
                            type=\"ptp\" failed (add): no IP addresses available in range set";
                not_up(lab, "n2", said);
            }),
        ),
        ("other_primary", lab().under("dual-stack-ipv6-primary")),
        (
            "services_single_stack",
            lab().changed(|lab| {
                let single = Lab::new(3, &[V4]);
                lab.fixture.services = single.fixture.services;
                lab.facts.service_cidrs = single.facts.service_cidrs;
            }),
        ),
        ("pods_single_stack", lab().changed(|lab| without_v6(lab, "n2"))),
        (
            "node_without_internal_ip",
            lab().changed(|lab| lab.node("n2").addresses.retain(|it| !it.address.contains(':'))),
        ),
        (
            "node_without_pod_cidr",
            lab().changed(|lab| {
                lab.node("n2").pod_cidrs.pop();
            }),
        ),
        (
            "pod_address_lost",
            broken(Fault::PodFiltered { on: "n2", family: V6 }).changed(|lab| lab.loses_address("n2", V6)),
        ),
        (
            "pod_way_missing",
            broken(Fault::NoRoute { at: "n2", to: "n1", family: V6 })
                .with(Fault::NoRoute { at: "n2", to: "n3", family: V6 })
                .changed(without_way),
        ),
        (
            "pod_gateway_silent",
            broken(Fault::NotForwarding { on: "n2", family: V6 }).changed(without_gateway),
        ),
        ("backend_not_listening", broken(Fault::NotListening { on: "n2", family: V6 })),
        (
            "backend_hung",
            broken(Fault::PodFiltered { on: "n2", family: V6 }).changed(|lab| lab.hangs("n2", V6, 31)),
        ),
        ("backend_filtered", broken(Fault::PodFiltered { on: "n2", family: V6 })),
        (
            "target_listens_on_one_family",
            broken(Fault::TargetDeaf { pod: None, family: V6 }).with_target(),
        ),
        ("address_duplicate", broken(Fault::AddressTaken { of: "n2", family: V6 })),
        (
            "neighbour_entry_wrong",
            broken(Fault::NeighbourWrong { at: "n2", of: "n3", family: V6 }).with_hosts(),
        ),
        ("own_pod_routes_missing", broken(Fault::OwnRoutesMissing { on: "n2", family: V6 })),
        ("pods_outside_range", outside_range()),
        ("pods_routed_astray", ruled_astray()),
        ("forward_filtered", broken(Fault::ForwardDropped { on: "n2", family: V6 })),
        ("node_not_forwarding", broken(Fault::NotForwarding { on: "n2", family: V6 })),
        ("node_cut_off", broken(Fault::CutOff { node: "n2", family: V6 })),
        ("pod_network_down", all_routes),
        (
            "connections_limited",
            broken(Fault::ConnectionsLimited { at: "n2", family: V6 }),
        ),
        ("connections_untracked", broken(Fault::Untracked { at: "n2", family: V6 })),
        ("own_pods_apart", broken(Fault::OwnPodsApart { on: "n2", family: V6 })),
        ("tcp_filtered", broken(Fault::WebPortDropped { on: "n2", family: V6 })),
        ("pod_route_missing", broken(Fault::NoRoute { at: "n1", to: "n2", family: V6 })),
        ("lossy_path", broken(Fault::Lossy { between: ["n1", "n2"], percent: 30, family: V6 })),
        ("udp_dropped", broken(Fault::DatagramsDropped { on: "n2", family: V6 })),
        ("path_mtu", broken(Fault::Narrow { from: "n2", to: "n1", family: V6 })),
        ("pods_masqueraded", broken(Fault::MasqueradeEntering { at: "n2", family: V6 })),
        ("endpoints_missing", broken(Fault::NoEndpoints { family: V6 })),
        ("manual_slices_deleted", broken(Fault::ManualDeleted { family: V6 }).with_hosts()),
        (
            "kube_proxy_family_unhealthy",
            no_proxy().with(Fault::ProxyUnhealthy { at: "n2", family: V6 }),
        ),
        (
            "kube_proxy_not_running",
            no_proxy().changed(|lab| {
                let Fact::Known { value, .. } = &mut lab.facts.proxy_pods else { return };
                (value[1].running, value[1].restarts) = (false, 4);
                value[1].waiting = Some("CrashLoopBackOff".to_owned());
                value[1].ended = Some("Error, exit code 1: unknown flag: --no-such".to_owned());
            }),
        ),
        ("service_proxy_down", no_proxy()),
        (
            "service_range_unrouted",
            broken(Fault::NoDefaultRoute { at: "n2", family: V6 }).with_hosts(),
        ),
        (
            "node_address_filtered",
            broken(Fault::NodeAddressDropped { of: "n3", at: "n2", family: V6 }).with_hosts(),
        ),
        (
            "host_without_own_pods",
            broken(Fault::HostCutFromOwnPods { at: "n2", family: V6 }).with_hosts(),
        ),
        ("own_backends_lost", broken(Fault::OwnBackendsLost { on: "n2", family: V6 })),
        ("cluster_ip_dead", broken(Fault::ClusterIpDropped { at: "n2", family: V6 })),
        ("api_server_without_pods", broken(Fault::ApiServerCutFromPods { family: V6 })),
        (
            "host_to_pods_filtered",
            broken(Fault::HostToPodsDropped { at: "n2", family: V6 }).with_hosts(),
        ),
        (
            "kubernetes_service_dead",
            broken(Fault::KubernetesServiceDropped { at: "n2", family: V4 }),
        ),
        (
            "certificate_without_service",
            lab().changed(|lab| {
                let Fact::Known { value, .. } = &mut lab.facts.kubernetes_service else { return };
                value.certified = Fact::Known {
                    value: Vec::new(),
                    source: "the API server's certificate".to_owned(),
                };
            }),
        ),
        (
            "node_port_not_masqueraded",
            broken(Fault::ServiceMasqueradeLost { at: "n2", family: V6 }),
        ),
        ("node_port_dead", broken(Fault::NodePortDropped { at: "n2", family: V6 })),
        (
            "node_port_way_back",
            broken(Fault::NodePortWayBack { at: Some("n2"), from: None, family: V6 }),
        ),
        ("loopback_node_ports_closed", broken(Fault::LocalnetOff { at: "n2" }).with_hosts()),
        ("hairpin_off", broken(Fault::HairpinOff { at: "n2" })),
        ("affinity_off", broken(Fault::AffinityOff { at: "n2", family: V6 })),
        ("local_policy_ignored", broken(Fault::LocalIgnored { at: "n2", family: V6 })),
        ("client_address_lost", broken(Fault::SourceLost { at: "n2", family: V6 })),
        (
            "load_balancer_without_family",
            lab().changed(|lab| lab.without_balanced(V6)),
        ),
        ("load_balancer_unrouted", broken(Fault::LoadBalancerUnrouted { family: V6 })),
        ("node_port_input_filtered", broken(Fault::UntranslatedDropped { at: "n2", family: V6 })),
        (
            "host_ports_filtered",
            broken(Fault::HostPortDropped { on: "n2", family: V6 }).with_hosts(),
        ),
        (
            "own_address_unreached",
            broken(Fault::OwnAddressDropped { on: "n2", family: V6 }).with_hosts(),
        ),
        (
            "flows_stale",
            broken(Fault::StaleFlows { at: "n2", family: V6 }).with_changes(),
        ),
        ("rejections_lost", broken(Fault::RejectDropped { at: "n2", family: V6 })),
        ("egress_dead", broken(Fault::EgressDropped { at: "n2", family: V6 }).with_hosts()),
        (
            "policies_ignored",
            lab().guarded().with(Fault::Unguarded { on: "n2", family: V6 }),
        ),
        (
            "dns_port_unpublished",
            lab().changed(|lab| {
                let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { return };
                value.unpublished = vec!["TCP".to_owned()];
            }),
        ),
        (
            "dns_other_domain",
            broken(Fault::NoNames { pod: None }).changed(|lab| {
                let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { return };
                value.zones = vec!["cluster.example".to_owned()];
            }),
        ),
        ("dns_wrong_records", broken(Fault::WrongRecords { pod: None, family: V6 })),
        ("dns_without_records", broken(Fault::NoRecords { pod: None, family: V6 })),
        ("dns_records_failing", broken(Fault::RecordsFail { pod: None, family: V6 })),
        ("dns_without_names", broken(Fault::NoNames { pod: None })),
        ("dns_without_endpoints", broken(Fault::NoEndpointNames)),
        ("search_path_wrong", broken(Fault::OtherSearchPath { on: "n2" })),
        ("dns_without_reverse", broken(Fault::NoReverse { family: V6 })),
        ("dns_server_not_responding", broken(Fault::DnsDeaf { pod: "coredns-b" })),
        ("dns_slow", broken(Fault::DnsSlow { pod: None })),
        (
            "resolver_wrong",
            broken(Fault::OtherResolver { on: "n2" })
                .changed(|lab| lab.asks("n2", [10, 96, 0, 99].into())),
        ),
        ("dns_unreachable", broken(Fault::DnsDown)),
        (
            "family_slow",
            broken(Fault::SlowToOpen { at: "n2", millis: 1_000, family: V6 }).within("500ms"),
        ),
    ]
}

/// The page of a cause, which the nodes' tables prove; `suspected` is the same where nobody looked at them.
fn page(cause: &Cause, suspected: Option<&Cause>) -> String {
    let Cause { id, what, why, evidence, reproduce, fix, confidence, explains, .. } = cause;
    let list =
        |lines: &[String]| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
    let sure = match confidence {
        Confidence::Proved => {
            "proved: the API server, an address in an answer, or the node's own tables say so"
        }
        Confidence::Likely => "likely: only this fits all that was seen",
        Confidence::Possible => "possible: other faults look the same; the commands decide",
    };
    let mut checks: BTreeMap<&str, usize> = BTreeMap::new();
    for name in explains {
        *checks.entry(name.split('/').next().unwrap_or(name)).or_default() += 1;
    }
    let checks: Vec<String> =
        checks.iter().map(|(check, count)| format!("`{check}` ({count})")).collect();
    let suspected = suspected.map(|suspected| &suspected.fix).filter(|other| *other != fix);
    let otherwise = suspected.map_or_else(String::new, |fix| {
        format!(
            "\n## Where the nodes could not be looked at\n\nThen it is not proved, and what else looks \
             the same is in question too:\n\n{}",
            list(fix)
        )
    });
    format!(
        "# {id}\n\n{why}\n\n## Example\n\nIn a cluster with the nodes n1, n2 and n3:\n\n> {what}\n\n{}\n\
         How sure it is: {sure}.\n\nCases that it explains: {}.\n\n## How to see it\n\n```sh\n{}\n```\n\n\
         ## How to fix it\n\n{}{otherwise}",
        list(evidence),
        checks.join(", "),
        reproduce.join("\n"),
        list(fix)
    )
}

/// The run's pods on a node don't come up.
pub(super) fn not_up(lab: &mut Lab, node: &str, reason: &str) {
    let fixture = &mut lab.fixture;
    let pods = fixture.backends.iter_mut().chain(&mut fixture.probes);
    for pod in pods.filter(|pod| pod.node == node) {
        pod.state = WorkloadState::Failed { reason: reason.to_owned() };
        pod.pod_ips.clear();
    }
}

/// A node is not Ready, by its kubelet's own word or for its silence, and takes no part.
pub(super) fn not_ready(lab: &mut Lab, node: &str, reported: bool) {
    let message = if reported {
        "container runtime network not ready: cni plugin not initialized"
    } else {
        "Kubelet stopped posting node status."
    };
    lab.node(node).ready = Readiness {
        ready: false,
        reported,
        since: "2026-11-25T17:52:00Z".parse().ok(),
        message: message.to_owned(),
    };
    let fixture = &mut lab.fixture;
    for selected in fixture.nodes.iter_mut().filter(|selected| selected.name == node) {
        selected.excluded = Some(Exclusion {
            reason: format!("NotReady: {message}"),
            kind: ExclusionKind::Unavailable,
        });
    }
    for pods in [&mut fixture.backends, &mut fixture.probes, &mut fixture.host_probes] {
        pods.retain(|pod| pod.node != node);
    }
}

/// The pods of n2 have addresses of another range than its Node object, and nobody has a route to them.
pub(crate) fn outside_range() -> Lab {
    let lab = ["n1", "n3"]
        .into_iter()
        .map(|at| Fault::SilentRoute { at, to: "n2", family: V6 })
        .fold(Lab::dual(), Lab::with);
    lab.changed(|lab| {
        let ranges = &mut lab.node("n2").pod_cidrs;
        for range in ranges.iter_mut().filter(|range| range.contains(':')) {
            *range = "fd00:10:244:99::/64".to_owned();
        }
    })
}

/// n2 loses what it forwards, and has a routing rule for what its pods send.
fn ruled_astray() -> Lab {
    let mut lab = Lab::dual().with(Fault::ForwardDropped { on: "n2", family: V6 });
    let text = "from fd00:10:244:2::/64 lookup 999".to_owned();
    let rules = vec![RoutingRule { family: V6, text }];
    lab.rules.insert("n2".to_owned(), rules);
    lab
}

/// The probes' pod on n2 is looked at from inside, and has no IPv6 route to pods elsewhere.
fn without_way(lab: &mut Lab) {
    let pod = lab.fixture.probe_on("n2").cloned().unwrap();
    let address = pod.address(V6).unwrap();
    let own = Address { link: "eth0".to_owned(), address, tentative: false, duplicate: false };
    let lookup = |address| Lookup {
        address,
        route: None,
        said: "RTNETLINK answers: Network is unreachable".to_owned(),
    };
    let others = lab.fixture.backends.iter().filter(|backend| backend.node != "n2");
    let lookups = others.filter_map(|backend| backend.address(V6)).map(lookup).collect();
    lab.facts.inside_pods.push(Snapshot {
        node: "n2".to_owned(),
        pod: pod.pod,
        addresses: vec![own],
        lookups,
        ..Snapshot::default()
    });
}

/// The busybox of n2 is looked at from inside, and doesn't find its gateway.
fn without_gateway(lab: &mut Lab) {
    let pod = lab.fixture.probe_on("n2").cloned().unwrap();
    let address = pod.address(V6).unwrap();
    let gateway = "fd00:10:244:2::1".parse().unwrap();
    let link = || "eth0".to_owned();
    lab.facts.inside_pods.push(Snapshot {
        node: "n2".to_owned(),
        pod: pod.pod,
        addresses: vec![Address { link: link(), address, tentative: false, duplicate: false }],
        routes: vec![Route {
            family: Some(V6),
            via: Some(gateway),
            link: Some(link()),
            ..Route::default()
        }],
        neighbours: vec![Neighbour {
            address: gateway,
            link: link(),
            link_address: None,
            state: "FAILED".to_owned(),
        }],
        ..Snapshot::default()
    });
}

#[test]
fn every_cause_has_a_page_that_is_true() {
    let examples = examples();
    let mut ids: Vec<&str> = examples.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, REGISTRY.iter().map(|rule| rule.id()).collect::<Vec<_>>());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/causes");
    let mut index = String::from(
        "# Causes\n\nWhat `dualstack` may name as the one fault behind many failed cases. Written by \
         `DUALSTACK_WRITE_DOCS=1 cargo\ntest --lib pages` from the rules, with an example each.\n\n",
    );
    let mut pages = vec![];
    for (id, lab) in &examples {
        let run = lab.clone().looked_at().run();
        let cause = run.record.causes.iter().find(|cause| cause.id == *id);
        let cause = cause.unwrap_or_else(|| panic!("{id} isn't named but {:?}", run.rules()));
        let unproved = lab.clone().run();
        let suspected = unproved.record.causes.iter().find(|cause| cause.id == *id);
        pages.push((format!("{id}.md"), page(cause, suspected)));
        let what = &cause.what;
        index.push_str(&format!("- [{id}]({id}.md): {what}\n"));
    }
    pages.push(("README.md".to_owned(), index));
    if env::var_os("DUALSTACK_WRITE_DOCS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &pages {
        let written = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(written == *text, "docs/causes/{name} is not what the rule says");
    }
    ids.push("README");
    let mut found: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    ids.sort_unstable();
    assert_eq!(found, ids);
}
