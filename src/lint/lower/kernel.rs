//! Kernel settings of nodes: in documents, and as the words of commands.

use std::collections::BTreeMap;

use crate::lint::{
    model::Sysctl,
    source::{Span, Spanned},
    tree::{Node, Value},
};

use super::{Lower, commands::is_variable, texts::sysctl_line};

impl Lower<'_> {
    /// Kernel settings anywhere in a document: as parameters, as a mapping from their names (machine
    /// configurations, operators' custom resources), or as `name` and `value`.
    pub(super) fn sysctls(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(scalar) => {
                // A kernel parameter, in a list of them or in a boot loader's line.
                if scalar.text.len() < 1000 && scalar.text.contains("ipv6.disable=1") {
                    self.model.kernel_ipv6_off.push(node.span);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.sysctls(item)),
            Value::Map(entries) => {
                let before = self.reach;
                self.reach = before.within(node);
                let pair = (node.get("name"), node.get("value"));
                if let (Some(name), Some(value)) = pair {
                    self.sysctl(name.text(), value);
                }
                for entry in entries {
                    self.sysctl(Some(entry.key.clone()), &entry.value);
                    // There a Pod sets its own network.
                    if !entry.key.value.ends_with("ecurityContext") {
                        self.sysctls(&entry.value);
                    }
                }
                self.reach = before;
            }
        }
    }

    fn sysctl(&mut self, name: Option<Spanned<String>>, value: &Node) {
        let Some(name) = name.filter(|name| name.value.starts_with("net.")) else { return };
        if let Some(text) = value.text() {
            let span = Span { end: text.span.end, ..name.span };
            let span = if text.span.start >= name.span.start { span } else { text.span };
            self.kernel_setting(Sysctl { name: name.value, value: Some(text.value) }, span);
        }
    }

    /// A setting of the node's kernel.
    pub(super) fn kernel_setting(&mut self, mut sysctl: Sysctl, span: Span) {
        // Taking a cluster down turns off what it needed.
        let off = if sysctl.name.ends_with("disable_ipv6") { "1" } else { "0" };
        if self.reach.undoing && sysctl.value.as_deref() == Some(off) {
            return;
        }
        sysctl.value = sysctl.value.filter(|_| !self.reach.conditional);
        self.model.sysctls.push(Spanned::new(sysctl, span));
    }

    /// Kernel settings that are words: `sysctl -w NAME=VALUE`, or lines that are written to a file.
    pub(super) fn sysctl_words(&mut self, words: &[Spanned<String>]) -> bool {
        if self.reach.pod {
            return false;
        }
        let mut known = false;
        for word in words {
            // `echo -e` and `printf` have several lines in one word.
            for line in word.value.split("\\n").flat_map(str::lines) {
                let own = sysctl_line(line).filter(|own| own.name.starts_with("net."));
                let Some(mut sysctl) = own else { continue };
                sysctl.value = sysctl.value.filter(|value| !is_variable(value));
                known |= sysctl.value.is_some();
                self.kernel_setting(sysctl, word.span);
            }
        }
        known
    }

    /// Takes back the values of the settings that a script sets to several: setting up and tearing
    /// down are commands of one script, and which of them are carried out is not known.
    pub(super) fn unsettle(&mut self, from: usize) {
        let own = self.model.sysctls.get_mut(from..).unwrap_or_default();
        let mut values: BTreeMap<String, Option<String>> = BTreeMap::new();
        for Sysctl { name, value } in own.iter().map(|own| &own.value) {
            let known = values.entry(name.clone()).or_insert_with(|| value.clone());
            if known != value {
                *known = None;
            }
        }
        for sysctl in own {
            sysctl.value.value = values.get(&sysctl.value.name).cloned().flatten();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{Options, lint_text};

    const CLUSTER: &str = "kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1beta4\n\
                           networking:\n  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n  \
                           serviceSubnet: 10.96.0.0/16,fd00:10:96::/112\n";
    const OFF: &str = "sysctl -w net.ipv6.conf.all.disable_ipv6=1";

    /// The codes that a document yields beside a cluster of both families.
    fn beside(document: &str) -> Vec<&'static str> {
        let text = format!("{CLUSTER}---\n{document}");
        let report = lint_text("a.yaml", text.into(), None, &Options::default());
        report.findings.iter().map(|finding| finding.code).collect()
    }

    /// The codes that commands of a script yield beside `kubeadm init` for both families.
    fn script(commands: &str) -> Vec<&'static str> {
        let text = format!(
            "#!/bin/sh\nkubeadm init --pod-network-cidr 10.7.0.0/16,fd07::/56 --service-cidr \
             10.107.0.0/16,fd07:1::/112\n{commands}\n"
        );
        let report = lint_text("a.sh", text.into(), None, &Options::default());
        report.findings.iter().map(|finding| finding.code).collect()
    }

    fn deployment(spec: &str) -> String {
        format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: a}}\nspec:\n  template:\n    \
             spec:\n      {spec}\n      initContainers:\n      - name: a\n        command: [sh, -c, \
             \"{OFF}\"]\n"
        )
    }

    #[test]
    fn a_pod_sets_its_own_network_unless_it_has_the_nodes() {
        assert_eq!(beside(&deployment("hostNetwork: false")), [""; 0]);
        assert_eq!(beside(&deployment("hostNetwork: true")), ["DS701"]);
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  securityContext:\n    \
                   sysctls:\n    - {name: net.ipv6.conf.all.disable_ipv6, value: \"1\"}\n";
        assert_eq!(beside(pod), [""; 0]);
    }

    #[test]
    fn commands_in_the_values_of_charts_are_those_of_pods() {
        for values in [
            format!("sidecar:\n      command: [sh, -c, \"{OFF}\"]"),
            format!("setup: |\n      {OFF}"),
        ] {
            let release = format!(
                "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: a}}\n\
                 spec:\n  chart: {{spec: {{chart: vpn}}}}\n  values:\n    {values}\n"
            );
            assert_eq!(beside(&release), [""; 0], "{release}");
        }
        assert_eq!(beside(&format!("extraInitContainers: |\n  {OFF}\n")), [""; 0]);
    }

    #[test]
    fn a_task_of_ansible_with_a_condition_says_nothing_of_its_setting() {
        let task = |rest: &str| format!("- hosts: all\n  tasks:\n  - shell: {OFF}\n{rest}");
        assert_eq!(beside(&task("")), ["DS701"]);
        assert_eq!(beside(&task("    when: not ipv6\n")), [""; 0]);
        let module = "- hosts: all\n  tasks:\n  - sysctl: {name: net.ipv6.conf.all.disable_ipv6, \
                      value: 1}\n";
        assert_eq!(beside(module), ["DS701"]);
        assert_eq!(beside(&format!("{module}    when: not ipv6\n")), [""; 0]);
    }

    #[test]
    fn a_setting_under_a_condition_is_not_missing() {
        let forwarding = "machine:\n  sysctls: {net.ipv4.ip_forward: \"1\"}\n";
        assert_eq!(beside(forwarding), ["DS704"]);
        let task = "- hosts: all\n  tasks:\n  - shell: sysctl -w net.ipv6.conf.all.forwarding=1\n    \
                    when: ipv6\n";
        assert_eq!(beside(&format!("{forwarding}---\n{task}")), [""; 0]);
    }

    #[test]
    fn what_is_only_printed_is_no_setting() {
        let line = "echo \"net.ipv4.ip_forward=0\"";
        assert_eq!(script(line), [""; 0]);
        assert_eq!(script(&format!("{line} >> /tmp/log")), [""; 0]);
        assert_eq!(script(&format!("{line} | tee /tmp/log")), [""; 0]);
        assert_eq!(script(&format!("{line} >> /etc/sysctl.conf")), ["DS703"]);
        assert_eq!(script(&format!("{line} | sudo tee -a /etc/sysctl.d/k.conf")), ["DS703"]);
        let two = "echo -e 'net.ipv6.conf.all.disable_ipv6=0\\nnet.ipv4.ip_forward=0'";
        assert_eq!(script(&format!("{two} > /etc/sysctl.d/k.conf")), ["DS703"]);
    }

    #[test]
    fn a_script_that_sets_up_and_tears_down_says_nothing_of_the_setting() {
        let set = |value: u8| format!("sysctl -w net.ipv6.conf.all.forwarding={value}\n");
        assert_eq!(script(&set(0)), ["DS703"]);
        assert_eq!(script(&format!("{}{}", set(1), set(0))), [""; 0]);
        assert_eq!(script(&format!("{}{}", set(0), set(0))), ["DS703"]);
    }

    #[test]
    fn what_takes_a_cluster_down_turns_nothing_off_that_a_cluster_needs() {
        let off = "sysctl -w net.ipv4.ip_forward=0\nsysctl -w net.ipv6.conf.all.forwarding=0\n";
        let function = format!("teardown() {{\n  kubeadm reset -f\n  {off}}}\n");
        assert_eq!(script(&function), [""; 0]);
        assert_eq!(script(&format!("function cleanup {{\n{off}}}\n")), [""; 0]);
        assert_eq!(script(&format!("prepare() {{\n{off}}}\n")), ["DS703", "DS703"]);
        // What follows the function is carried out.
        assert_eq!(script(&format!("cleanup() {{\ntrue\n}}\n{off}")), ["DS703", "DS703"]);
        // A setting of such a script doesn't stand for one that is missing.
        let on = "sysctl -w net.ipv4.ip_forward=1\n";
        assert_eq!(script(&format!("{on}{function}")), ["DS704"]);
    }

    #[test]
    fn a_file_that_takes_a_cluster_down_is_told_by_its_name() {
        let lint = |name: &str| {
            let text = format!(
                "{CLUSTER}---\n- hosts: all\n  tasks:\n  - sysctl: {{name: \
                 net.ipv6.conf.all.forwarding, value: 0}}\n"
            );
            let report = lint_text(name, text.into(), None, &Options::default());
            report.findings.len()
        };
        assert_eq!(lint("site.yml"), 1);
        assert_eq!(lint("reset.yml"), 0);
        assert_eq!(lint("ansible/tear_down-all.yaml"), 0);
        assert_eq!(lint("roles/reset/tasks/main.yml"), 0);
        assert_eq!(lint("countdown.yml"), 1);
    }

    #[test]
    fn a_setting_in_a_branch_of_a_script_depends_on_a_condition() {
        let branch = |rest: &str| format!("if [ -z \"$IPV6\" ]; then\n  {OFF}\n{rest}");
        assert_eq!(script(&branch("fi")), [""; 0]);
        assert_eq!(script(&branch(&format!("fi\n{}", OFF.replace("all", "default")))), ["DS701"]);
    }
}
