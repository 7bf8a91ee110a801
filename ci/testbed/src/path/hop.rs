//! The hops of a flow's packets, from one machine to the next.

use super::flow::{By, Client, Flow, Port, Size, Target, Transport};
use crate::spec::Family;

/// A machine of the underlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A node.
    Node(String),
    /// The machine outside.
    Outside,
}

/// Whose address a packet bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// That of a pod on the node.
    Pod(String),
    /// The node's own.
    Node(String),
    /// That of the machine outside.
    Outside,
}

/// What a packet comes from, or goes to, on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A pod.
    Pod,
    /// The machine's own network.
    Host,
    /// Another hop: the machine passes it on.
    Transit,
}

/// A packet's way from one machine to the next, or from pod to pod within one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The family.
    pub family: Family,
    /// How it is carried.
    pub transport: Transport,
    /// What listens at the flow's target.
    pub port: Port,
    /// Whether it fills the link.
    pub large: bool,
    /// Whether it is part of the answer.
    pub reply: bool,
    /// The machine that sends it.
    pub from: Place,
    /// The machine that gets it; the same for packets that don't leave it.
    pub to: Place,
    /// The address of the sender, as others see it.
    pub source: Address,
    /// The address it goes to, once Services are translated.
    pub destination: Address,
    /// The address that the client asked, where no machine before this hop has translated it.
    pub asked: Option<By>,
    start: End,
    end: End,
}

impl Place {
    /// Whether it is this node.
    pub fn is(&self, node: &str) -> bool {
        matches!(self, Self::Node(name) if name == node)
    }
}

impl Address {
    /// Whether it is that of a pod on this node.
    pub fn is_pod_on(&self, node: &str) -> bool {
        matches!(self, Self::Pod(name) if name == node)
    }
}

impl Hop {
    /// Whether it passes the network between the machines, into or out of the node.
    pub fn crosses(&self, node: &str) -> bool {
        self.from != self.to && (self.from.is(node) || self.to.is(node))
    }

    /// Whether it goes from the one node to the other.
    pub fn leads(&self, from: &str, to: &str) -> bool {
        self.from.is(from) && self.to.is(to)
    }

    /// Whether it goes from the one node to the other, in either direction.
    pub fn is_between(&self, one: &str, other: &str) -> bool {
        self.leads(one, other) || self.leads(other, one)
    }

    /// Whether it arrives at the node from elsewhere.
    pub fn enters(&self, node: &str) -> bool {
        self.from != self.to && self.to.is(node)
    }

    /// Whether it arrives from elsewhere at a NodePort of the node.
    pub fn enters_node_port(&self, node: &str) -> bool {
        self.enters(node) && self.asked.as_ref().is_some_and(|by| by.is_node_port_of(node))
    }

    /// Whether the node sends it on to elsewhere, or to a pod of its own, because it came from elsewhere
    /// by one of its NodePorts.
    pub fn is_passed_on_by(&self, node: &str) -> bool {
        self.from.is(node) && self.start == End::Transit
    }

    /// Whether it came by one of the node's NodePorts, from elsewhere or from a pod of the node.
    pub fn comes_by_node_port_of(&self, node: &str) -> bool {
        self.is_passed_on_by(node) || self.asked.as_ref().is_some_and(|by| by.is_node_port_of(node))
    }

    /// Whether it needs the node's own address: nobody else can be reached without one, and its
    /// NodePorts are at it.
    pub fn needs_address_of(&self, node: &str) -> bool {
        self.crosses(node) || self.asked.as_ref().is_some_and(|by| by.is_node_port_of(node))
    }

    /// Whether the node forwards it: from or to one of its pods, or on behalf of others.
    pub fn is_forwarded_by(&self, node: &str) -> bool {
        let local = self.from == self.to;
        let sent =
            self.from.is(node) && self.start != End::Host && !(local && self.end == End::Host);
        let received = self.to.is(node) && !local && self.end == End::Pod;
        sent || received
    }

    /// Whether a pod of the node sends it.
    pub fn is_sent_by_pod_of(&self, node: &str) -> bool {
        self.from.is(node) && self.start == End::Pod
    }

    /// Whether a process of the node's own network sends it.
    pub fn is_sent_by_processes_of(&self, node: &str) -> bool {
        self.from.is(node) && self.start == End::Host
    }

    /// Whether a process of the node's own network gets it.
    pub fn is_for_processes_of(&self, node: &str) -> bool {
        self.to.is(node) && self.end == End::Host
    }

    /// Whether a pod gets it.
    pub fn is_for_pod(&self) -> bool {
        self.end == End::Pod
    }

    /// Whether a pod of the node gets it.
    pub fn is_for_pod_of(&self, node: &str) -> bool {
        self.to.is(node) && self.end == End::Pod
    }
}

/// One way of a flow, there or back.
struct Leg {
    from: Place,
    to: Place,
    source: Address,
    destination: Address,
    asked: Option<By>,
    start: End,
    end: End,
}

