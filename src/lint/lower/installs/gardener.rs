//! Gardener's `Shoot`.

use crate::{
    lint::{
        lower::kubeadm::begin,
        model::{Arg, Args, Installation, NodeMask, Tool},
        source::Spanned,
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, settings};

const SETTINGS: &[&str] = &["pods", "services", "nodes"];

impl Lower<'_> {
    pub(in crate::lint::lower) fn gardener(&mut self, root: &Node) -> bool {
        let Some(network) = root.at(&["spec", "networking"]) else { return true };
        let kubernetes = |path: &[&str]| root.at(&["spec", "kubernetes"])?.at(path)?.text();
        self.version(kubernetes(&["version"]));
        let families: Vec<Spanned<String>> = network
            .get("ipFamilies")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Node::text)
            .collect();
        // Each field takes one range; the second family's comes from the infrastructure.
        let one = families.len() < 2;
        let list = |field: &str, setting| {
            network.get(field).filter(|_| one).and_then(|node| self.range_list(Some(node), setting))
        };
        let pods = list("pods", Setting::pods(Tool::Gardener, "pods"));
        let services = list("services", Setting::services(Tool::Gardener, "services"));
        let set = kubernetes(&["kubeControllerManager", "nodeCIDRMaskSize"]);
        let mask = set.as_ref().and_then(|text| text.value.parse().ok());
        let masks = mask.map(|length| NodeMask { family: IpFamily::V4, length, set });
        let mut settings = settings(network, SETTINGS);
        settings.list.extend(families.into_iter().map(family));
        self.model.installs.push(Installation {
            at: begin(root),
            tool: Tool::Gardener,
            pods,
            services,
            masks: masks.into_iter().collect(),
            settings,
        });
        let mode = kubernetes(&["kubeProxy", "mode"]);
        self.proxy_mode(mode.map(|text| text.with(text.value.to_lowercase())));
        true
    }
}

/// A family that a list asks for, as one of several settings of the same name.
pub(super) fn family(value: Spanned<String>) -> Arg {
    Arg { name: value.with(String::from("ipFamilies")), value }
}

/// Settings, and the families of a list among them.
pub(super) fn with_families(settings: Args, families: Option<&Node>) -> Args {
    let families = families.map(Node::items).unwrap_or_default();
    let families = families.iter().filter_map(Node::text).map(family);
    Args { list: settings.list.into_iter().chain(families).collect(), ..Args::default() }
}
