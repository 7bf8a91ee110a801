//! Services of the operator's own that a run is to test, and what the API server says of them.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::fact::Fact;
use crate::{cluster::Permission, exit::Exit, net::IpFamily};

/// The name of a Service: `NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetName {
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl TargetName {
    /// The permissions that it takes to know the Service and its endpoints.
    pub fn permissions(&self) -> [Permission; 2] {
        let namespace = Some(self.namespace.as_str());
        [
            Permission::required("get", "services", namespace),
            Permission::required("list", "endpointslices.discovery.k8s.io", namespace),
        ]
    }
}

impl FromStr for TargetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if is_label(namespace) && is_label(name) => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err("expected NAMESPACE/NAME of a Service, both of lower-case letters, digits \
                      and `-`"
                .to_owned()),
        }
    }
}

/// Whether Kubernetes takes a text for the name of a namespace or Service (RFC 1123).
fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().next_back()];
    ends.iter().all(|end| end.is_some_and(plain))
        && text.len() <= 63
        && text.bytes().all(|byte| plain(byte) || byte == b'-')
}

impl TryFrom<String> for TargetName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|reason| format!("invalid target `{text}`: {reason}"))
    }
}

impl From<TargetName> for String {
    fn from(name: TargetName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A Service that is to be tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: TargetName,
    /// What it asks for, and what it was given.
    pub service: Fact<TargetService>,
    /// Its endpoints, by address.
    pub endpoints: Fact<Vec<TargetEndpoint>>,
}

/// A Service as its owner has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetService {
    /// `spec.type`.
    pub kind: String,
    /// `spec.clusterIPs`; none of a headless Service.
    pub cluster_ips: Vec<IpAddr>,
    /// `spec.ipFamilies`.
    pub families: Vec<IpFamily>,
    /// `spec.ipFamilyPolicy`.
    pub policy: String,
    /// `spec.externalName`, of a Service of type ExternalName.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_name: Option<String>,
    /// Whether Kubernetes chooses its endpoints by labels.
    pub has_selector: bool,
    /// `spec.ports`.
    pub ports: Vec<TargetPort>,
}

impl TargetService {
    /// Its ClusterIP of a family.
    pub fn cluster_ip(&self, family: IpFamily) -> Option<IpAddr> {
        self.cluster_ips.iter().copied().find(|&ip| IpFamily::of(ip) == family)
    }

    /// Whether it is only a DNS name (ExternalName), without endpoints here.
    pub const fn is_external(&self) -> bool {
        self.external_name.is_some()
    }

    /// Whether it has no ClusterIP by its owner's wish.
    pub const fn is_headless(&self) -> bool {
        self.cluster_ips.is_empty() && !self.is_external()
    }
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetPort {
    /// Its number.
    pub number: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

impl fmt::Display for TargetPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol.as_str() {
            "TCP" => write!(f, "{}", self.number),
            other => write!(f, "{} {other}", self.number),
        }
    }
}

/// One address behind a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetEndpoint {
    /// The address.
    pub address: IpAddr,
    /// Whether it is ready, so that proxies send there.
    pub ready: bool,
    /// The pod that has it, where it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The node, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Where it listens, by its EndpointSlices.
    pub ports: Vec<TargetPort>,
}

impl Target {
    /// The endpoints of a family that are ready.
    pub fn ready(&self, family: IpFamily) -> impl Iterator<Item = &TargetEndpoint> {
        let endpoints = self.endpoints.known().into_iter().flatten();
        endpoints.filter(move |it| it.ready && IpFamily::of(it.address) == family)
    }

    /// Why it can't be tested at all, where it can't.
    fn unusable(&self) -> Option<TargetError> {
        let name = self.name.clone();
        match (&self.service, &self.endpoints) {
            (Fact::Forbidden { reason: permission }, _)
            | (Fact::Known { .. }, Fact::Forbidden { reason: permission }) => {
                Some(TargetError::Forbidden { name, permission: permission.clone() })
            }
            (Fact::Absent { reason }, _) if reason.ends_with(NOT_FOUND) => {
                Some(TargetError::NotFound(name))
            }
            (Fact::Absent { reason }, _) | (Fact::Known { .. }, Fact::Absent { reason }) => {
                Some(TargetError::Unreadable { name, reason: reason.clone() })
            }
            (Fact::Known { .. }, Fact::Known { .. }) => None,
        }
    }
}

/// How the reason ends why something that doesn't exist is not known.
pub(super) const NOT_FOUND: &str = " not found";

/// Makes sure that every target can be tested.
///
/// # Errors
/// The first that can't.
pub fn usable(targets: &[Target]) -> Result<(), TargetError> {
    targets.iter().find_map(Target::unusable).map_or(Ok(()), Err)
}

/// Why a Service can't be tested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is none of that name.
    #[error(
        "Service {0} not found; list those of its namespace with `kubectl -n {namespace} get services`",
        namespace = .0.namespace
    )]
    NotFound(TargetName),
    /// One may not see it.
    #[error(
        "target {name} cannot be read: missing permission: {permission}; ask for it, or leave the target out"
    )]
    Forbidden {
        /// The Service.
        name: TargetName,
        /// The permission.
        permission: String,
    },
    /// The API server doesn't tell.
    #[error("target {name} cannot be read: {reason}; leave it out, or try again")]
    Unreadable {
        /// The Service.
        name: TargetName,
        /// Why not.
        reason: String,
    },
}

impl TargetError {
    /// The exit code it deserves.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NotFound(_) | Self::Forbidden { .. } | Self::Unreadable { .. } => Exit::Cluster,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_namespace_and_a_name() {
        let name: TargetName = "team-a/web".parse().unwrap();
        assert_eq!((name.namespace.as_str(), name.name.as_str()), ("team-a", "web"));
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"team-a/web\"");
        for text in ["", "web", "/web", "team/", "team/web/80", "Team/web", "team/-web", "a b/c"] {
            assert!(text.parse::<TargetName>().is_err(), "{text}");
            assert!(serde_json::from_value::<TargetName>(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_target_that_can_not_be_tested_is_answered_with_one_sentence() {
        let name: TargetName = "team/web".parse().unwrap();
        let absent = |reason: &str| Fact::Absent { reason: reason.to_owned() };
        let error = |service| {
            let endpoints = Fact::Known { value: Vec::new(), source: String::new() };
            let error = usable(&[Target { name: name.clone(), service, endpoints }]).unwrap_err();
            assert_eq!(error.exit(), Exit::Cluster);
            error.to_string()
        };
        assert_eq!(
            error(absent("Service team/web not found")),
            "Service team/web not found; list those of its namespace with `kubectl -n team get services`"
        );
        let permission = "get services in namespace team".to_owned();
        assert!(error(Fact::Forbidden { reason: permission.clone() }).contains(&permission));
        assert!(error(absent("cannot read Service team/web: busy")).contains("busy"));
    }
}
