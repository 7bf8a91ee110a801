//! Headless Services without pods in DNS.

use serde::{Deserialize, Serialize};

use super::{about::About, corefile, kind::FaultKind};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Has CoreDNS watch no endpoints, by its option `noendpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsEndpointsOff {}

impl FaultKind for DnsEndpointsOff {
    const ABOUT: About = About {
        does: "CoreDNS watches no endpoints (`noendpoints`): the names of headless Services don't exist",
        limits: "",
    };

    corefile::edited!(|_, before| without(before));

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self {})
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        matches!(path, Path::Endpoints { .. }).then_some(Outcome::Fails)
    }
}

/// The Corefile whose plugin kubernetes watches no endpoints.
fn without(corefile: &str) -> Result<String> {
    let (head, rest) = corefile.split_once("kubernetes ").ok_or_else(|| {
        Error::Invalid("the Corefile does not use the plugin kubernetes".to_owned())
    })?;
    let (zones, rest) = rest.split_once("{\n").ok_or_else(|| {
        Error::Invalid("the plugin kubernetes of the Corefile has no block".to_owned())
    })?;
    Ok(format!("{head}kubernetes {zones}{{\n       noendpoints\n{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_put_into_the_block_of_the_plugin() {
        let corefile = ".:53 {\n    kubernetes cluster.local ip6.arpa {\n       ttl 30\n    }\n}\n";
        let without = without(corefile).unwrap();
        assert!(without.contains("ip6.arpa {\n       noendpoints\n       ttl 30\n"), "{without}");
        assert!(super::without(".:53 {\n}\n").is_err());
    }
}
