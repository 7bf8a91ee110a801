//! What decides about traffic beside Services: policies, load balancers, DNS, webhooks.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    lint::source::{Span, Spanned},
    net::IpFamily,
};

use super::{Address, RangeEntry, parse_address, parse_range};

/// A network policy: Kubernetes', Cilium's or Calico's.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its lists of peers that are allowed.
    pub peers: Vec<Peers>,
    /// Those that are denied.
    pub denied: Vec<Peers>,
    /// Whether it is Kubernetes' own kind.
    pub native: bool,
    /// Whether all that no rule allows is denied as soon as one denies something, in both families.
    pub closes: bool,
}

/// One list of peers, of which each is allowed, or denied.
#[derive(Clone, Debug)]
pub struct Peers {
    /// Whether they are destinations, and not senders.
    pub outgoing: bool,
    /// The ranges among them.
    pub blocks: Vec<Block>,
}

/// A range with exceptions.
#[derive(Clone, Debug)]
pub struct Block {
    /// The range.
    pub cidr: RangeEntry,
    /// What is taken out of it.
    pub except: Vec<RangeEntry>,
}

/// A pool of addresses for load balancers: MetalLB's, PureLB's, kube-vip's or Cilium's.
#[derive(Clone, Debug)]
pub struct AddressPool {
    /// Its name.
    pub name: Spanned<String>,
    /// Its ranges.
    pub ranges: Vec<PoolRange>,
    /// Whether a Service gets the addresses of both families from this one pool, as MetalLB does it.
    pub whole: bool,
    /// Whether it is Cilium's.
    pub cilium: bool,
}

/// A range of a pool, as it is written.
#[derive(Clone, Debug)]
pub struct PoolRange {
    /// The text.
    pub text: Spanned<String>,
    /// First and last address, or nothing where the text is no range.
    pub ends: Option<(IpAddr, IpAddr)>,
}

impl PoolRange {
    /// Reads `address/length` or `first-last`.
    pub fn new(text: Spanned<String>) -> Self {
        let ends = match text.value.split_once('-') {
            Some((first, last)) => {
                let ends = (parse_address(first.trim()), parse_address(last.trim()));
                ends.0.zip(ends.1).filter(|(first, last)| {
                    first <= last && IpFamily::of(*first) == IpFamily::of(*last)
                })
            }
            None => parse_range(text.value.trim()).map(|range| match range {
                IpNet::V4(range) => (range.network().into(), range.broadcast().into()),
                IpNet::V6(range) => (range.network().into(), range.broadcast().into()),
            }),
        };
        Self { text, ends }
    }

    /// Its family, where it is a range.
    pub fn family(&self) -> Option<IpFamily> {
        self.ends.map(|(first, _)| IpFamily::of(first))
    }
}

/// What announces the addresses of pools.
#[derive(Clone, Debug)]
pub struct Advertisement {
    /// The pools that it names; all where it names none.
    pub pools: Vec<Spanned<String>>,
}

/// A neighbour to which Cilium announces routes by BGP.
#[derive(Clone, Debug)]
pub struct BgpPeer {
    /// Where its name, or else the document, is.
    pub at: Span,
    /// The name by which neighbours refer to this configuration, where it stands apart from them.
    pub name: Option<String>,
    /// The families of routes that are exchanged with it.
    pub families: Vec<BgpFamily>,
}

/// A family of routes.
#[derive(Clone, Debug)]
pub struct BgpFamily {
    /// Its name: `ipv4` or `ipv6`.
    pub afi: Spanned<String>,
    /// What is announced in it.
    pub announced: Announced,
}

/// What a family of routes announces.
#[derive(Clone, Debug)]
pub enum Announced {
    /// Nothing.
    Nothing,
    /// The advertisements that have all of these labels.
    Labels(Vec<(String, String)>),
    /// What is said in a way that is not read here.
    Unread,
}

/// What Cilium announces by BGP to those that select it.
#[derive(Clone, Debug)]
pub struct BgpAdvertisement {
    /// Where its name, or else the document, is.
    pub at: Span,
    /// Its labels.
    pub labels: Vec<(String, String)>,
}

/// What Cilium is told to answer for on the nodes' networks.
#[derive(Clone, Debug)]
pub struct L2Announcement {
    /// Where its name, or else the document, is.
    pub at: Span,
    /// Whether it is of any kind of addresses.
    pub announces: bool,
}

/// An address of the control plane that kube-vip holds.
#[derive(Clone, Debug)]
pub struct VirtualAddress {
    /// One address, or one of each family.
    pub addresses: Vec<Address>,
    /// The prefix lengths that it gets: one for both families, or that of IPv4 and that of IPv6.
    pub lengths: Vec<Spanned<String>>,
}

/// A Service that the API server calls: a webhook's or an aggregated API's.
#[derive(Clone, Debug)]
pub struct CalledService {
    /// Namespace and name, as [`Service::name`](super::Service::name) has them.
    pub service: String,
    /// Where it is named.
    pub at: Span,
}

/// The zones of a CoreDNS Corefile.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    /// Those that have a server block of their own.
    pub blocks: Vec<Spanned<String>>,
    /// Those that the plugin kubernetes has in one of the blocks.
    pub served: Vec<String>,
}

/// A directive of a CoreDNS Corefile.
#[derive(Clone, Debug)]
pub struct Directive {
    /// Its words: the plugin, then its arguments.
    pub words: Vec<Spanned<String>>,
    /// The lines of its own block.
    pub body: Vec<Vec<Spanned<String>>>,
}

impl Directive {
    /// The plugin that it sets up.
    pub fn plugin(&self) -> &str {
        self.words.first().map_or("", |word| word.value.as_str())
    }

    /// Where the plugin's name stands.
    pub fn span(&self) -> Option<Span> {
        self.words.first().map(|word| word.span)
    }
}
