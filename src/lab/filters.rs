//! Faults that look at more than one step of a packet: how it came, what carries it, and whether it
//! is an answer.

use super::{Fault, Lab};
use crate::{
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Outcome, Probe, Target, Train, Vantage},
};

/// A connection or datagram to a backend, as it travels.
pub(super) struct Way<'a> {
    pub(super) probe: &'a Probe,
    /// The node of the client; none outside.
    pub(super) from: Option<&'a str>,
    /// The node whose NodePort it enters by.
    pub(super) via: Option<&'a str>,
    /// The node of the backend.
    pub(super) to: &'a str,
    pub(super) service: Option<&'a ServiceRole>,
}

/// Whether a node has let through as many connections of a probe as it will.
pub(super) fn limited(lab: &Lab, probe: &Probe) -> bool {
    let ends = [probe.vantage.node(), probe.aim.node(), probe.aim.backend()];
    matches!(probe.target, Target::Http { .. })
        && lab.faults.iter().any(|fault| match fault {
            Fault::ConnectionsLimited { at, family } => {
                probe.family() == *family && ends.contains(&Some(*at))
            }
            _ => false,
        })
}

impl Way<'_> {
    /// The node of the client, where that is a pod.
    fn pod(&self) -> Option<&str> {
        self.from.filter(|_| matches!(self.probe.vantage, Vantage::Pod { .. }))
    }

    /// The node that sends the packet to the backend; none where that is the client outside.
    fn sender(&self) -> Option<&str> {
        self.via.or(self.from)
    }

    /// Whether it enters by a NodePort of this node from elsewhere.
    fn enters(&self, node: &str) -> bool {
        self.via == Some(node) && self.from != Some(node)
    }

    /// Whether it passes a node that has to forward it: what the node itself sends to its own pods, or by its
    /// own NodePorts, it doesn't.
    fn forwarded_by(&self, node: &str) -> bool {
        let passes = [self.pod(), self.via, Some(self.to)].contains(&Some(node));
        let own = self.from == Some(node) && self.pod().is_none();
        passes && (!own || self.via.is_some_and(|via| via != node))
    }

    fn is_hairpin(&self) -> bool {
        matches!(self.service, Some(ServiceRole::Probe(_)))
    }

    fn lost(&self, lab: &Lab, fault: &Fault) -> Option<(IpFamily, Outcome)> {
        let udp = self.probe.target.is_udp();
        let (lost, family, outcome) = match fault {
            Fault::OwnRoutesMissing { on, family } => {
                let answer = self.pod() == Some(*on);
                // Word of it comes to those alone who can be answered.
                let deaf = |node: &str| {
                    lab.faults.iter().any(|fault| {
                    matches!(fault, Fault::OwnRoutesMissing { on, family: of } if *on == node && of == family)
                })
                };
                let told = self.to == *on && !self.pod().is_some_and(deaf);
                let unreachable = Outcome::Unreachable { detail: "No route to host".to_owned() };
                let outcome = if told { unreachable } else { Outcome::TimedOut };
                (answer || self.to == *on, family, outcome)
            }
            Fault::NoDefaultRoute { at, family } => {
                let host = self.from == Some(*at) && self.pod().is_none();
                let by_cluster_ip = self.service.is_some() && self.via.is_none();
                let detail = "Network is unreachable".to_owned();
                (host && by_cluster_ip, family, Outcome::Unreachable { detail })
            }
            Fault::ForwardDropped { on, family } => {
                // What comes for a load balancer's address from outside is masqueraded where it enters.
                let balanced = self.from.is_none() && self.via.is_none();
                let marked = self.via == Some(*on) || self.is_hairpin() || balanced;
                let opens = self.pod() == Some(*on);
                let host = self.from == Some(*on) && self.pod().is_none() && self.via.is_none();
                (!marked && !host && (opens || self.to == *on), family, Outcome::TimedOut)
            }
            Fault::NodeAddressDropped { of, at, family } => {
                let host = self.from == Some(*of) && self.pod().is_none();
                let sends = match self.via {
                    Some(via) => (via == *of && self.to == *at) || (host && via == *at),
                    None => host && self.to == *at,
                };
                let answers = self.via == Some(*of) && self.from == Some(*at);
                (sends || answers, family, Outcome::TimedOut)
            }
            Fault::HostCutFromOwnPods { at, family } => {
                let host = self.from == Some(*at) && self.pod().is_none();
                (host && self.to == *at, family, Outcome::TimedOut)
            }
            Fault::OwnBackendsLost { on, family } => {
                let stays = self.via.is_none_or(|via| via == *on) && !self.is_hairpin();
                let own = self.pod() == Some(*on) && self.to == *on;
                (self.service.is_some() && own && stays, family, Outcome::TimedOut)
            }
            Fault::OwnPodsApart { on, family } => {
                let stays = self.via.is_none_or(|via| via == *on);
                (self.pod() == Some(*on) && self.to == *on && stays, family, Outcome::TimedOut)
            }
            Fault::WebPortDropped { on, family } => {
                let enters = self.enters(on) || (self.to == *on && self.sender() != Some(*on));
                (enters && !udp, family, Outcome::TimedOut)
            }
            Fault::WebPortRejected { on, family } => {
                let detail = match family {
                    IpFamily::V4 => "No route to host",
                    IpFamily::V6 => "Permission denied",
                };
                let rejected = Outcome::Unreachable { detail: detail.to_owned() };
                (self.forwarded_by(on) && !udp, family, rejected)
            }
            Fault::Untracked { at, family } => {
                let sends = self.pod() == Some(*at);
                // An answer that isn't tracked keeps the backend's address.
                let by_service = self.service.is_some() && (sends || self.to == *at);
                let crosses = !udp && (self.to == *at) != (self.from == Some(*at));
                (by_service || crosses, family, Outcome::TimedOut)
            }
            Fault::ServiceMasqueradeLost { at, family } => {
                let own = self.is_hairpin() && self.to == *at;
                let strays = self.enters(at) && self.to != *at;
                (own || strays, family, Outcome::TimedOut)
            }
            Fault::NodePortWayBack { at, from, family } => {
                let entry = self.via.filter(|via| at.is_none_or(|at| at == *via));
                let client = self.pod().filter(|pod| from.is_none_or(|from| from == *pod));
                let between = entry.is_some() && client.is_some() && entry != client;
                (between, family, Outcome::TimedOut)
            }
            Fault::DatagramsDropped { on, family } => {
                (udp && self.forwarded_by(on), family, Outcome::TimedOut)
            }
            Fault::ApiServerCutFromPods { family } => {
                let process = self.from == Some("n1") && self.pod().is_none();
                let leaves = self.sender() == Some("n1") && self.to != "n1";
                (process && leaves, family, Outcome::TimedOut)
            }
            Fault::HostToPodsDropped { at, family } => {
                let process = self.from == Some(*at) && self.pod().is_none();
                (process && self.sender() == Some(*at) && self.to != *at, family, Outcome::TimedOut)
            }
            Fault::ExternalLocal => {
                let elsewhere = self.via.is_some_and(|via| self.enters(via) && self.to != via);
                return elsewhere.then(|| (self.probe.family(), Outcome::TimedOut));
            }
            Fault::InternalLocal => {
                let by_cluster_ip = self.service.is_some() && self.via.is_none();
                let elsewhere = by_cluster_ip && self.from != Some(self.to);
                return elsewhere.then(|| (self.probe.family(), Outcome::TimedOut));
            }
            _ => return None,
        };
        lost.then_some((*family, outcome))
    }
}

