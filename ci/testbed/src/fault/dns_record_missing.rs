//! Names without addresses of one family.

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

    corefile::edited!(|fault, before| without(before, fault.family));

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

/// The Corefile with an empty answer for the family's record type. CoreDNS asks its plugins in an
/// order of its own, in which `template` comes before `kubernetes`, wherever it is written.
fn without(corefile: &str, family: Family) -> Result<String> {
    let record = match family {
        Family::V4 => "A",
        Family::V6 => "AAAA",
    };
    let (head, rest) = corefile.split_once("{\n").ok_or_else(|| {
        Error::Invalid("the Corefile does not begin with a server block".to_owned())
    })?;
    Ok(format!("{head}{{\n    template IN {record} . {{\n        rcode NOERROR\n    }}\n{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_goes_into_the_first_server_block() {
        let text = without(".:53 {\n    errors\n}\n", Family::V6).unwrap();
        assert!(text.starts_with(".:53 {\n    template IN AAAA . {\n"), "{text}");
        assert!(text.ends_with("    errors\n}\n"), "{text}");
    }
}
