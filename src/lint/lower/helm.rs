//! Values for the charts of network plugins, and what carries them: a file of values, Flux'
//! `HelmRelease`, k3s' and RKE2's `HelmChart` and `HelmChartConfig`, Argo CD's `Application`.

use crate::lint::{
    source::Span,
    tree::{Node, Value},
};

use super::{Lower, cilium};

/// The charts whose values are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chart {
    Cilium,
    Calico,
    Flannel,
}

impl Chart {
    /// By a name such as `cilium`, `rke2-cilium` or `tigera-operator`.
    fn named(name: &str) -> Option<Self> {
        match name.rsplit('/').next().unwrap_or(name) {
            "cilium" | "rke2-cilium" => Some(Self::Cilium),
            "tigera-operator" | "calico" | "rke2-calico" => Some(Self::Calico),
            "flannel" | "rke2-flannel" => Some(Self::Flannel),
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
        } else {
            None
        }
    }
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
            return true;
        }
        let mut known = false;
        for entry in entries {
            let chart = Chart::named(&entry.key.value);
            if let Some(chart) = chart.filter(|_| Chart::of_values(&entry.value) == chart) {
                self.chart(chart, &entry.value, entry.key.span);
                known = true;
            }
        }
        known
    }

    fn chart(&mut self, chart: Chart, values: &Node, begin: Span) {
        match chart {
            Chart::Cilium => self.cilium_values(values, begin),
            Chart::Flannel => self.flannel_values(values, begin),
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
        let values = root.at(&["spec", "values"]);
        values.is_some_and(|values| self.helm_values(values, chart))
    }

    /// k3s' and RKE2's `HelmChart` and `HelmChartConfig`.
    pub(super) fn helm_chart(&mut self, root: &Node) -> bool {
        let chart = root.at(&["spec", "chart"]).or_else(|| root.at(&["metadata", "name"]));
        let chart = chart.and_then(Node::str);
        let Some(values) = root.at(&["spec", "valuesContent"]) else { return false };
        self.embedded_values(values, chart)
    }

    /// Argo CD's `Application`, of one source or several.
    pub(super) fn argo_application(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return false };
        let several = spec.get("sources").map(Node::items).unwrap_or_default();
        let mut known = false;
        for source in spec.get("source").into_iter().chain(several) {
            let chart = source.get("chart").and_then(Node::str);
            if let Some(values) = source.at(&["helm", "valuesObject"]) {
                known |= self.helm_values(values, chart);
            } else if let Some(values) = source.at(&["helm", "values"]) {
                known |= self.embedded_values(values, chart);
            }
        }
        known
    }

    fn embedded_values(&mut self, node: &Node, chart: Option<&str>) -> bool {
        let mut known = false;
        for document in self.embedded(node, "values") {
            self.depth += 1;
            if self.helm_values(&document.root, chart) {
                self.model.flaws.extend(document.flaws);
                known = true;
            }
            self.depth -= 1;
        }
        known
    }
}
