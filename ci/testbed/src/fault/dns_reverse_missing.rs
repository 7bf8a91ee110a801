//! Addresses of one family that lead to no names.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    corefile,
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Takes the reverse zone of a family out of the Corefile, as in one that was written before the
/// cluster had the family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsReverseMissing {
    /// The family whose addresses lead to no names.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for DnsReverseMissing {
    const ABOUT: About = About {
        does: "CoreDNS does not serve the family's reverse zone (ip6.arpa or in-addr.arpa)",
        limits: NEEDS_FAMILY,
    };

    corefile::edited!(|fault, before| without(before, fault.family));

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        match path {
            Path::Reverse { family, .. } => (*family == self.family).then_some(Outcome::Fails),
            _ => None,
        }
    }
}

/// The Corefile without the family's reverse zone.
fn without(corefile: &str, family: Family) -> Result<String> {
    let zone = match family {
        Family::V4 => " in-addr.arpa",
        Family::V6 => " ip6.arpa",
    };
    if corefile.contains(zone) {
        Ok(corefile.replace(zone, ""))
    } else {
        Err(Error::Invalid(format!("the Corefile does not name the zone{zone}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_zone_goes_and_the_other_stays() {
        let corefile = "kubernetes cluster.local in-addr.arpa ip6.arpa {\n";
        let left = without(corefile, Family::V6).unwrap();
        assert_eq!(left, "kubernetes cluster.local in-addr.arpa {\n");
        assert!(without(&left, Family::V6).is_err());
    }
}
