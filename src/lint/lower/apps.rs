//! What runs in a cluster and has families of its own: external-dns, Istio, Linkerd, kube-vip, Envoy
//! Gateway.

use crate::lint::{
    model::{
        Address, AddressPool, Extent, Gateway, Mesh, PoolRange, Service, Switch, VirtualAddress,
    },
    source::{Span, Spanned},
    tree::Node,
};

use super::Lower;

/// Where Envoy Gateway is told how the Service of its proxies is to be.
const ENVOY_SERVICE: &[&str] =
    &["spec", "provider", "kubernetes", "envoyService", "patch", "value", "spec"];

/// Istio's two switches for dual-stack: of its control plane, and of its proxies.
const ISTIO: [&[&str]; 2] = [
    &["pilot", "env", "ISTIO_DUAL_STACK"],
    &["meshConfig", "defaultConfig", "proxyMetadata", "ISTIO_DUAL_STACK"],
];

impl Lower<'_> {
    /// The record types that external-dns manages, by its flags.
    pub(super) fn external_dns(&mut self, container: &Node) -> bool {
        let text = |key: &str| container.get(key).and_then(Node::str).unwrap_or_default();
        if text("name") != "external-dns" && !text("image").contains("external-dns/external-dns") {
            return false;
        }
        let list = |key: &str| container.get(key).map(Node::items).unwrap_or_default();
        let args = self.command_line(list("command").iter().chain(list("args")));
        let types = args.list.into_iter().filter(|arg| arg.name.value == "managed-record-types");
        self.managed_records(types.map(|arg| arg.value).collect())
    }

    /// The same by the values of its chart.
    pub(super) fn external_dns_values(&mut self, values: &Node) {
        let list = |key: &str| values.get(key).map(Node::items).unwrap_or_default();
        let mut types: Vec<Spanned<String>> = ["managedRecordTypes", "managedRecordTypesFilters"]
            .into_iter()
            .flat_map(list)
            .filter_map(Node::text)
            .collect();
        let args = self.command_line(list("extraArgs").iter());
        let flags = args.list.into_iter().filter(|arg| arg.name.value == "managed-record-types");
        types.extend(flags.map(|arg| arg.value));
        self.managed_records(types);
    }

    fn managed_records(&mut self, types: Vec<Spanned<String>>) -> bool {
        if !types.is_empty() {
            self.model.managed_records.push(types);
        }
        true
    }

    /// Whether values are Istio's.
    pub(super) fn is_istio(values: &Node) -> bool {
        ISTIO.iter().any(|path| values.at(path).is_some())
    }

    /// Istio's switches, in the values of its charts.
    pub(super) fn istio_values(&mut self, values: &Node) {
        let [pilot, proxies] = ISTIO.map(|path| values.at(path).and_then(Node::text));
        self.istio(pilot, proxies);
    }

    /// Istio's `IstioOperator`, which has the values of the charts beside the mesh's configuration.
    pub(super) fn istio_operator(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return true };
        let values = spec.get("values");
        let at = |node: Option<&Node>, path: &[&str]| node?.at(path)?.text();
        let listed = |path: &[&str]| {
            let env = spec.at(path).map(Node::items).unwrap_or_default();
            let own =
                |item: &&Node| item.get("name").and_then(Node::str) == Some("ISTIO_DUAL_STACK");
            env.iter().find(own).and_then(|item| item.get("value")?.text())
        };
        let pilot = at(values, ISTIO[0]).or_else(|| listed(&["components", "pilot", "k8s", "env"]));
        let proxies = at(Some(spec), ISTIO[1]).or_else(|| at(values, ISTIO[1]));
        self.istio(pilot, proxies);
        if let Some(values) = values {
            self.value_services(values);
        }
        true
    }

    fn istio(&mut self, pilot: Option<Spanned<String>>, proxies: Option<Spanned<String>>) {
        let switch = |name: &'static str, set| Switch { name, set };
        self.model.meshes.push(Mesh::Istio {
            pilot: switch("pilot.env.ISTIO_DUAL_STACK", pilot),
            proxies: switch("proxyMetadata.ISTIO_DUAL_STACK", proxies),
        });
    }

    /// Istio's `ServiceEntry`. Its endpoints may be names unless they are static.
    pub(super) fn service_entry(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return true };
        let list = |key| spec.get(key).map(Node::items).unwrap_or_default().iter();
        let is_static = spec.get("resolution").and_then(Node::str) == Some("STATIC");
        let endpoints = list("endpoints").filter(|_| is_static);
        let endpoints = endpoints.filter_map(|own| own.get("address")?.text());
        self.model.meshes.push(Mesh::ServiceEntry {
            addresses: list("addresses").filter_map(Node::text).collect(),
            endpoints: endpoints.filter(|own| !own.value.starts_with("unix://")).collect(),
        });
        true
    }

    /// The values of Linkerd's control plane or of its CNI plugin.
    pub(super) fn linkerd_values(&mut self, values: &Node) {
        if let Some(off) = values.get("disableIPv6").and_then(Node::text) {
            self.model.meshes.push(Mesh::Linkerd { disable_v6: off });
        }
    }

    /// The pools of kube-vip's cloud provider: `cidr-global`, `range-NAMESPACE` and their like.
    pub(super) fn kube_vip_pools(&mut self, data: &Node) -> bool {
        let mut known = false;
        for entry in data.entries() {
            let key = entry.key.value.as_str();
            if !key.starts_with("cidr-") && !key.starts_with("range-") {
                continue;
            }
            let Some(text) = entry.value.text() else { continue };
            let ranges = self.split(&text).into_iter().map(PoolRange::new).collect();
            let name = entry.key.clone();
            self.model.address_pools.push(AddressPool { name, ranges, whole: true, cilium: false });
            known = true;
        }
        known
    }

    /// kube-vip beside the control plane, by its environment.
    pub(super) fn kube_vip(&mut self, container: &Node) -> bool {
        let text = |key: &str| container.get(key).and_then(Node::str).unwrap_or_default();
        if text("name") != "kube-vip" && !text("image").contains("kube-vip/kube-vip:") {
            return false;
        }
        let env = container.get("env").map(Node::items).unwrap_or_default();
        let variable = |names: &[&str]| {
            let own = |item: &&Node| {
                item.get("name").and_then(Node::str).is_some_and(|name| names.contains(&name))
            };
            let value = env.iter().find(own)?.get("value")?.text();
            value.filter(|text| !text.value.is_empty())
        };
        // vip_cidr decides about routes of older releases only.
        let addresses = variable(&["address", "vip_address"]);
        let lengths = variable(&["vip_subnet"]);
        let split = |text: Option<Spanned<String>>| text.map(|text| self.split(&text));
        let addresses = split(addresses).unwrap_or_default().into_iter().map(Address::new);
        let addresses = VirtualAddress {
            addresses: addresses.collect(),
            lengths: split(lengths).unwrap_or_default(),
        };
        self.model.virtual_addresses.push(addresses);
        true
    }

    /// Envoy Gateway's `EnvoyProxy`: its family decides about Envoy's listeners and its Service.
    pub(super) fn envoy_proxy(&mut self, root: &Node) -> bool {
        let family = root.at(&["spec", "ipFamily"]).and_then(Node::text);
        let name = root.at(&["metadata", "name"]).and_then(Node::str).unwrap_or_default();
        if let Some(family) = &family {
            let (families, policy): (&[&str], _) = match family.value.as_str() {
                "DualStack" => (&["IPv4", "IPv6"], "RequireDualStack"),
                "IPv6" => (&["IPv6"], "SingleStack"),
                "IPv4" => (&["IPv4"], "SingleStack"),
                _ => (&[], ""),
            };
            if !families.is_empty() {
                let policy = Some(family.with(policy.to_owned()));
                let families = families.iter().map(|name| family.with((*name).to_owned()));
                let name = format!("of the EnvoyProxy {name}");
                self.envoy_service(name, family.span, policy, families.collect());
            }
        }
        let service = root.at(ENVOY_SERVICE);
        let policy = service.and_then(|spec| spec.get("ipFamilyPolicy"));
        let families = service.and_then(|spec| spec.get("ipFamilies"));
        let both = policy.filter(|node| {
            node.str()
                .is_some_and(|policy| matches!(policy, "PreferDualStack" | "RequireDualStack"))
        });
        let both = both.or(families.filter(|node| node.items().len() > 1));
        self.model.gateways.push(Gateway { family, dual_service: both.map(|node| node.span) });
        self.value_services(root);
        true
    }

    fn envoy_service(
        &mut self,
        name: String,
        at: Span,
        policy: Option<Spanned<String>>,
        families: Vec<Spanned<String>>,
    ) {
        self.model.services.push(Service {
            at,
            name,
            extent: Extent::Values,
            kind: None,
            legacy_family: None,
            policy,
            families,
            cluster_ip: None,
            cluster_ips: Vec::new(),
            external_ips: Vec::new(),
            load_balancer_ips: Vec::new(),
            ipv4_only: None,
            source_ranges: Vec::new(),
            class: None,
            annotations: Vec::new(),
        });
    }

    /// A text of kernel settings and nothing else, as a ConfigMap holds it for whoever writes it
    /// to the nodes.
    pub(super) fn is_sysctl_text(text: &str) -> bool {
        let lines = || {
            let lines = text.lines().map(str::trim);
            lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
        };
        let setting = |line: &str| {
            line.split_once('=').is_some_and(|(name, value)| {
                let name = name.trim();
                let dotted = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
                name.contains('.') && name.chars().all(dotted) && !value.trim().is_empty()
            })
        };
        lines().all(setting) && lines().any(|line| line.starts_with("net."))
    }
}
