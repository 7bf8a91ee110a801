//! Antrea's controller, where it gives nodes their pod ranges itself (`nodeIPAM`), and its agent.

use crate::{
    lint::{
        model::{AntreaAgent, Args, Installation, NodeMask, RangeEntry, Tool},
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, joined};

/// The keys of the masks, and the lengths that Antrea takes where none are set.
const MASKS: [(&str, IpFamily, u8); 2] =
    [("nodeCIDRMaskSizeIPv4", IpFamily::V4, 24), ("nodeCIDRMaskSizeIPv6", IpFamily::V6, 64)];

impl Lower<'_> {
    /// The values of Antrea's chart, or the configuration of its controller or its agent.
    pub(in crate::lint::lower) fn antrea(&mut self, root: &Node) -> bool {
        let controller = self.antrea_controller(root);
        let own = ["trafficEncapMode", "serviceCIDRv6", "ovsBridge", "antreaProxy"];
        let agent = own.iter().any(|key| root.get(key).is_some())
            || root.at(&["featureGates", "AntreaProxy"]).is_some();
        if agent {
            self.antrea_agent(root);
        }
        controller || agent
    }

    /// The agent's configuration, as its ConfigMap holds it.
    pub(in crate::lint::lower) fn antrea_agent_text(&mut self, node: &Node) -> bool {
        for document in self.embedded(node, "antrea-agent.conf") {
            self.antrea_agent(&document.root);
        }
        true
    }

    fn antrea_agent(&mut self, root: &Node) {
        let range = |key: &str| {
            let text = root.get(key)?.text().filter(|text| !text.value.is_empty())?;
            Some(RangeEntry::new(text))
        };
        let off = |path: &[&str]| {
            let node = root.at(path)?;
            (node.str() == Some("false")).then_some(node.span)
        };
        let proxy_off =
            off(&["featureGates", "AntreaProxy"]).or_else(|| off(&["antreaProxy", "enable"]));
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        let (services, services_v6) = (range("serviceCIDR"), range("serviceCIDRv6"));
        self.model.antrea.push(AntreaAgent { at, proxy_off, services, services_v6 });
    }

    fn antrea_controller(&mut self, root: &Node) -> bool {
        let Some(entry) = root.entry("nodeIPAM") else { return false };
        let node = &entry.value;
        let text = |key: &str| node.get(key)?.text().filter(|text| !text.value.is_empty());
        // Its chart's values call the switch otherwise.
        let on = text("enableNodeIPAM").or_else(|| text("enable"));
        let on = on.is_some_and(|text| text.value == "true");
        let pods =
            self.range_list(node.get("clusterCIDRs"), Setting::pods(Tool::Antrea, "clusterCIDRs"));
        if !on || pods.is_none() {
            return false;
        }
        let services: Vec<_> =
            ["serviceCIDR", "serviceCIDRv6"].into_iter().filter_map(text).collect();
        let services = joined(&services, Setting::services(Tool::Antrea, "serviceCIDR"));
        let masks = MASKS.iter().map(|(key, family, default)| {
            let set = text(key);
            let length = set.as_ref().and_then(|text| text.value.parse().ok());
            NodeMask { family: *family, length: length.unwrap_or(*default), set }
        });
        let masks = masks.collect();
        self.model.installs.push(Installation {
            at: entry.key.span,
            tool: Tool::Antrea,
            pods,
            services,
            masks,
            settings: Args::default(),
        });
        true
    }
}
