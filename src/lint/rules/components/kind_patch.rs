//! kubeadm patches that kind drops.

use crate::lint::rules::{Area, Check, EnforcedBy, Example, Level, Rule, Versions};

/// Patches of the same setting, one in each of the forms that kubeadm's API has had.
macro_rules! both {
    ($image:literal) => {
        concat!(
            "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnetworking: {ipFamily: dual}\n",
            "kubeadmConfigPatches:\n  - |\n    apiVersion: \"kubeadm.k8s.io/v1beta3\"\n",
            "    kind: ClusterConfiguration\n    apiServer:\n      extraArgs: {v: \"4\"}\n",
            "  - |\n    apiVersion: \"kubeadm.k8s.io/v1beta4\"\n    kind: ClusterConfiguration\n",
            "    apiServer:\n      extraArgs: [{name: v, value: \"4\"}]\n",
            "nodes:\n  - role: control-plane\n    image: kindest/node:",
            $image,
            "\n"
        )
    };
}

/// A cluster of kind's with a patch of this API version.
macro_rules! patched {
    ($api:literal) => {
        concat!(
            "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnetworking: {ipFamily: dual}\n",
            "kubeadmConfigPatches:\n  - |\n    apiVersion: \"kubeadm.k8s.io/",
            $api,
            "\"\n    kind: ClusterConfiguration\n    networking:\n",
            "      serviceSubnet: 10.110.0.0/16,fd00:110::/112\n",
            "nodes:\n  - role: control-plane\n    image: kindest/node:v1.31.4\n"
        )
    };
}

pub(crate) const DROPPED: Rule = Rule {
    code: "DS314",
    name: "kind-patch-dropped",
    area: Area::Components,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A patch for kubeadm is of another API version than the document that kind writes.",
    why: "kind applies a patch to the document of its kind and apiVersion, and silently ignores a patch that \
          matches none. kind writes v1beta3 for Kubernetes 1.23 to 1.35, v1beta2 \
          before, and neither v1beta1 nor v1beta2 after. A patch that is given once for each API \
          version is fine.",
    fix: "Leave apiVersion out of the patch: it then matches every version.",
    sources: &[
        "https://github.com/kubernetes-sigs/kind/blob/v0.31.0/pkg/cluster/internal/kubeadm/config.go",
        "https://github.com/kubernetes-sigs/kind/issues/2895",
    ],
    enforced_by: &[EnforcedBy::Symptom("the cluster comes up without what the patch sets")],
    good: &[
        Example::new(patched!("v1beta3")),
        // Given in two API versions, of which one matches.
        Example::new(both!("v1.31.4")),
        Example::new(both!("v1.36.1")),
    ],
    bad: &[
        Example::new(patched!("v1beta4")),
        // Without an image; the gate in it is not set, and so is not called removed.
        Example::new(
            "\
apiVersion: kind.x-k8s.io/v1alpha4
kind: Cluster
networking: {ipFamily: dual}
kubeadmConfigPatches:
  - |
    apiVersion: kubeadm.k8s.io/v1beta2
    kind: ClusterConfiguration
    featureGates: {IPv6DualStack: true}
",
        ),
        // The node under which it stands decides.
        Example::new(
            "\
apiVersion: kind.x-k8s.io/v1alpha4
kind: Cluster
networking: {ipFamily: dual}
nodes:
  - role: control-plane
    image: kindest/node:v1.36.1
  - role: worker
    image: kindest/node:v1.30.13
    kubeadmConfigPatches:
      - |
        apiVersion: \"kubeadm.k8s.io/v1beta4\"
        kind: JoinConfiguration
        nodeRegistration:
          kubeletExtraArgs: [{name: v, value: \"4\"}]
",
        ),
    ],
    check: Check::Model(|model, out| {
        for patch in &model.dropped_patches {
            let (api, own) = (&patch.api.value, patch.own);
            let version = patch.version.as_ref();
            let of = version.map(|own| format!(" for Kubernetes {}", own.value));
            let of = of.unwrap_or_default();
            let message = format!("kind drops this patch: it writes {own}{of}, not {api}");
            let finding = out.at(patch.api.span, message);
            finding.fix("leave apiVersion out of the patch");
            if let Some(version) = version {
                finding.also(version.span, format!("Kubernetes {}", version.value));
            }
        }
    }),
};
