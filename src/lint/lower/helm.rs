//! Values for the charts of network plugins and CoreDNS, and what carries them: a file of values,
//! Flux' `HelmRelease`, k3s' and RKE2's `HelmChart` and `HelmChartConfig`, Argo CD's `Application`,
//! Kustomize, helmfile, Cluster API's `HelmChartProxy`.

use crate::lint::{
    model::Arg,
    source::Span,
    tree::{Node, Value},
};

use super::{Lower, cilium, settings};

/// The charts whose values are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chart {
    Cilium,
    Calico,
    Flannel,
    Canal,
    CoreDns,
    KubeOvn,
    OvnKubernetes,
    ExternalDns,
    Istio,
    Linkerd,
    Antrea,
}

impl Chart {
    /// By a name such as `cilium`, `rke2-cilium` or `tigera-operator`.
    fn named(name: &str) -> Option<Self> {
        match name.rsplit('/').next().unwrap_or(name) {
            "cilium" | "rke2-cilium" => Some(Self::Cilium),
            "tigera-operator" | "calico" | "rke2-calico" => Some(Self::Calico),
            "flannel" | "rke2-flannel" => Some(Self::Flannel),
            "rke2-canal" => Some(Self::Canal),
            "coredns" | "rke2-coredns" => Some(Self::CoreDns),
            "kube-ovn" | "kubeovn" => Some(Self::KubeOvn),
            "ovn-kubernetes" => Some(Self::OvnKubernetes),
            "external-dns" => Some(Self::ExternalDns),
            "istiod" | "istio" | "istio-discovery" => Some(Self::Istio),
            "linkerd-control-plane" | "linkerd2-cni" => Some(Self::Linkerd),
            "antrea" => Some(Self::Antrea),
            _ => None,
        }
    }

    /// By the values that only the chart has.
    fn of_values(root: &Node) -> Option<Self> {
        let operator = ["calicoNetwork", "cni"];
        let installation = |node: &Node| operator.iter().any(|key| node.get(key).is_some());
        if cilium::is_values(root) {
            Some(Self::Cilium)
        } else if root.get("installation").is_some_and(installation) {
            Some(Self::Calico)
        } else if root.get("podCidr").is_some() && root.get("flannel").is_some() {
            Some(Self::Flannel)
        } else if root.get("servers").is_some_and(is_coredns) {
            Some(Self::CoreDns)
        } else if Lower::is_kube_ovn(root) {
            Some(Self::KubeOvn)
        } else if Lower::is_istio(root) {
            Some(Self::Istio)
        } else if root.get("podNetwork").is_some() && root.get("serviceNetwork").is_some() {
            Some(Self::OvnKubernetes)
        } else if ["managedRecordTypes", "managedRecordTypesFilters"]
            .iter()
            .any(|key| root.get(key).is_some())
        {
            Some(Self::ExternalDns)
        } else if root.get("disableIPv6").is_some() && root.get("clusterNetworks").is_some() {
            Some(Self::Linkerd)
        } else {
            None
        }
    }
}

/// Whether a list holds the server blocks of CoreDNS' chart.
fn is_coredns(servers: &Node) -> bool {
    let block = |item: &Node| item.get("zones").is_some() && item.get("plugins").is_some();
    servers.items().iter().any(block)
}

