//! Control planes that run as Pods of another cluster: Kamaji's and k0smotron's.

use crate::lint::{
    lower::kubeadm::begin,
    model::{Args, Installation, Tool},
    tree::Node,
};

use super::{Lower, Setting, assumed};

/// What Kamaji takes where nothing is given.
const PODS: &str = "10.244.0.0/16";
const SERVICES: &str = "10.96.0.0/16";

impl Lower<'_> {
    /// Kamaji's `TenantControlPlane`, whose fields for one range are older than those for several.
    pub(in crate::lint::lower) fn kamaji(&mut self, root: &Node) -> bool {
        let at = begin(root);
        let network = root.at(&["spec", "networkProfile"]);
        let list =
            |keys: [&'static str; 2], setting: fn(Tool, &'static str) -> Setting, default| {
                let given = keys
                    .into_iter()
                    .find_map(|key| self.range_list(network?.get(key), setting(Tool::Kamaji, key)));
                given.or_else(|| Some(assumed(default, at, setting(Tool::Kamaji, keys[0]))))
            };
        let pods = list(["podCidrs", "podCidr"], Setting::pods, PODS);
        let services = list(["serviceCidrs", "serviceCidr"], Setting::services, SERVICES);
        self.model.installs.push(Installation {
            at,
            tool: Tool::Kamaji,
            pods,
            services,
            masks: Vec::new(),
            settings: Args::default(),
        });
        self.version(root.at(&["spec", "kubernetes", "version"]).and_then(Node::text));
        true
    }

    /// k0smotron's `Cluster` and `K0smotronControlPlane`, which hold k0s' configuration.
    pub(in crate::lint::lower) fn k0smotron(&mut self, root: &Node) -> bool {
        let spec = root.at(&["spec", "template", "spec"]).or_else(|| root.get("spec"));
        spec.and_then(|spec| spec.get("k0sConfig")).is_some_and(|config| self.k0s(config))
    }
}
