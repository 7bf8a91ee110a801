//! What pods connect to outside the cluster: this machine, by the address of each family at which the
//! nodes would find it, or a server of the operator's.

use std::{
    collections::BTreeMap,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;
use reqwest::Url;
use tokio::{
    net::{UdpSocket, lookup_host},
    task::JoinSet,
};

use super::listener;
use crate::{
    facts::{Facts, Node},
    fixture::{Destination, listener_name},
    net::IpFamily,
};

/// Discard: nothing is sent there, it only makes the kernel choose a source address.
const DISCARD: u16 = 9;

/// A server outside the cluster that the operator named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressServer {
    url: Url,
    host: String,
    port: u16,
}

impl FromStr for EgressServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected http://HOST[:PORT] or https://HOST[:PORT]".to_owned();
        let url = Url::parse(text).map_err(|error| format!("{error}, {}", expected()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(expected());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(expected)?;
        let port = url.port_or_known_default().filter(|port| *port > 0).ok_or_else(expected)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { url, host, port })
    }
}

impl fmt::Display for EgressServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)
    }
}

/// What pods connect to outside the cluster. This machine listens until it is dropped.
#[derive(Debug, Default)]
pub struct Egress {
    /// What it is in each family.
    pub destinations: BTreeMap<IpFamily, Destination>,
    /// The listeners, which end with us.
    serving: JoinSet<()>,
}

impl Egress {
    /// Finds the operator's server, or listens in each of the families.
    pub async fn open(
        run: &str,
        families: &[IpFamily],
        facts: &Facts,
        server: Option<&EgressServer>,
    ) -> Self {
        let mut egress = Self::default();
        for &family in families {
            let destination = match server {
                Some(server) => resolve(server, family).await,
                None => egress.listen(run, family, facts).await,
            };
            tracing::debug!(?family, ?destination, "egress");
            egress.destinations.insert(family, destination);
        }
        egress
    }

    async fn listen(&mut self, run: &str, family: IpFamily, facts: &Facts) -> Destination {
        let own = match toward_nodes(family, facts).await {
            Ok(own) => own,
            Err(reason) => return Destination::Missing { reason },
        };
        if let Some(what) = inside(own, facts) {
            let reason = format!("this machine is part of the cluster: {own} is {what}");
            return Destination::Skipped { reason };
        }
        let bound = match listener::bind(own).await {
            Ok(listener) => listener.local_addr().map(|address| (listener, address)),
            Err(error) => Err(error),
        };
        match bound {
            Ok((listener, address)) => {
                self.serving.spawn(listener::serve(listener, listener_name(run)));
                Destination::Listener { address }
            }
            Err(error) => {
                let reason = format!("this machine cannot listen on {own}: {error}");
                Destination::Missing { reason }
            }
        }
    }
}

/// The operator's server in a family.
async fn resolve(server: &EgressServer, family: IpFamily) -> Destination {
    let url = server.url.to_string();
    let mut found = match lookup_host((server.host.as_str(), server.port)).await {
        Ok(found) => found,
        Err(error) => {
            let reason = format!("this machine cannot resolve {}: {error}", server.host);
            return Destination::Missing { reason };
        }
    };
    match found.find(|address| IpFamily::of(address.ip()) == family) {
        Some(address) => Destination::Server { url, address },
        None => Destination::Skipped { reason: format!("{} has no {family} address", server.host) },
    }
}

/// This machine's address of a family, as it is on the way to the nodes.
async fn toward_nodes(family: IpFamily, facts: &Facts) -> Result<IpAddr, String> {
    let nodes = facts.nodes.known().into_iter().flatten();
    let mut why = format!("no node has an {family} InternalIP by which it would be found");
    for ip in nodes.flat_map(|node| node.internal_ips(family)) {
        match source_toward(ip).await {
            Ok(own) if !own.is_loopback() && !own.is_unspecified() => return Ok(own),
            Ok(own) => why = format!("this machine would reach {ip} from {own}"),
            Err(error) => why = format!("this machine has no {family} route to {ip}: {error}"),
        }
    }
    Err(why)
}

/// The address from which this machine would send to another.
async fn source_toward(ip: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(SocketAddr::new(ip, DISCARD)).await?;
    Ok(socket.local_addr()?.ip())
}

/// What an address is in the cluster, where it is in it.
fn inside(own: IpAddr, facts: &Facts) -> Option<String> {
    let nodes = || facts.nodes.known().into_iter().flatten();
    if let Some(node) = nodes().find(|node| has(node, own)) {
        return Some(format!("an address of node {}", node.name));
    }
    let stated = facts.pod_ranges.iter().filter_map(|ranges| ranges.known()).flatten().copied();
    let allotted = nodes().flat_map(|node| &node.pod_cidrs).filter_map(|cidr| cidr.parse().ok());
    let mut ranges = stated.chain(allotted);
    ranges
        .find(|range: &IpNet| range.contains(&own))
        .map(|range| format!("in the pod range {range}"))
}

fn has(node: &Node, own: IpAddr) -> bool {
    node.addresses.iter().any(|address| address.address.parse() == Ok(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Lab;

    #[test]
    fn a_server_is_named_by_a_url_of_http() {
        let server: EgressServer = "https://example.com/a".parse().unwrap();
        assert_eq!((server.host.as_str(), server.port), ("example.com", 443));
        let server: EgressServer = "http://[2001:db8::1]:8080".parse().unwrap();
        assert_eq!((server.host.as_str(), server.port), ("2001:db8::1", 8080));
        for text in ["", "example.com", "example.com:80", "ftp://example.com", "http://:80"] {
            let error = text.parse::<EgressServer>().unwrap_err();
            assert!(error.contains("expected http://HOST"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_server_without_an_address_of_a_family_is_skipped_there() {
        let server: EgressServer = "http://127.0.0.1:8080".parse().unwrap();
        let facts = Lab::dual().facts;
        let egress = Egress::open("ab3de", &IpFamily::ALL, &facts, Some(&server)).await;
        let v4 = &egress.destinations[&IpFamily::V4];
        assert_eq!(v4.address(), Some("127.0.0.1:8080".parse().unwrap()));
        let reason = "127.0.0.1 has no IPv6 address".to_owned();
        assert_eq!(egress.destinations[&IpFamily::V6], Destination::Skipped { reason });
    }

    #[test]
    fn an_address_inside_the_cluster_is_known_as_one() {
        let facts = Lab::dual().facts;
        let inside = |ip: &str| inside(ip.parse().unwrap(), &facts);
        assert_eq!(inside("192.168.0.2").as_deref(), Some("an address of node n2"));
        assert_eq!(inside("10.244.1.11").as_deref(), Some("in the pod range 10.244.0.0/16"));
        assert_eq!(inside("192.168.255.9"), None);
    }

    #[tokio::test]
    async fn no_node_of_a_family_is_said() {
        let facts = Lab::new(2, &[IpFamily::V4]).facts;
        let why = toward_nodes(IpFamily::V6, &facts).await.unwrap_err();
        assert_eq!(why, "no node has an IPv6 InternalIP by which it would be found");
    }
}
