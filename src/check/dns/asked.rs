//! A DNS server that is asked, and what is said of it where it doesn't answer.

use std::net::IpAddr;

use super::heard::transport;
use crate::{
    check::{
        Blocked, DnsPlace, Failure, Kind, Reading, Readings, Symptom, World, commands, remedy,
    },
    net::IpFamily,
    probe::Target,
};

/// A server that is asked at its address of one family.
#[derive(Debug)]
pub(in crate::check) struct Asked {
    pub(super) who: Server,
    pub(super) family: IpFamily,
    pub(super) ip: IpAddr,
    /// The other family of the suite, where the DNS Service has no ClusterIP of it.
    pub(super) lacks: Option<IpFamily>,
    /// The nodes from which it could not be asked, with the reason.
    pub(super) left_out: Vec<(String, Blocked)>,
}

/// Who is asked.
#[derive(Debug)]
pub(super) enum Server {
    /// The DNS Service.
    Service,
    /// A DNS pod.
    Pod { namespace: String, name: String, node: Option<String> },
}

impl Asked {
    fn name(&self) -> String {
        let Self { family, ip, .. } = self;
        match &self.who {
            Server::Service => format!("The DNS Service at its {family} ClusterIP {ip}"),
            Server::Pod { name, node: Some(node), .. } => {
                format!("The DNS pod {name} on node {node} at its {family} address {ip}")
            }
            Server::Pod { name, .. } => format!("The DNS pod {name} at its {family} address {ip}"),
        }
    }

    fn look(&self, world: World<'_>) -> Vec<String> {
        let place = DnsPlace::of(world);
        match &self.who {
            Server::Service => vec![place.service(), place.slices()],
            Server::Pod { namespace, name, .. } => {
                vec![format!("kubectl -n {namespace} get pod {name} -o wide")]
            }
        }
    }

    /// That it doesn't answer over these transports.
    pub(super) fn failure(
        &self,
        world: World<'_>,
        bad: &[(&Reading<'_>, &Symptom)],
        over: &str,
    ) -> Failure {
        let seen = bad.first().map_or("nothing", |(_, symptom)| symptom.detail.as_str());
        let instead = match self.who {
            Server::Service => ", though its pods answer there at their own addresses",
            Server::Pod { .. } => "",
        };
        Failure::new(format!("{} does not answer over {over}{instead}: {seen}.", self.name()))
            .reproduce(commands::repeat(world, bad.iter().map(|(reading, _)| reading.probe)))
            .reproduce(self.look(world))
            .fix(self.fix(bad))
    }

    fn fix(&self, bad: &[(&Reading<'_>, &Symptom)]) -> Vec<String> {
        let family = self.family;
        let over = |wanted| bad.iter().any(|(reading, _)| transport(reading.probe) == wanted);
        let refused = bad.iter().all(|(_, symptom)| {
            symptom.kind == Kind::Refused || symptom.detail.contains("refused")
        });
        let place = match &self.who {
            Server::Pod { node: Some(node), .. } => format!("on node {node}"),
            _ => "on the nodes of the DNS pods".to_owned(),
        };
        let look = match &self.who {
            Server::Pod { node: Some(node), .. } => {
                format!(" (`{}`)", commands::rules(node))
            }
            _ => String::new(),
        };
        let first = match (&self.who, over("UDP"), over("TCP")) {
            (Server::Service, ..) => {
                "Check that the Service has both ports (53/UDP and 53/TCP) and that its EndpointSlices of \
                 this family name the DNS pods; then look for rules that match its ClusterIP alone."
                    .to_owned()
            }
            _ if refused => format!(
                "Refused means that nothing listens there over {family}: look in the Corefile for `bind` \
                 with addresses of one family, and take it out."
            ),
            (_, true, false) => format!(
                "Look {place} for a rule that drops UDP port 53 over {family}{look}, and for a \
                 NetworkPolicy that lets TCP alone to the DNS pods."
            ),
            (_, false, true) => format!(
                "Look {place} for a rule that drops TCP port 53 over {family}{look}, and for a \
                 NetworkPolicy that lets UDP alone to the DNS pods: both are needed."
            ),
            _ => format!(
                "Look for a NetworkPolicy that selects the DNS pods and lets in addresses of one family \
                 alone, and {place} for a rule that drops port 53 over {family}{look}."
            ),
        };
        let then = match &self.who {
            Server::Pod { namespace, name, .. } => format!(
                "If there is none, read the pod's log and replace it: `kubectl -n {namespace} delete \
                 pod {name}`."
            ),
            Server::Service => {
                "If there are none, restart kube-proxy on a node from which it is not answered."
                    .to_owned()
            }
        };
        vec![first, then]
    }

    /// That it answers, and slowly.
    pub(super) fn slow(&self, world: World<'_>, readings: &Readings<'_>, time: &str) -> Failure {
        let asked = readings.own.iter().map(|reading| reading.probe);
        let asked = asked.filter(|probe| matches!(probe.target, Target::DnsServer { .. }));
        Failure::new(format!(
            "{} answers, but the quickest answer to any node took {time}: each look-up of a pod waits \
             as long.",
            self.name()
        ))
        .reproduce(commands::repeat(world, asked.take(1)))
        .reproduce([DnsPlace::of(world).configuration()])
        .reproduce(self.look(world))
        .fix(remedy::slow_dns(world))
    }
}
