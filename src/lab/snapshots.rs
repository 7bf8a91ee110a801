//! What the lab's nodes look like from inside.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Fault, Lab};
use crate::{
    fixture::{BACKEND_PORT, Workload},
    net::IpFamily::{self, V4, V6},
    snapshot::{Address, Backlog, Link, Lookup, Neighbour, Route, Snapshot},
};

impl Lab {
    /// The same cluster, with all its nodes looked at from inside.
    #[must_use]
    pub(crate) fn looked_at(mut self) -> Self {
        let nodes: Vec<String> = self.fixture.selected().map(str::to_owned).collect();
        let snapshots = nodes.iter().map(|node| self.snapshot(node)).collect();
        self.facts.snapshots = snapshots;
        self
    }

    /// The nginx on a node is looked at from inside, and has lost its address of a family.
    pub(crate) fn loses_address(&mut self, node: &str, family: IpFamily) {
        let Some(mut inside) = self.inside_backend(node) else { return };
        inside.addresses.retain(|own| IpFamily::of(own.address) != family);
        self.facts.inside_pods.push(inside);
    }

    /// The nginx on a node is looked at from inside, and takes no connections of a family.
    pub(crate) fn hangs(&mut self, node: &str, family: IpFamily, unaccepted: u32) {
        let Some(inside) = self.inside_backend(node) else { return };
        let backlogs = vec![Backlog { family, port: BACKEND_PORT, unaccepted, unread: 0 }];
        self.facts.inside_pods.push(Snapshot { backlogs, ..inside });
    }

    /// The busybox on a node is looked at from inside, and its `/etc/resolv.conf` names a server.
    pub(crate) fn asks(&mut self, node: &str, server: IpAddr) {
        let Some(inside) = self.fixture.probe_on(node).map(inside) else { return };
        self.facts.inside_pods.push(Snapshot { nameservers: vec![server], ..inside });
    }

    /// What the nginx on a node has, seen from inside.
    fn inside_backend(&self, node: &str) -> Option<Snapshot> {
        self.fixture.backend_on(node).map(inside)
    }

    fn snapshot(&self, node: &str) -> Snapshot {
        let both = || IpFamily::ALL.into_iter();
        let eth0 = || "eth0".to_owned();
        let own = |family| self.node_address(node, family);
        let lost = |family| {
            let is = |fault: &Fault| match fault {
                Fault::CutOff { node: at, family: of } => *at == node && *of == family,
                _ => false,
            };
            self.faults.iter().any(is)
        };
        let has_default = |family| {
            let is = |fault: &Fault| match fault {
                Fault::NoDefaultRoute { at, family: of } => *at == node && *of == family,
                _ => false,
            };
            !self.faults.iter().any(is)
        };
        let default = |family| Route {
            family: Some(family),
            via: Some(gateway(family)),
            link: Some(eth0()),
            ..Route::default()
        };
        let forwards = |family| {
            let is = |fault: &Fault| match fault {
                Fault::NotForwarding { on, family: of } => *on == node && *of == family,
                _ => false,
            };
            if self.faults.iter().any(is) { "0" } else { "1" }.to_owned()
        };
        Snapshot {
            node: node.to_owned(),
            pod: None,
            incomplete: None,
            links: vec![Link { name: eth0(), mtu: Some(1_500), address: Some(link_address(node)) }],
            addresses: both()
                .filter(|&family| !lost(family))
                .filter_map(|family| {
                    let address = own(family)?;
                    Some(Address { link: eth0(), address, tentative: false, duplicate: false })
                })
                .collect(),
            routes: both().filter(|&family| has_default(family)).map(default).collect(),
            rules: self.rules.get(node).cloned().unwrap_or_default(),
            lookups: self.lookups(node),
            neighbours: both().flat_map(|family| self.neighbours(node, family)).collect(),
            settings: BTreeMap::from([
                ("net.ipv4.ip_forward".to_owned(), forwards(V4)),
                ("net.ipv6.conf.all.forwarding".to_owned(), forwards(V6)),
            ]),
            counters: BTreeMap::new(),
            hairpin_modes: Vec::new(),
            nameservers: Vec::new(),
            backlogs: Vec::new(),
        }
    }

    fn node_address(&self, node: &str, family: IpFamily) -> Option<IpAddr> {
        self.facts.node(node)?.internal_ips(family).next()
    }

    fn lookups(&self, node: &str) -> Vec<Lookup> {
        let backends = self.fixture.backends.iter();
        let pods = backends.flat_map(|pod| pod.pod_ips.iter().map(move |&ip| (&*pod.node, ip)));
        pods.map(|(to, address)| {
            let family = IpFamily::of(address);
            let route = |via: Option<IpAddr>, link: &str| {
                let link = Some(link.to_owned());
                Some(Route { family: Some(family), via, link, ..Route::default() })
            };
            let missing = self.faults.iter().any(|fault| match fault {
                Fault::NoRoute { at, to: other, family: of }
                | Fault::SilentRoute { at, to: other, family: of } => {
                    *at == node && *other == to && *of == family
                }
                Fault::OwnRoutesMissing { on, family: of } => {
                    *on == node && to == node && *of == family
                }
                _ => false,
            });
            let route = if missing {
                route(Some(gateway(family)), "eth0")
            } else if to == node {
                route(None, "veth0")
            } else {
                route(self.node_address(to, family), "eth0")
            };
            let said = route.as_ref().map_or_else(String::new, |route| {
                let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
                format!("{address}{via} dev {}", route.link.clone().unwrap_or_default())
            });
            Lookup { address, route, said }
        })
        .collect()
    }

    fn neighbours(&self, node: &str, family: IpFamily) -> Vec<Neighbour> {
        let others = self.fixture.selected().filter(|other| *other != node);
        let link = || "eth0".to_owned();
        others
            .filter_map(|other| {
                let address = self.node_address(other, family)?;
                let found_elsewhere = self.faults.iter().any(|fault| {
                    matches!(fault, Fault::AddressTaken { of, family: taken }
                        if *of == other && *taken == family)
                });
                let fixed = self.faults.iter().any(|fault| {
                    matches!(fault, Fault::NeighbourWrong { at, of, family: wrong }
                        if *at == node && *of == other && *wrong == family)
                });
                let link_address = if found_elsewhere || fixed {
                    "02:de:ad:00:00:01".to_owned()
                } else {
                    link_address(other)
                };
                Some(Neighbour {
                    address,
                    link: link(),
                    link_address: Some(link_address),
                    state: if fixed { "PERMANENT" } else { "REACHABLE" }.to_owned(),
                })
            })
            .collect()
    }
}

/// What a pod has, seen from inside.
fn inside(pod: &Workload) -> Snapshot {
    let own = |&address: &IpAddr| Address {
        link: "eth0".to_owned(),
        address,
        tentative: false,
        duplicate: false,
    };
    Snapshot {
        node: pod.node.clone(),
        pod: pod.pod.clone(),
        addresses: pod.pod_ips.iter().map(own).collect(),
        ..Snapshot::default()
    }
}

fn gateway(family: IpFamily) -> IpAddr {
    match family {
        V4 => IpAddr::from([172, 31, 4, 1]),
        V6 => IpAddr::from([0xfd00, 0x31, 4, 0, 0, 0, 0, 1]),
    }
}

fn link_address(node: &str) -> String {
    let number: u32 = node.trim_start_matches('n').parse().unwrap();
    format!("02:42:ac:1f:04:{:02x}", number % 256)
}