/// What becomes of a way to a backend, where one of these faults breaks it.
pub(super) fn outcome(lab: &Lab, way: &Way<'_>) -> Option<Outcome> {
    let lost = lab.faults.iter().filter_map(|fault| way.lost(lab, fault));
    lost.filter(|(family, _)| *family == way.probe.family()).map(|(_, outcome)| outcome).next()
}

/// What becomes of a connection to the API server by its Service, where one of these faults breaks it.
pub(super) fn api_server_lost(lab: &Lab, probe: &Probe, from: &str) -> Option<Outcome> {
    let host = matches!(probe.vantage, Vantage::HostNetwork { .. });
    let lost = |fault: &Fault| match fault {
        Fault::KubernetesServiceDropped { at, family } => (from == *at, *family),
        // The answer finds no pod.
        Fault::OwnRoutesMissing { on, family } => (!host && from == *on, *family),
        // What goes to the node itself isn't forwarded.
        Fault::ForwardDropped { on, family } => (!host && from == *on && *on != "n1", *family),
        _ => (false, probe.family()),
    };
    let unrouted = |fault: &Fault| match fault {
        Fault::NoDefaultRoute { at, family } => host && from == *at && *family == probe.family(),
        _ => false,
    };
    if lab.faults.iter().any(unrouted) {
        return Some(Outcome::Unreachable { detail: "Network is unreachable".to_owned() });
    }
    let mut faults = lab.faults.iter().map(lost);
    faults.any(|lost| lost == (true, probe.family())).then_some(Outcome::TimedOut)
}