impl Flow {
    /// What its packets pass, there and back.
    pub fn hops(&self) -> Vec<Hop> {
        let legs = self.legs();
        let back = legs.iter().rev().map(|leg| Leg {
            from: leg.to.clone(),
            to: leg.from.clone(),
            source: leg.destination.clone(),
            destination: leg.source.clone(),
            asked: None,
            start: leg.end,
            end: leg.start,
        });
        let back: Vec<Leg> = back.collect();
        let ways = [(false, legs), (true, back)];
        ways.into_iter()
            .flat_map(|(reply, legs)| legs.into_iter().map(move |leg| self.hop(leg, reply)))
            .collect()
    }

    fn hop(&self, leg: Leg, reply: bool) -> Hop {
        let large = match self.size {
            Size::Small => false,
            Size::LargeRequest => !reply,
            Size::LargeAnswer => reply,
        };
        Hop {
            family: self.family,
            transport: self.transport,
            port: self.port,
            large,
            reply,
            from: leg.from,
            to: leg.to,
            source: leg.source,
            destination: leg.destination,
            asked: leg.asked,
            start: leg.start,
            end: leg.end,
        }
    }

    /// The way there. Pods speak to pods as themselves and to everything else as their node; what
    /// comes by a NodePort goes on as the node's own.
    fn legs(&self) -> Vec<Leg> {
        let (from, start) = match &self.client {
            Client::Pod(node) | Client::Server(node) => (Place::Node(node.clone()), End::Pod),
            Client::Host(node) => (Place::Node(node.clone()), End::Host),
            Client::Outside => (Place::Outside, End::Host),
        };
        let (to, end, destination) = match &self.target {
            Target::Server(node) => {
                (Place::Node(node.clone()), End::Pod, Address::Pod(node.clone()))
            }
            Target::Host(node) => {
                (Place::Node(node.clone()), End::Host, Address::Node(node.clone()))
            }
            Target::Outside => (Place::Outside, End::Host, Address::Outside),
        };
        let machine = match &from {
            Place::Node(node) => Address::Node(node.clone()),
            Place::Outside => Address::Outside,
        };
        let own = match (&self.client, &self.target) {
            (Client::Pod(node) | Client::Server(node), Target::Server(_)) if !self.is_hairpin() => {
                Address::Pod(node.clone())
            }
            _ => machine.clone(),
        };
        let asked = Some(self.by.clone());
        match &self.by {
            By::NodePort(entry) if !from.is(entry) => {
                let at = Place::Node(entry.clone());
                let node = Address::Node(entry.clone());
                vec![
                    Leg {
                        from,
                        to: at.clone(),
                        source: machine,
                        destination: node.clone(),
                        asked,
                        start,
                        end: End::Transit,
                    },
                    Leg {
                        from: at,
                        to,
                        source: node,
                        destination,
                        asked: None,
                        start: End::Transit,
                        end,
                    },
                ]
            }
            By::NodePort(_) => {
                vec![Leg { from, to, source: machine, destination, asked, start, end }]
            }
            By::Own | By::ClusterIp => {
                vec![Leg { from, to, source: own, destination, asked, start, end }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(client: Client, by: By, server: &str) -> Flow {
        Flow::new(Family::V6, client, by, Target::Server(server.to_owned()))
    }

    #[test]
    fn a_node_port_passes_its_packets_on_as_the_nodes_own() {
        let hops = flow(Client::Outside, By::NodePort("n2".into()), "n3").hops();
        assert_eq!(hops.len(), 4);
        assert!(hops[0].enters("n2") && hops[0].asked.is_some());
        assert_eq!(hops[1].source, Address::Node("n2".into()));
        assert!(hops[1].destination.is_pod_on("n3") && hops[1].is_forwarded_by("n2"));
        // The answer goes to the node and not to the client.
        assert_eq!(hops[2].destination, Address::Node("n2".into()));
        assert!(hops[2].reply && hops[2].leads("n3", "n2"));
        assert_eq!(hops[3].to, Place::Outside);
    }

    #[test]
    fn what_a_node_sends_itself_is_not_forwarded_by_it() {
        let hops = flow(Client::Host("n1".into()), By::ClusterIp, "n2").hops();
        assert!(!hops[0].is_forwarded_by("n1") && hops[0].is_forwarded_by("n2"));
        let within = flow(Client::Host("n1".into()), By::Own, "n1").hops();
        assert!(within.iter().all(|hop| !hop.is_forwarded_by("n1") && !hop.crosses("n1")));
        let pods = flow(Client::Pod("n1".into()), By::Own, "n1").hops();
        assert!(pods.iter().all(|hop| hop.is_forwarded_by("n1")));
    }

    #[test]
    fn only_the_direction_that_carries_much_is_large() {
        let answer = Flow { size: Size::LargeAnswer, ..flow(Client::Outside, By::Own, "n1") };
        assert_eq!(answer.hops().iter().map(|hop| hop.large).collect::<Vec<_>>(), [false, true]);
    }
}
