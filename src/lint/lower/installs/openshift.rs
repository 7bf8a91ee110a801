//! OpenShift: the networking of its installer's `install-config.yaml`, of its `Network` objects and
//! of hosted clusters.

use crate::{
    lint::{
        model::{Args, Installation, NodeMask, Tool},
        source::Spanned,
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, joined};

impl Lower<'_> {
    /// Whether a document is the installer's configuration.
    pub(super) fn is_openshift_install(root: &Node) -> bool {
        root.get("baseDomain").is_some() && root.at(&["networking", "clusterNetwork"]).is_some()
    }

    pub(super) fn install_config(&mut self, root: &Node) -> bool {
        Self::is_openshift_install(root)
            && root.get("networking").is_some_and(|node| self.openshift_networking(node))
    }

    /// `clusterNetwork` and `serviceNetwork`, and the length of each node's share.
    pub(in crate::lint::lower) fn openshift_networking(&mut self, network: &Node) -> bool {
        let items = |key: &str| network.get(key).map(Node::items).unwrap_or_default();
        // Hosted clusters have mappings where the others have texts.
        let range = |item: &Node| item.get("cidr").unwrap_or(item).text();
        let list = |key: &str, setting| {
            let parts: Vec<Spanned<String>> = items(key).iter().filter_map(range).collect();
            joined(&parts, setting)
        };
        let pods = list("clusterNetwork", Setting::pods(Tool::OpenShift, "clusterNetwork"));
        let services = list("serviceNetwork", Setting::services(Tool::OpenShift, "serviceNetwork"));
        let Some(at) = pods.as_ref().or(services.as_ref()).map(|list| list.text.span) else {
            return false;
        };
        let default = |family| match family {
            IpFamily::V4 => 23,
            IpFamily::V6 => 64,
        };
        let families = pods.iter().flat_map(|list| list.families());
        let masks = families.map(|family| {
            let own = |item: &&Node| {
                let text = item.get("cidr").and_then(Node::str).unwrap_or_default();
                text.contains(':') == (family == IpFamily::V6)
            };
            let item = items("clusterNetwork").iter().find(own);
            let set = item.and_then(|item| item.get("hostPrefix")?.text());
            let length = set.as_ref().and_then(|text| text.value.parse().ok());
            NodeMask { family, length: length.unwrap_or(default(family)), set }
        });
        let masks = masks.collect();
        self.model.installs.push(Installation {
            at,
            tool: Tool::OpenShift,
            pods,
            services,
            masks,
            settings: Args::default(),
        });
        true
    }
}
