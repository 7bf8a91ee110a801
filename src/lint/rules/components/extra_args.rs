//! Flags that override kubeadm's own ranges.

use crate::lint::{
    model::{Model, Owner, RangeList, Role},
    rules::{
        Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
        documents::{cluster, controller_manager},
    },
};

pub(crate) const RANGES: Rule = Rule {
    code: "DS312",
    name: "extra-args-ranges",
    area: Area::Components,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "extraArgs give a component ranges that differ from kubeadm's networking.",
    why: "The flag wins only for that component. Certificates, kube-proxy, the DNS Service and the \
          other components still follow networking.podSubnet and networking.serviceSubnet.",
    fix: "Set the ranges in networking only; kubeadm passes them on.",
    sources: &["https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/"],
    enforced_by: &[EnforcedBy::Symptom("components disagree about the cluster's ranges")],
    good: &[Example::new(concat!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        controller_manager!("cluster-cidr" = "10.244.0.0/16,fd00:10:244::/56")
    ))],
    bad: &[
        Example::new(concat!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            controller_manager!("cluster-cidr" = "10.244.0.0/16,fd00:10:245::/56")
        )),
        Example::new(
            "\
cluster-cidr: 10.42.0.0/16,fd00:42::/56
service-cidr: 10.43.0.0/16,fd00:43::/112
kube-controller-manager-arg: [\"cluster-cidr=10.42.0.0/16,fd00:45::/56\"]
",
        ),
    ],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    let extra = model.components.iter().filter(|component| component.extra);
    for list in extra.flat_map(|component| &component.ranges) {
        let own = model.clusters.iter().find_map(|cluster| match list.role {
            Role::Pods => cluster.pods.as_ref(),
            Role::Services => cluster.services.as_ref(),
        });
        let tools = model.installs.iter().filter_map(|install| match list.role {
            Role::Pods => install.pods.as_ref(),
            Role::Services => install.services.as_ref(),
        });
        let own = own.or_else(|| tools.into_iter().find(|list| !list.assumed));
        let Some(own) = own else { continue };
        let ranges = |list: &RangeList| {
            let mut all: Vec<_> = list.ranges().map(|(_, range)| range.trunc()).collect();
            all.sort();
            all
        };
        // Another order has a finding of its own.
        if list.is_sound() && own.is_sound() && ranges(list) != ranges(own) {
            let noun = list.role.noun();
            let message = format!("this flag overrides the {noun} {}", own.text.value);
            let finding = out.at(list.text.span, message).also(own.text.span, own.field);
            if let Owner::Tool(tool) = own.owner {
                let (tool, field) = (tool.reader(), own.field);
                finding.fix(format!("set the ranges in {field} only; {tool} passes them on"));
            }
        }
    }
}