impl Lower<'_> {
    /// Values, of the named chart or of one that they show; of a chart's dependencies too, which
    /// have their values under their names. False if they are of no known chart.
    pub(super) fn helm_values(&mut self, root: &Node, name: Option<&str>) -> bool {
        let Value::Map(entries) = &root.value else { return false };
        let begin = entries.first().map_or(root.span, |entry| entry.key.span);
        if let Some(chart) = name.and_then(Chart::named).or_else(|| Chart::of_values(root)) {
            self.chart(chart, root, begin);
            if name == Some("rke2-cilium") {
                self.rke2_cilium();
            }
            self.value_services(root);
            return true;
        }
        let mut known = false;
        for entry in entries {
            let chart = Chart::named(&entry.key.value);
            if let Some(chart) = chart.filter(|_| Chart::of_values(&entry.value) == chart) {
                self.chart(chart, &entry.value, entry.key.span);
                known = true;
            }
            known |= self.ingress_values(&entry.value);
        }
        known |= self.metallb_values(root) | self.ingress_values(root);
        self.value_services(root) || known
    }

    fn chart(&mut self, chart: Chart, values: &Node, begin: Span) {
        match chart {
            Chart::Cilium => self.cilium_values(values, begin),
            Chart::Flannel => self.flannel_values(values, begin),
            Chart::Canal => self.canal_values(values, begin),
            Chart::CoreDns => self.coredns_values(values),
            Chart::KubeOvn => self.kube_ovn_values(values, begin),
            Chart::OvnKubernetes => {
                self.ovn_kubernetes(values);
            }
            Chart::ExternalDns => self.external_dns_values(values),
            Chart::Istio => self.istio_values(values),
            Chart::Linkerd => self.linkerd_values(values),
            Chart::Antrea => {
                self.antrea(values);
            }
            Chart::Calico => {
                if let Some(installation) = values.get("installation") {
                    self.calico_network(installation);
                }
            }
        }
    }

    /// Flux' `HelmRelease`.
    pub(super) fn helm_release(&mut self, root: &Node) -> bool {
        let chart = root.at(&["spec", "chart", "spec", "chart"]);
        let chart = chart.or_else(|| root.at(&["spec", "chartRef", "name"]));
        let chart = chart.or_else(|| root.at(&["metadata", "name"])).and_then(Node::str);
        self.chart_version(chart, root.at(&["spec", "chart", "spec", "version"]));
        let values = root.at(&["spec", "values"]);
        values.is_some_and(|values| self.helm_values(values, chart))
    }

    /// Crossplane's `Release`.
    pub(super) fn helm_crossplane(&mut self, root: &Node) -> bool {
        let Some(own) = root.at(&["spec", "forProvider"]) else { return false };
        let chart = own.at(&["chart", "name"]).and_then(Node::str);
        self.chart_version(chart, own.at(&["chart", "version"]));
        let known = self.helm_settings(own.get("set"), chart);
        own.get("values").is_some_and(|values| self.helm_values(values, chart)) || known
    }

    /// Flux' `OCIRepository`, of which the version of a chart is known. It says nothing else.
    pub(super) fn oci_repository(&mut self, root: &Node) -> bool {
        let url = root.at(&["spec", "url"]).and_then(Node::str);
        self.chart_version(url, root.at(&["spec", "ref", "tag"]));
        false
    }

    /// Which version of a chart is used, where it is one of Cilium's, whose versions are its own.
    pub(super) fn chart_version(&mut self, chart: Option<&str>, version: Option<&Node>) {
        let cilium = chart.is_some_and(|name| name.rsplit('/').next() == Some("cilium"));
        if let Some(text) = version.filter(|_| cilium).and_then(Node::text)
            && let Ok(version) = text.value.parse()
        {
            self.model.cilium_versions.push(text.with(version));
        }
    }

    /// Kustomize's `helmCharts`, with their values in place.
    pub(super) fn kustomize_charts(&mut self, root: &Node) -> bool {
        let mut known = false;
        for chart in root.get("helmCharts").map(Node::items).unwrap_or_default() {
            let name = chart.get("name").and_then(Node::str);
            self.chart_version(name, chart.get("version"));
            known |= chart.get("valuesInline").is_some_and(|values| self.helm_values(values, name));
        }
        known
    }

    /// A file of helmfile: releases with their values, or single ones of them.
    pub(super) fn helmfile(&mut self, root: &Node) -> bool {
        let mut known = false;
        for release in root.get("releases").map(Node::items).unwrap_or_default() {
            let chart = release.get("chart").and_then(Node::str);
            self.chart_version(chart, release.get("version"));
            for values in release.get("values").map(Node::items).unwrap_or_default() {
                known |= self.helm_values(values, chart);
            }
            known |= self.helm_settings(release.get("set"), chart);
        }
        known
    }

    /// Cluster API's `HelmChartProxy`, whose values may hold templates.
    pub(super) fn helm_chart_proxy(&mut self, root: &Node) -> bool {
        let chart = root.at(&["spec", "chartName"]).and_then(Node::str);
        self.chart_version(chart, root.at(&["spec", "version"]));
        let values = root.at(&["spec", "valuesTemplate"]);
        values.is_some_and(|values| self.embedded_values(values, chart))
    }

    /// Single values by their paths: a mapping, or a list of names and values.
    fn helm_settings(&mut self, node: Option<&Node>, chart: Option<&str>) -> bool {
        let Some(node) = node else { return false };
        let mapped = node
            .entries()
            .iter()
            .filter_map(|entry| Some(Arg { name: entry.key.clone(), value: entry.value.text()? }));
        let listed = node.items().iter().filter_map(|item| {
            Some(Arg { name: item.get("name")?.text()?, value: item.get("value")?.text()? })
        });
        let list: Vec<Arg> = mapped.chain(listed).collect();
        !list.is_empty() && self.helm_values(&settings::from_paths(&list, node.span), chart)
    }

    /// k3s' and RKE2's `HelmChart` and `HelmChartConfig`.
    pub(super) fn helm_chart(&mut self, root: &Node) -> bool {
        let chart = root.at(&["spec", "chart"]).or_else(|| root.at(&["metadata", "name"]));
        let chart = chart.and_then(Node::str);
        self.chart_version(chart, root.at(&["spec", "version"]));
        let known = self.helm_settings(root.at(&["spec", "set"]), chart);
        let values = root.at(&["spec", "valuesContent"]);
        values.is_some_and(|values| self.embedded_values(values, chart)) || known
    }

    /// Argo CD's `Application`, of one source or several.
    pub(super) fn argo_application(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return false };
        let several = spec.get("sources").map(Node::items).unwrap_or_default();
        let mut known = false;
        for source in spec.get("source").into_iter().chain(several) {
            let chart = source.get("chart").and_then(Node::str);
            self.chart_version(chart, source.get("targetRevision"));
            if let Some(values) = source.at(&["helm", "valuesObject"]) {
                known |= self.helm_values(values, chart);
            } else if let Some(values) = source.at(&["helm", "values"]) {
                known |= self.embedded_values(values, chart);
            }
            known |= self.helm_settings(source.at(&["helm", "parameters"]), chart);
        }
        known
    }

    pub(super) fn embedded_values(&mut self, node: &Node, chart: Option<&str>) -> bool {
        let mut known = false;
        let before = self.model.flaws.len();
        let documents = self.embedded(node, "values");
        let broken = self.model.flaws.split_off(before);
        for document in documents {
            self.depth += 1;
            if self.helm_values(&document.root, chart) {
                self.model.flaws.extend(document.flaws);
                known = true;
            }
            self.depth -= 1;
        }
        // The values of other charts are theirs to read.
        if known {
            self.model.flaws.extend(broken);
        }
        known
    }
}
