//! A node whose agent of the pod network doesn't run is one cause, whatever fails for want of it.

use super::{assert_cause, assert_one, pages::not_up};
use crate::{
    cause::{Cause, Confidence},
    facts::{Cni, Fact},
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
    snapshot::{Component, NetworkPod, NodeDiagnostics},
};

/// The pods that a DaemonSet has on each node of the lab, of which one is missing or doesn't run.
pub(super) fn agents(lab: &mut Lab, without: &str, down: bool) {
    let cni = Cni { name: "calico".to_owned(), version: None };
    let source = "DaemonSet kube-system/calico-node".to_owned();
    lab.facts.cni = Fact::Known { value: cni, source };
    let pod = |node: &str| NetworkPod {
        namespace: "kube-system".to_owned(),
        name: format!("calico-node-{node}xyz"),
        component: Component::PodNetwork,
        ready: node != without,
        restarts: if node == without { 6 } else { 0 },
        started: None,
        running: node != without,
        waiting: (node == without).then(|| "CrashLoopBackOff".to_owned()),
        ended: (node == without).then(|| "Error, exit code 1".to_owned()),
    };
    let nodes: Vec<String> = lab.fixture.selected().map(str::to_owned).collect();
    lab.facts.diagnostics = nodes
        .into_iter()
        .map(|node| {
            let there = node != without || down;
            let pods = there.then(|| pod(&node)).into_iter().collect();
            NodeDiagnostics { node, pods, ..NodeDiagnostics::default() }
        })
        .collect();
}

/// No pod of n2 that was made since gets an answer, in either family.
pub(super) fn unlet() -> Lab {
    [V4, V6]
        .into_iter()
        .map(|family| Fault::OwnRoutesMissing { on: "n2", family })
        .fold(Lab::dual().with_hosts(), Lab::with)
}

/// n2 has no ways to the pods of others, nor they to its own, and its kubelet can make none.
fn unmade() -> Lab {
    let pairs = [("n2", "n1"), ("n1", "n2"), ("n2", "n3"), ("n3", "n2")];
    let routes = pairs
        .into_iter()
        .flat_map(|(at, to)| [V4, V6].map(|family| Fault::NoRoute { at, to, family }));
    let said = "FailedCreatePodSandBox: plugin type=\"flannel\" failed (add): loadFlannelSubnetEnv \
                failed: open /run/flannel/subnet.env: no such file or directory";
    routes.fold(Lab::dual().with_hosts(), Lab::with).changed(|lab| not_up(lab, "n2", said))
}

const RULE: &str = "network_agent_not_running";

fn assert_agent(lab: &Lab) -> Cause {
    let cause = assert_one(lab, RULE, &["calico-node does not run on node n2"]);
    assert_eq!(cause.confidence, Confidence::Proved);
    assert!(cause.fix.iter().any(|fix| fix.contains("n2")), "{:?}", cause.fix);
    cause
}

#[test]
fn a_node_without_the_agents_pod_is_the_one_cause_of_what_its_new_pods_lack() {
    let cause = assert_agent(&unlet().changed(|lab| agents(lab, "n2", false)).looked_at());
    let fact = "no pod of DaemonSet kube-system/calico-node is on n2, and one is on n1 and n3";
    assert_eq!(cause.evidence[0], fact);
    assert!(cause.fix[0].contains("tolerations"), "{:?}", cause.fix);
    assert!(cause.explains.iter().any(|case| case.starts_with("dns::records")), "{cause:#?}");
}

#[test]
fn an_agent_that_crashes_is_named_with_how_it_ended() {
    let cause = assert_agent(&unlet().changed(|lab| agents(lab, "n2", true)).looked_at());
    let fact = "Pod kube-system/calico-node-n2xyz on n2: CrashLoopBackOff, started again 6 times; \
                ended with Error, exit code 1";
    assert_eq!(cause.evidence[0], fact);
    let log = "kubectl -n kube-system logs calico-node-n2xyz --previous --tail=20";
    assert!(cause.reproduce.iter().any(|command| command == log), "{:?}", cause.reproduce);
}

#[test]
fn pods_that_can_not_be_made_for_want_of_the_agent_are_its_consequence() {
    let lab = unmade().changed(|lab| agents(lab, "n2", false)).looked_at();
    let cause = assert_agent(&lab);
    assert!(cause.evidence.iter().any(|fact| fact.contains("subnet.env")), "{cause:#?}");
    assert!(cause.explains.iter().any(|case| case.starts_with("pod::pod_ips")), "{cause:#?}");
}

#[test]
fn an_agent_that_is_away_has_no_part_in_services_that_are_dead_while_pods_meet() {
    let lab = Lab::dual()
        .with_hosts()
        .with(Fault::ClusterIpDropped { at: "n2", family: V6 })
        .with(Fault::NodePortRefused { at: "n2", family: V6 })
        .changed(|lab| agents(lab, "n2", false));
    assert_one(&lab, "service_proxy_down", &["n2"]);
}

#[test]
fn where_nobody_tells_of_the_agents_the_paths_alone_speak() {
    let forbidden = unlet().changed(|lab| {
        agents(lab, "n2", false);
        let why = "missing permission: list pods in namespace kube-system".to_owned();
        lab.facts.diagnostics.iter_mut().for_each(|told| told.unread.push(why.clone()));
    });
    let unseen = unlet().changed(|lab| {
        agents(lab, "n2", false);
        lab.facts.diagnostics.iter_mut().for_each(|told| told.pods.clear());
    });
    let unknown = unlet().changed(|lab| {
        agents(lab, "n2", false);
        lab.facts.cni = Fact::Absent { reason: "no known CNI".to_owned() };
    });
    for lab in [forbidden, unseen, unknown] {
        assert_cause(&lab.looked_at().run(), "own_pod_routes_missing", &["n2"]);
    }
}

#[test]
fn an_agent_that_crashes_where_its_node_does_not_reach_the_api_server_is_a_consequence() {
    let lab = unlet()
        .with(Fault::KubernetesServiceDropped { at: "n2", family: V4 })
        .changed(|lab| agents(lab, "n2", true))
        .looked_at();
    let run = lab.run();
    assert!(!run.rules().contains(&RULE), "{:?}", run.rules());
    let absent = lab.changed(|lab| agents(lab, "n2", false));
    assert!(absent.run().rules().contains(&RULE));
}
