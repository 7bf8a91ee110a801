//! The one list of all faults.

use std::fmt;

use clap::Subcommand as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{about::About, kind::Erased, truth, *};
use crate::{
    path::{Net, Outcome, Path},
    spec::{Cni, Family},
};

/// Makes the enum of all faults from the types of each, in the order of the table.
macro_rules! catalogue {
    ($($kind:ident,)*) => {
        /// The faults there are. On the command line each is a subcommand of
        /// `testbed fault inject`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Subcommand)]
        #[serde(tag = "fault", rename_all = "kebab-case")]
        pub enum Fault {
            $(
                #[doc = concat!("See [`", stringify!($kind), "`].")]
                #[command(about = <$kind as FaultKind>::ABOUT.does, long_about = None)]
                $kind($kind),
            )*
        }

        impl Fault {
            pub(super) fn erased(&self) -> &dyn Erased {
                match self {
                    $(Self::$kind(fault) => fault,)*
                }
            }

            /// All kinds as a test of everything goes through them in a cluster of three nodes over
            /// a pod network: those of one family, or for `None` those that have no family.
            pub fn examples_on(cni: Cni, family: impl Into<Option<Family>>) -> Vec<Self> {
                let family = family.into();
                let all = [$(<$kind as FaultKind>::example(family).map(Self::from),)*];
                let all = all.into_iter().flatten();
                all.filter(|fault: &Self| fault.erased().network() == cni).collect()
            }

            /// What there is to say of each kind, in the order of the table.
            fn abouts() -> Vec<About> {
                vec![$(<$kind as FaultKind>::ABOUT,)*]
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
    InternalIpMissing,
    NodeCidrMissing,
    PodAddressMissing,
    ForwardingOff,
    RouteMissing,
    RoutesMissing,
    OwnRoutesMissing,
    ForwardDropped,
    DefaultRouteLost,
    AddressLost,
    AddressDeprecated,
    AddressDuplicate,
    NeighboursDropped,
    LinkDown,
    NodeFrozen,
    KubeletStopped,
    MtuBlackHole,
    LargePacketsOneWay,
    LargeAnswersLost,
    PacketsLost,
    MasqueradeMissing,
    EgressDropped,
    ServiceMasqueradeLost,
    NginxNotListening,
    NginxHung,
    ListenerOneFamily,
    PodDropped,
    WebPortDropped,
    UdpDropped,
    ConnectionsSlow,
    StaleFlows,
    HairpinOff,
    ClusterIpDropped,
    KubernetesServiceDropped,
    CertificateWithoutService,
    HostToPodsDropped,
    HostPortsDropped,
    OwnAddressDropped,
    NodePortDropped,
    NodePortRefused,
    NodePortInputDropped,
    NodePortAddresses,
    RouteLocalnetOff,
    ExternalTrafficLocal,
    LoadBalancerOneFamily,
    LoadBalancerUnrouted,
    ServicePolicy,
    PolicyChangeRefused,
    PolicyOneFamily,
    RulesFlushed,
    KubeProxyStopped,
    KubeProxyCrashing,
    KubeProxyFamilyFailing,
    DnsRecordMissing,
    DnsRecordsFailing,
    DnsReverseMissing,
    DnsEndpointsOff,
    ClusterDomainWrong,
    DnsFamilyRefused,
    DnsTransportDropped,
    DnsSlow,
    DnsDown,
    FlannelLinkDown,
    FlannelLost,
    CalicoTunnelFiltered,
    CalicoLost,
    CalicoPoolDisabled,
    CalicoPoolExhausted,
    ApiServerPaused,
    ControllerManagerStopped,
    SchedulerStopped,
}

impl Fault {
    /// Those of the testbed's own pod network.
    pub fn examples(family: impl Into<Option<Family>>) -> Vec<Self> {
        Self::examples_on(Cni::Ptp, family)
    }

    /// Every kind: its name on the command line, and what there is to say of it.
    pub fn kinds() -> Vec<(String, About)> {
        let commands = Self::augment_subcommands(clap::Command::new("fault"));
        let names = commands.get_subcommands().map(|command| command.get_name().to_owned());
        names.zip(Self::abouts()).collect()
    }

    /// What there is to say of its kind.
    pub fn about(&self) -> About {
        self.erased().about()
    }

    /// What comes of a path while it lasts.
    pub fn outcome(&self, path: &Path, net: &Net) -> Outcome {
        truth::outcome(self.erased(), path, net)
    }

    /// The family that it breaks, if it has one.
    pub fn family(&self) -> Option<Family> {
        let value = serde_json::to_value(self).ok()?;
        serde_json::from_value(value.get("family")?.clone()).ok()
    }

    /// Its kind as the command line names it, such as `route-missing`.
    pub fn name(&self) -> String {
        self.to_string().split(' ').next().unwrap_or_default().to_owned()
    }
}

/// As it is written on the command line: `route-missing --family ipv6 --node n2 --to n3`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        let fields = value.as_object().ok_or(fmt::Error)?;
        f.write_str(fields.get("fault").and_then(Value::as_str).ok_or(fmt::Error)?)?;
        for (name, value) in fields.iter().filter(|(name, _)| *name != "fault") {
            match value {
                Value::String(text) => write!(f, " --{name} {}", text.to_lowercase())?,
                other => write!(f, " --{name} {other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{FromArgMatches, ValueEnum as _};

    use super::*;

    fn all() -> Vec<Fault> {
        let families = [None, Some(Family::V6), Some(Family::V4)];
        let on = |cni| families.into_iter().flat_map(move |family| Fault::examples_on(cni, family));
        Cni::value_variants().iter().copied().flat_map(on).collect()
    }

    #[test]
    fn a_fault_is_displayed_as_the_command_line_takes_it() {
        for fault in all() {
            let words = format!("inject {fault}");
            let command = Fault::augment_subcommands(clap::Command::new("inject"));
            let matches = command.try_get_matches_from(words.split(' ')).unwrap();
            assert_eq!(Fault::from_arg_matches(&matches).unwrap(), fault);
        }
    }

    #[test]
    fn every_kind_has_an_example_and_a_row_of_its_own() {
        let named: BTreeSet<String> = all().iter().map(Fault::name).collect();
        let kinds: BTreeSet<String> = Fault::kinds().into_iter().map(|(name, _)| name).collect();
        assert_eq!(named, kinds);
        for fault in all() {
            let about = Fault::kinds().into_iter().find(|(name, _)| *name == fault.name());
            assert_eq!(about.unwrap().1, fault.about(), "{fault}");
        }
    }

    #[test]
    fn an_example_is_of_the_family_that_was_asked_for() {
        for family in [None, Some(Family::V6), Some(Family::V4)] {
            for fault in Fault::examples(family) {
                assert_eq!(fault.family(), family, "{fault}");
            }
        }
    }

    #[test]
    fn a_row_of_the_table_is_one_line_and_has_all_it_needs() {
        for (name, about) in Fault::kinds() {
            assert!(!about.does.is_empty(), "{name}");
            for text in [about.does, about.limits] {
                assert!(!text.contains(['|', '\n']) && !text.ends_with('.'), "{name}: {text}");
            }
        }
    }

    #[test]
    fn two_faults_of_different_families_disturb_each_other_only_where_they_share_a_file() {
        let touches = |family| -> Vec<(String, String)> {
            let faults = Fault::examples(family);
            faults.iter().map(|fault| (fault.name(), fault.erased().touches())).collect()
        };
        let (v4, v6) = (touches(Family::V4), touches(Family::V6));
        let shared: Vec<&str> =
            v4.iter().filter(|one| v6.contains(one)).map(|(name, _)| name.as_str()).collect();
        let files = [
            "internal-ip-missing",
            "node-cidr-missing",
            "pod-address-missing",
            "masquerade-missing",
            "nginx-not-listening",
            "node-port-addresses",
            "external-traffic-local",
            "kube-proxy-family-failing",
            "dns-record-missing",
            "dns-records-failing",
            "dns-reverse-missing",
        ];
        assert_eq!(shared, files);
    }
}
