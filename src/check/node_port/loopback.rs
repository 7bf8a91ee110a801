//! `node_port::loopback`

use std::net::{IpAddr, Ipv4Addr};

use super::{
    from_node::without_hosts,
    ports::{node, probes, probes_at_node},
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, State, Subject,
        Symptom, Verdict, World, commands, outcome,
        pairs::nearest,
        plan::{self, Source},
    },
    facts::{self, Fact},
    net::IpFamily,
    probe::Probe,
};

/// The address of a node that it alone knows.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Nodes reach NodePorts at 127.0.0.1, where kube-proxy promises it.
#[derive(Debug)]
pub(in crate::check) struct Loopback;

/// A node that asks itself.
#[derive(Debug)]
pub(in crate::check) struct Own {
    node: String,
}

impl Check for Loopback {
    type Subject = Own;

    const PROMISE: Promise = Promise {
        id: "node_port::loopback",
        summary: "from the host network of every node, the NodePort of a backend answers at 127.0.0.1 where \
                  kube-proxy's mode and configuration promise it (iptables, IPv4 only)",
        why: "Registries and agents that are reached as localhost:NODEPORT, by the container runtime among \
         others, depend on it. kube-proxy opens 127.0.0.1 only in mode iptables, by a kernel setting that it \
         makes at startup; if something resets that, the port is closed. In mode nftables, and over IPv6, it is \
         not promised.",
        source: "KubeProxyConfiguration, mode, nodePortAddresses and iptables.localhostNodePorts; \
         https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/",
        about: About::feature("NodePortLoopback").titled("NodePort at 127.0.0.1"),
        needs: &[Need::Facts(facts::Source::KubeProxy), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Own>> {
        let family = IpFamily::of(LOOPBACK);
        if !world.suite.families.contains(&family) {
            return Vec::new();
        }
        if world.fixture.host_probes.is_empty() {
            return vec![without_hosts(world, family)];
        }
        if let Some(reason) = unpromised(world) {
            return vec![Planned::settled(Subject::Cluster, family, Verdict::skip(reason))];
        }
        plan::hosts(world).map(|source| case(world, &source, family)).collect()
    }

    fn judge(&self, world: World<'_>, own: &Own, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        // What is wrong at the node's own address, too, is no matter of this one.
        let elsewhere = readings.witnesses.iter().find(|witness| witness.state != State::Good);
        if elsewhere.is_some() {
            let node = &own.node;
            let reason = format!("the NodePort doesn't answer {node} at its own address either");
            return Blocked { by: Some("node_port::from_node"), reason }.verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), own.failure(world, reading, symptom))
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let off = crate::lab::Fault::LocalnetOff { at: "n2" };
        Some(crate::lab::Lab::dual().with_hosts().with(off))
    }
}

fn case(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Planned<Own> {
    let own = source.pod.node.as_str();
    // Where there are many nodes, not every one has a Service of its own.
    let backends: Vec<_> = world.fixture.backend_on(nearest(world, own)).into_iter().collect();
    let small = |probes: Vec<Probe>| {
        let small = probes.into_iter().filter(|probe| !probe.target.is_large());
        small.map(|probe| Probe { attempts: plan::once(world.suite), ..probe }).collect::<Vec<_>>()
    };
    let beside = probes_at_node(world, &source.vantage, own, family, &backends).map(&small);
    let case = Planned::probing(world, Subject::path(&source.label, "127.0.0.1"), family, || {
        source.up()?;
        let probes = probes(world, &source.vantage, node(world, own)?, LOOPBACK, &backends)?;
        Ok((Own { node: own.to_owned() }, small(probes)))
    });
    case.beside(&beside.unwrap_or_default())
}

/// Why nobody promises that NodePorts answer at 127.0.0.1; `None` where kube-proxy does.
fn unpromised(world: World<'_>) -> Option<String> {
    let proxy = match &world.facts.kube_proxy {
        Fact::Known { value, .. } => value,
        Fact::Absent { reason } => {
            return Some(format!("kube-proxy's mode is not known: {reason}"));
        }
        Fact::Forbidden { reason } => {
            return Some(format!("kube-proxy's mode is not known: missing permission: {reason}"));
        }
    };
    if !matches!(proxy.mode.as_str(), "" | "iptables") {
        return Some(format!("kube-proxy opens no NodePorts at 127.0.0.1 in mode {}", proxy.mode));
    }
    if proxy.localhost_node_ports == Some(false) {
        return Some("kube-proxy's localhostNodePorts is false".to_owned());
    }
    let mut ranges = proxy.node_port_addresses.iter();
    let holds = |range: &String| range.parse().is_ok_and(|it: ipnet::IpNet| it.contains(&LOOPBACK));
    if proxy.node_port_addresses.is_empty() || ranges.any(holds) {
        return None;
    }
    let ranges = proxy.node_port_addresses.join(", ");
    Some(format!("kube-proxy's nodePortAddresses leave 127.0.0.1 out: {ranges}"))
}

impl Own {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { node } = self;
        let setting = "net.ipv4.conf.all.route_localnet";
        Failure::new(format!(
            "From the host network of node {node}, the NodePort of a backend does not answer at {}: {}. It \
             answers at the node's own address, and kube-proxy in mode iptables promises both.",
            reading.probe.target, symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce([commands::on_node(node, &format!("sysctl -n {setting}"))])
        .fix([
            format!(
                "If {setting} is 0 on {node}, find what resets it (a hardening profile, a sysctl file), take the \
                 setting out of that, and restart kube-proxy there: it sets it together with the rule that keeps \
                 others on the link from the node's 127.0.0.1. Don't set it in /etc/sysctl.d, which would be \
                 without that rule."
            ),
            format!(
                "If it is 1, look for rules on {node} that drop what has an address of 127.0.0.0/8 on \
                 another interface than lo (`nft list ruleset`)."
            ),
            "If nobody needs it, set iptables.localhostNodePorts to false in kube-proxy's configuration: \
             then it is not promised. What uses localhost:NODEPORT does better with the node's own address, \
             for no other mode of kube-proxy opens 127.0.0.1, and none opens ::1."
                .to_owned(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::Status,
        facts::KubeProxy,
        lab::{Fault as Broken, Lab},
    };

    fn lab() -> Lab {
        Lab::dual().with_hosts()
    }

    /// The cases of a cluster with this kube-proxy: how they end, and why.
    fn told(change: fn(&mut KubeProxy)) -> Vec<(Status, String)> {
        let lab = lab().changed(|lab| {
            let Fact::Known { value, .. } = &mut lab.facts.kube_proxy else {
                panic!("no kube-proxy")
            };
            change(value);
        });
        let run = lab.run();
        let judged = run.record.judged.iter().filter(|it| it.case.check == "node_port::loopback");
        judged.map(|it| (it.verdict.status(), it.verdict.detail().to_owned())).collect()
    }

    #[test]
    fn a_node_that_keeps_127_0_0_1_to_itself_is_red_and_no_other() {
        let run = lab().with(Broken::LocalnetOff { at: "n2" }).run();
        let red = ["node_port::loopback/ipv4/host network of n2 -> 127.0.0.1"];
        assert_eq!(run.names(Status::Fail), red);
    }

    #[test]
    fn it_is_tried_where_kube_proxy_promises_it_and_else_skipped_with_the_reason() {
        let tried = [
            (|_: &mut KubeProxy| {}) as fn(&mut KubeProxy),
            |proxy| proxy.mode = "iptables".to_owned(),
            |proxy| proxy.localhost_node_ports = Some(true),
            |proxy| proxy.node_port_addresses = vec!["127.0.0.0/8".to_owned()],
        ];
        for change in tried {
            assert!(told(change).iter().all(|(status, _)| *status == Status::Pass));
            assert_eq!(told(change).len(), 3);
        }
        let skipped = [
            (
                (|proxy| proxy.mode = "nftables".to_owned()) as fn(&mut KubeProxy),
                "in mode nftables",
            ),
            (|proxy| proxy.localhost_node_ports = Some(false), "localhostNodePorts is false"),
            (|proxy| proxy.node_port_addresses = vec!["primary".to_owned()], "leave 127.0.0.1 out"),
        ];
        for (change, why) in skipped {
            let told = told(change);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].0 == Status::Skip && told[0].1.contains(why), "{told:?}");
        }
    }

    #[test]
    fn a_node_port_that_is_dead_at_the_nodes_own_address_is_another_checks_matter() {
        let run = lab().with(Broken::NotListening { on: "n2", family: IpFamily::V4 }).run();
        let case = run.case("node_port::loopback/ipv4/host network of n2 -> 127.0.0.1");
        assert_eq!(case.verdict.status(), Status::Skip, "{}", case.verdict.detail());
        assert!(case.verdict.detail().starts_with("blocked by node_port::from_node"));
    }
}
