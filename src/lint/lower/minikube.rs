//! `minikube start` with settings of the components.

use crate::lint::{
    model::{Arg, Args, ClusterConfiguration, ComponentName, Owner, Role},
    source::{Span, Spanned},
};

use super::{Lower, commands::is_variable};

impl Lower<'_> {
    /// What `minikube start` makes of `--extra-config=COMPONENT.SETTING=VALUE` and of its own flags.
    pub(super) fn minikube(&mut self, words: &[Spanned<String>], at: Span) -> bool {
        let Args { mut list, .. } = self.flags(words);
        list.retain(|arg| !is_variable(&arg.value.value));
        let own = Args { list, ..Args::default() };
        let extra = own.list.iter().filter(|arg| arg.name.value == "extra-config");
        let extra: Vec<(String, Arg)> = extra.filter_map(|arg| self.setting(&arg.value)).collect();
        let of = |component: &str| {
            let own = extra.iter().filter(|(name, _)| name == component);
            Args { list: own.map(|(_, arg)| arg.clone()).collect(), ..Args::default() }
        };
        let pods = of("kubeadm").get("pod-network-cidr").cloned();
        let pods = self.ranges(pods, Role::Pods, Owner::Kubeadm, "--pod-network-cidr");
        let services = own.get("service-cluster-ip-range").cloned();
        let field = "--service-cluster-ip-range";
        let services = self.ranges(services, Role::Services, Owner::Kubeadm, field);
        let mut known = pods.is_some() || services.is_some();
        for (component, name) in [
            ("apiserver", ComponentName::ApiServer),
            ("controller-manager", ComponentName::ControllerManager),
        ] {
            let args = of(component);
            if !self.component_ranges(name, &args).is_empty() {
                self.component_flags(name, args, at);
                known = true;
            }
        }
        let kubelet = of("kubelet");
        if let Some(node_ip) = kubelet.get("node-ip").map(|text| self.addresses(text)) {
            self.node_with(kubelet, node_ip, at);
            known = true;
        }
        if !known {
            return false;
        }
        self.version(own.get("kubernetes-version").cloned());
        if services.is_none() {
            self.assume_services(at);
        }
        if pods.is_some() || services.is_some() {
            self.model.clusters.push(ClusterConfiguration {
                at,
                api: None,
                pods,
                services,
                dns_domain: own.get("dns-domain").cloned(),
                extra_args: Vec::new(),
            });
        }
        true
    }

    /// A component and its setting.
    fn setting(&self, text: &Spanned<String>) -> Option<(String, Arg)> {
        let (path, value) = text.value.split_once('=')?;
        let (component, name) = path.split_once('.')?;
        let name = self.part(text, component.len() + 1, name);
        let value = self.part(text, path.len() + 1, value);
        Some((component.to_owned(), Arg { name, value }))
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{Options, lint_text};

    fn codes(flags: &str) -> Vec<&'static str> {
        let text = format!("#!/bin/sh\nminikube start --driver=docker {flags}\n");
        let report = lint_text("a.sh", text.into(), None, &Options::default());
        report.findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn settings_of_components_are_held_against_each_other() {
        let pods = "--extra-config=kubeadm.pod-network-cidr=10.7.0.0/16,fd07::/56";
        let services = "--service-cluster-ip-range=10.107.0.0/16,fd07:1::/112";
        assert_eq!(codes(&format!("{pods} {services}")), [""; 0]);
        // Services are of IPv4 unless they are told to be of both.
        assert_eq!(codes(pods), ["DS115"]);
        assert_eq!(codes(&format!("{pods} --service-cluster-ip-range=10.107.0.0/16")), ["DS115"]);
        let node = "--extra-config=kubelet.node-ip=192.168.49.2,192.168.49.3";
        assert_eq!(codes(&format!("{pods} {services} {node}")), ["DS202"]);
        assert_eq!(codes("--cni=calico --extra-config=kubelet.max-pods=200"), [""; 0]);
        assert_eq!(codes(&format!("{pods} {services},$MORE")), ["DS115"]);
    }
}
