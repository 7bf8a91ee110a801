//! A connection, or an exchange of datagrams.

use std::fmt;

use super::made::Made;
use crate::spec::Family;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// A pod of the node.
    Pod(String),
    /// The server itself, on its node: by a Service, its packets leave it and come back.
    Server(String),
    /// The node itself, or a pod in its network.
    Host(String),
    /// The machine outside the cluster.
    Outside,
}

/// By which kind of address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// The target's own.
    Own,
    /// The ClusterIP of a Service whose only endpoint is the target.
    ClusterIp,
    /// The NodePort of such a Service on the node.
    NodePort(String),
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The server in a pod of the node.
    Server(String),
    /// The node itself.
    Host(String),
    /// The machine outside the cluster.
    Outside,
}

/// What listens at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// A web server of a trial's own.
    Web,
    /// Another server of a trial's own, at a port that nothing knows.
    Other,
    /// A DNS server of the cluster.
    Dns,
    /// The API server.
    Api,
}

/// How packets are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// In a connection.
    Tcp,
    /// As datagrams.
    Udp,
}

/// How much is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// Every packet is small: at most 1,280 bytes.
    Small,
    /// Packets to the target fill the link.
    LargeRequest,
    /// Packets from the target fill the link.
    LargeAnswer,
}

/// A client asks a target, and is answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The family of the address that is asked.
    pub family: Family,
    /// Who asks.
    pub client: Client,
    /// By which kind of address.
    pub by: By,
    /// Who is asked.
    pub target: Target,
    /// What listens there.
    pub port: Port,
    /// How packets are carried.
    pub transport: Transport,
    /// How much is sent.
    pub size: Size,
    /// When the pods and the Service were made.
    pub made: Made,
}

impl Flow {
    /// A small question to a web server by TCP, between what was made before.
    pub const fn new(family: Family, client: Client, by: By, target: Target) -> Self {
        Self {
            family,
            client,
            by,
            target,
            port: Port::Web,
            transport: Transport::Tcp,
            size: Size::Small,
            made: Made::Before,
        }
    }

    /// Whether client and target are the same pod.
    pub fn is_hairpin(&self) -> bool {
        matches!((&self.client, &self.target), (Client::Server(c), Target::Server(t)) if c == t)
    }
}

impl Client {
    /// The node it is on.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Pod(node) | Self::Server(node) | Self::Host(node) => Some(node),
            Self::Outside => None,
        }
    }

    /// The node of its pod, if it is in one.
    pub fn pod(&self) -> Option<&str> {
        match self {
            Self::Pod(node) | Self::Server(node) => Some(node),
            Self::Host(_) | Self::Outside => None,
        }
    }
}

impl Target {
    /// The node that it is on, if it is on one.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Server(node) | Self::Host(node) => Some(node),
            Self::Outside => None,
        }
    }

    /// The node of its pod, if it is in one.
    pub fn pod(&self) -> Option<&str> {
        match self {
            Self::Server(node) => Some(node),
            Self::Host(_) | Self::Outside => None,
        }
    }
}

impl By {
    /// Whether it is the NodePort on this node.
    pub fn is_node_port_of(&self, node: &str) -> bool {
        matches!(self, Self::NodePort(entry) if entry == node)
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, client, by, target, port, transport, size, made } = self;
        write!(f, "{family} ")?;
        match size {
            Size::Small => {}
            Size::LargeRequest => f.write_str("large requests ")?,
            Size::LargeAnswer => f.write_str("large answers ")?,
        }
        if *transport == Transport::Udp {
            f.write_str("UDP ")?;
        }
        match client {
            Client::Pod(node) => write!(f, "{node}")?,
            Client::Server(node) => write!(f, "server on {node}")?,
            Client::Host(node) => write!(f, "host {node}")?,
            Client::Outside => f.write_str("outside")?,
        }
        match by {
            By::Own => {}
            By::ClusterIp => f.write_str(" by ClusterIP")?,
            By::NodePort(node) => write!(f, " by NodePort of {node}")?,
        }
        match target {
            Target::Server(_) if self.is_hairpin() => f.write_str(" -> itself")?,
            Target::Server(node) => write!(f, " -> {node}")?,
            Target::Host(node) => write!(f, " -> host {node}")?,
            Target::Outside => f.write_str(" -> outside")?,
        }
        match port {
            Port::Web => {}
            Port::Other => f.write_str(" (another port)")?,
            Port::Dns => f.write_str(" (DNS)")?,
            Port::Api => f.write_str(" (API)")?,
        }
        if *made == Made::After { f.write_str(" (new)") } else { Ok(()) }
    }
}
