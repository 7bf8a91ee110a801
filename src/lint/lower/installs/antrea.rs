//! Antrea's controller, where it gives nodes their pod ranges itself (`nodeIPAM`).

use crate::{
    lint::{
        model::{Args, Installation, NodeMask, Tool},
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, joined};

/// The keys of the masks, and the lengths that Antrea takes where none are set.
const MASKS: [(&str, IpFamily, u8); 2] =
    [("nodeCIDRMaskSizeIPv4", IpFamily::V4, 24), ("nodeCIDRMaskSizeIPv6", IpFamily::V6, 64)];

impl Lower<'_> {
    pub(super) fn antrea(&mut self, root: &Node) -> bool {
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