/// A question to a DNS pod from a pod, as it travels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// The node that asks.
    pub(super) from: &'a str,
    /// The DNS pod.
    pub(super) pod: &'a str,
    /// Its node.
    pub(super) on: &'a str,
    /// In which family.
    pub(super) family: IpFamily,
    /// Whether it goes by UDP.
    pub(super) udp: bool,
}

/// Whether a question to a DNS pod is lost, or the answer.
pub(super) fn dns_lost(lab: &Lab, question: Question<'_>) -> bool {
    let Question { from, pod, on, family, udp } = question;
    lab.faults.iter().any(|fault| match fault {
        Fault::DnsDown => true,
        Fault::DnsDeaf { pod: deaf } => *deaf == pod && udp,
        Fault::UdpDropped { at, family: of } => udp && *of == family && from == *at,
        Fault::DatagramsDropped { on: node, family: of }
        | Fault::DnsPortDropped { on: node, family: of } => {
            udp && *of == family && [from, on].contains(node)
        }
        Fault::OwnRoutesMissing { on: node, family: of }
        | Fault::ForwardDropped { on: node, family: of } => {
            *of == family && [from, on].contains(node)
        }
        _ => false,
    })
}

/// Whether the client's address is changed on the way to a pod: by the node that it leaves, or by
/// the one that it enters.
pub(super) fn masquerades(lab: &Lab, probe: &Probe, from: Option<&str>, to: &str) -> bool {
    lab.faults.iter().any(|fault| match fault {
        Fault::Masquerade { at, family } => *family == probe.family() && from == Some(*at),
        Fault::MasqueradeEntering { at, family } => {
            *family == probe.family() && to == *at && from != Some(*at)
        }
        _ => false,
    })
}

/// What becomes of a datagram where the node of its sender drops it.
pub(super) fn udp_dropped(lab: &Lab, probe: &Probe, from: Option<&str>) -> Option<Outcome> {
    let family = probe.family();
    let dropped = lab.faults.iter().any(|fault| match fault {
        Fault::UdpDropped { at, family: of } => *of == family && from == Some(*at),
        _ => false,
    });
    dropped.then_some(Outcome::TimedOut)
}

/// Trains from a node to the pod on another, as probe.sh sends them.
pub(super) fn trains(lab: &Lab, probe: &Probe, from: Option<&str>) -> Vec<Train> {
    let (from, to) = (from.unwrap(), probe.aim.backend().unwrap());
    let lost = lab.faults.iter().find_map(|fault| match fault {
        Fault::Lossy { between, percent, family }
            if *family == probe.family() && between.contains(&from) && between.contains(&to) =>
        {
            Some(*percent)
        }
        _ => None,
    });
    match lost.unwrap_or(0) {
        lost @ 12.. => vec![Train { sent: 1200 / lost, answered: 1200 / lost - 12 }; 3],
        lost => vec![Train { sent: 100, answered: 100 - lost }],
    }
}
