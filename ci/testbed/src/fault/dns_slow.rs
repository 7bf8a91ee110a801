//! DNS servers that take their time.

use serde::{Deserialize, Serialize};

use super::{about::About, corefile, kind::FaultKind};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Makes CoreDNS ask a dead server first, as one does whose first upstream is gone: each answer
/// comes right, but two seconds late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsSlow {}

impl FaultKind for DnsSlow {
    const ABOUT: About = About {
        does: "CoreDNS answers every query rightly, but two seconds late: it waits for a dead server first",
        limits: "",
    };

    corefile::edited!(|_, before| slowed(before));

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self {})
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        match path {
            Path::QuickName { .. } => Some(Outcome::Fails),
            // Whoever asks may have less patience.
            Path::Name { .. }
            | Path::Reverse { .. }
            | Path::Endpoints { .. }
            | Path::ShortName { .. }
            | Path::DnsRecord { .. } => Some(Outcome::Either),
            _ => None,
        }
    }
}

/// The Corefile with its server behind one that asks a mute server first. CoreDNS waits two seconds
/// for an answer (`readTimeout` of its plugin `forward`) before it asks the next.
fn slowed(corefile: &str) -> Result<String> {
    const FRONT: &str = "\
.:53 {
    forward . 127.0.0.1:5301 127.0.0.1:5300 {
        policy sequential
        max_fails 0
    }
}
.:5301 {
    erratic {
        drop 1
    }
}
";
    let rest = corefile.trim_start().strip_prefix(".:53 {").ok_or_else(|| {
        Error::Invalid("the Corefile does not begin with a server block on port 53".to_owned())
    })?;
    Ok(format!("{FRONT}.:5300 {{{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_goes_behind_a_slow_one() {
        let text = slowed(".:53 {\n    errors\n}\n").unwrap();
        assert!(text.starts_with(".:53 {\n    forward . 127.0.0.1:5301 "), "{text}");
        assert!(text.ends_with(".:5300 {\n    errors\n}\n"), "{text}");
        assert!(slowed("example.org {\n}\n").is_err());
    }
}
