//! Manifests of network plugins, applied as they are released.

use crate::{
    lint::{
        model::Model,
        rules::{
            Area, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

/// `kubeadm init` for both families, and then this command.
macro_rules! commands {
    ($command:literal) => {
        concat!(
            "runcmd:\n  - kubeadm init --pod-network-cidr=10.244.0.0/16,fd00:10:244::/56 ",
            "--service-cidr=10.96.0.0/16,fd00:10:96::/112\n  - ",
            $command,
            "\n"
        )
    };
}

pub(crate) const STOCK: Rule = Rule {
    code: "DS645",
    name: "stock-plugin-one-family",
    area: Area::Plugins,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A network plugin is installed with its default manifest, and gives Pods IPv4 only.",
    why: "The manifests that flannel, Calico and kube-router release are of IPv4: kube-flannel.yml has \
          no EnableIPv6, so that its agents fail on nodes with an IPv6 range; calico.yaml has no \
          assign_ipv6 and no IP6, custom-resources.yaml one IPv4 pool, and kube-router's no \
          --enable-ipv6. Cilium's chart has ipv6.enabled=false. Pods get no IPv6 address.",
    fix: "Download the manifest, add the IPv6 settings that the plugin's page on dual-stack lists, and \
          apply that; for Cilium set ipv6.enabled=true.",
    sources: &[
        "https://github.com/flannel-io/flannel/blob/master/Documentation/configuration.md#dual-stack",
        "https://docs.tigera.io/calico/latest/networking/ipam/ipv6",
        "https://github.com/cloudnativelabs/kube-router/blob/master/docs/ipv6.md",
        "https://docs.cilium.io/en/stable/helm-reference/",
        "https://github.com/flannel-io/flannel/issues/2225",
        "https://github.com/kubernetes/kubernetes/issues/112167",
    ],
    enforced_by: &[EnforcedBy::Symptom("Pods have no IPv6 address, or flannel's agents fail")],
    good: &[
        Example::new(commands!("kubectl apply -f kube-flannel.yml")),
        Example::new(documents!(
            cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
            "\
runcmd:
  - kubectl apply -f https://github.com/flannel-io/flannel/kube-flannel.yml
"
        )),
    ],
    bad: &[
        Example::new(commands!(
            "kubectl apply -f https://github.com/flannel-io/flannel/kube-flannel.yml"
        )),
        Example::new(commands!("kubectl create -f https://docs.tigera.io/manifests/calico.yaml")),
        Example::new(commands!("cilium install --version 1.18.4")),
    ],
    check: Check::Model(|model, out| {
        if !model.pod_families().contains(&IpFamily::V6) || is_told(model) {
            return;
        }
        for manifest in &model.stock_manifests {
            out.at(manifest.span, "this gives Pods IPv4 only, but they should have IPv6");
        }
    }),
};

/// Whether anything says how the plugin is to give Pods IPv6.
fn is_told(model: &Model) -> bool {
    let v6 = |range: &crate::lint::model::RangeEntry| range.family() == Some(IpFamily::V6);
    model.flannel.iter().any(|flannel| flannel.settings.get("ipv6network").is_some())
        || model.pools.iter().any(|pool| v6(&pool.cidr))
        || model.calico_nodes.iter().any(|node| node.get("IP6").is_some())
        || model.calico_cni.iter().any(|cni| cni.assign_v6.is_some())
        || model.cilium.iter().any(|cilium| cilium.settings.get("enable-ipv6").is_some())
}
