//! Questions for the addresses of one family that are answered with an error.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    corefile,
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path, Port},
    spec::Family,
};

/// Makes CoreDNS answer every query for AAAA (or A) with SERVFAIL, for the whole cluster, as it does that can't
/// reach the servers which it asks for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsRecordsFailing {
    /// The family whose addresses can't be asked for.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for DnsRecordsFailing {
    const ABOUT: About = About {
        does: "CoreDNS answers every query for AAAA (or A) with SERVFAIL",
        limits: NEEDS_FAMILY,
    };

    corefile::edited!(|fault, before| corefile::answering(before, fault.family, "SERVFAIL"));

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        match path {
            Path::Name { family, .. }
            | Path::QuickName { family, .. }
            | Path::DnsRecord { family, .. } => (*family == self.family).then_some(Outcome::Fails),
            // A server may be asked for any record to see whether it answers.
            Path::Flow(flow) if flow.port == Port::Dns => {
                (self.family == Family::V4).then_some(Outcome::Either)
            }
            _ => None,
        }
    }
}
