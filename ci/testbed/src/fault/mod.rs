//! Faults: real ways to break a running cluster, each exactly undone.
//!
//! Every fault is one small file: what it looks at before, how it breaks things, how it puts them
//! back. What it found is journalled on disk before anything is touched, so that a killed process
//! leaves nothing that can't be undone. Caches (neighbours, connection tracking) are left as the
//! fault leaves them: a real one would.

mod cluster_ip_dropped;
mod corefile;
mod dns_record_missing;
mod internal_ip_missing;
mod journal;
mod node_port_dropped;
mod pod_address_missing;
mod route_missing;
mod ruleset;

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use self::{
    cluster_ip_dropped::ClusterIpDropped,
    dns_record_missing::DnsRecordMissing,
    internal_ip_missing::InternalIpMissing,
    journal::{Active, Injection, active, inject, injected, revert, revert_abandoned, revert_all},
    node_port_dropped::NodePortDropped,
    pod_address_missing::PodAddressMissing,
    route_missing::RouteMissing,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    spec::Family,
};

/// How one kind of fault works.
pub trait Sabotage {
    /// What has to be known of the state before, to put it back.
    type Before: Serialize + DeserializeOwned;

    /// What is changed, in words that are the same for two faults which would disturb each other.
    fn touches(&self) -> String;

    /// Looks at the state before. Changes nothing.
    fn look(&self, cluster: &Cluster) -> Result<Self::Before>;

    /// Breaks it, and returns when it is broken. Doing it twice is doing it once.
    fn inject(&self, cluster: &Cluster, before: &Self::Before) -> Result<()>;

    /// Puts it back, wholly or half injected, and returns when it is back. Doing it twice is doing
    /// it once.
    fn revert(&self, cluster: &Cluster, before: &Self::Before) -> Result<()>;
}

/// [`Sabotage`] with what was before as plain JSON: one type for all kinds of faults.
trait Erased {
    fn touches(&self) -> String;
    fn look(&self, cluster: &Cluster) -> Result<Value>;
    fn inject(&self, cluster: &Cluster, before: &Value) -> Result<()>;
    fn revert(&self, cluster: &Cluster, before: &Value) -> Result<()>;
}

impl<S: Sabotage> Erased for S {
    fn touches(&self) -> String {
        Sabotage::touches(self)
    }

    fn look(&self, cluster: &Cluster) -> Result<Value> {
        serde_json::to_value(Sabotage::look(self, cluster)?).map_err(not_understood)
    }

    fn inject(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        let before = S::Before::deserialize(before).map_err(not_understood)?;
        Sabotage::inject(self, cluster, &before)
    }

    fn revert(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        let before = S::Before::deserialize(before).map_err(not_understood)?;
        Sabotage::revert(self, cluster, &before)
    }
}

fn not_understood(error: serde_json::Error) -> Error {
    Error::Format {
        what: "note or understand what was there before a fault".to_owned(),
        reason: error.to_string(),
    }
}

/// Makes the enum of all faults from the types of each.
macro_rules! catalogue {
    ($($(#[$about:meta])* $kind:ident,)*) => {
        /// The faults there are. On the command line each is a subcommand of
        /// `testbed fault inject`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Subcommand)]
        #[serde(tag = "fault", rename_all = "kebab-case")]
        pub enum Fault {
            $($(#[$about])* $kind($kind),)*
        }

        impl Fault {
            fn erased(&self) -> &dyn Erased {
                match self {
                    $(Self::$kind(fault) => fault,)*
                }
            }
        }

        $(impl From<$kind> for Fault {
            fn from(fault: $kind) -> Self {
                Self::$kind(fault)
            }
        })*
    };
}

catalogue! {
    /// A node has no InternalIP of one family (kubelet is restarted with the other one alone).
    ///
    /// All traffic still works, since routes and pods keep both families: only the Node's own
    /// addresses show it.
    InternalIpMissing,
    /// New pods on a node get no address of one family (the CNI configuration loses its range).
    ///
    /// Pods that run already keep theirs.
    PodAddressMissing,
    /// NodePorts of one family are dropped where they enter a node (nftables).
    NodePortDropped,
    /// ClusterIPs of one family are dropped for what runs on a node (nftables).
    ClusterIpDropped,
    /// A node has no route of one family to the pods of one other node.
    RouteMissing,
    /// CoreDNS answers queries for the addresses of one family with no record.
    DnsRecordMissing,
}

impl Fault {
    /// The first six, in one family: what a test of everything goes through.
    pub fn examples(family: Family) -> Vec<Self> {
        let node = || "n2".to_owned();
        vec![
            InternalIpMissing { family, node: node() }.into(),
            PodAddressMissing { family, node: node() }.into(),
            NodePortDropped { family, node: node() }.into(),
            ClusterIpDropped { family, node: node() }.into(),
            RouteMissing { family, node: node(), to: "n3".to_owned() }.into(),
            DnsRecordMissing { family }.into(),
        ]
    }
}

/// As it is written on the command line: `route-missing --family ipv6 --node n2 --to n3`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        let fields = value.as_object().ok_or(fmt::Error)?;
        let text = |name| fields.get(name).and_then(Value::as_str);
        f.write_str(text("fault").ok_or(fmt::Error)?)?;
        for name in fields.keys().filter(|name| *name != "fault") {
            write!(f, " --{name} {}", text(name).ok_or(fmt::Error)?.to_lowercase())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{FromArgMatches, Subcommand};

    use super::*;

    #[test]
    fn a_fault_is_displayed_as_the_command_line_takes_it() {
        for family in [Family::V4, Family::V6] {
            for fault in Fault::examples(family) {
                let words = format!("inject {fault}");
                let command = Fault::augment_subcommands(clap::Command::new("inject"));
                let matches = command.try_get_matches_from(words.split(' ')).unwrap();
                assert_eq!(Fault::from_arg_matches(&matches).unwrap(), fault);
            }
        }
    }

    #[test]
    fn two_faults_of_different_families_disturb_each_other_only_where_they_share_a_file() {
        let touches = |family| {
            Fault::examples(family).iter().map(|fault| fault.erased().touches()).collect::<Vec<_>>()
        };
        let (v4, v6) = (touches(Family::V4), touches(Family::V6));
        let shared = v4.iter().zip(&v6).filter(|(a, b)| a == b).count();
        assert_eq!(shared, 3, "{v4:?} {v6:?}");
    }
}
