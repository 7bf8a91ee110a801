//! Names without addresses of one family.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    corefile,
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Makes CoreDNS answer every query for AAAA (or A) with NOERROR and no record, for the whole
/// cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsRecordMissing {
    /// The family that names have no address of.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for DnsRecordMissing {
    const ABOUT: About = About {
        does: "CoreDNS answers every query for AAAA (or A) with NOERROR and no record",
        limits: NEEDS_FAMILY,
    };

    corefile::edited!(|fault, before| corefile::answering(before, fault.family, "NOERROR"));

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        match path {
            Path::Name { family, .. }
            | Path::QuickName { family, .. }
            | Path::DnsRecord { family, .. } => (*family == self.family).then_some(Outcome::Fails),
            _ => None,
        }
    }
}
