//! Which Go programs there are, and of which versions: the go.mod files under `components/` say.

use super::go::Component;
use crate::{
    error::{Error, Result},
    version::{KubernetesMinor, Version},
};

/// The go.mod and go.sum of a component.
macro_rules! module {
    ($component:literal) => {
        (
            include_str!(concat!("../../components/", $component, "/go.mod")),
            include_str!(concat!("../../components/", $component, "/go.sum")),
        )
    };
}

/// The minors of Kubernetes that clusters can be made of, newest first, each with its go.mod and
/// go.sum.
const KUBERNETES: [(KubernetesMinor, (&str, &str)); 4] = [
    (KubernetesMinor::new(37), module!("kubernetes-1.37")),
    (KubernetesMinor::new(36), module!("kubernetes-1.36")),
    (KubernetesMinor::new(35), module!("kubernetes-1.35")),
    (KubernetesMinor::new(34), module!("kubernetes-1.34")),
];

/// The programs of Kubernetes itself. The variables are those that `kubectl version` and the API
/// server report; and that kubeadm compares; without them all are v0.0.0.
const KUBERNETES_PROGRAMS: &[(&str, &str)] = &[
    ("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
    ("k8s.io/kubernetes/cmd/kube-controller-manager", "kube-controller-manager"),
    ("k8s.io/kubernetes/cmd/kube-proxy", "kube-proxy"),
    ("k8s.io/kubernetes/cmd/kube-scheduler", "kube-scheduler"),
    ("k8s.io/kubernetes/cmd/kubeadm", "kubeadm"),
    ("k8s.io/kubernetes/cmd/kubectl", "kubectl"),
    ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
];

const KUBERNETES_VARIABLES: &[(&str, &str)] = &[
    ("k8s.io/component-base/version.gitVersion", "{version}"),
    ("k8s.io/component-base/version.gitMajor", "1"),
    ("k8s.io/component-base/version.gitMinor", "{minor}"),
    ("k8s.io/component-base/version.gitTreeState", "clean"),
    ("k8s.io/client-go/pkg/version.gitVersion", "{version}"),
    ("k8s.io/client-go/pkg/version.gitMajor", "1"),
    ("k8s.io/client-go/pkg/version.gitMinor", "{minor}"),
    ("k8s.io/client-go/pkg/version.gitTreeState", "clean"),
];

/// The minors that clusters can be made of, newest first.
pub fn minors() -> impl Iterator<Item = KubernetesMinor> {
    KUBERNETES.iter().map(|(minor, _)| *minor)
}

/// The minor that a cluster is of unless another is asked for: the newest whose components the linter's
/// rules are held against.
pub const fn default_minor() -> KubernetesMinor {
    KubernetesMinor::new(36)
}

/// The oldest release of Go, such as `1.26.8`, that builds every component of a minor of
/// Kubernetes. A Go of 1.21 or later that may download toolchains (`GOTOOLCHAIN=auto`, its default)
/// gets it by itself.
///
/// # Errors
/// When there are no components of that minor.
pub fn go_version(minor: KubernetesMinor) -> Result<&'static str> {
    let number = |version: &&str| {
        version.split('.').map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>()
    };
    let components = [kubernetes(minor)?.0, CONTAINERD, RUNC, CNI_PLUGINS, ETCD, COREDNS];
    let versions = components
        .iter()
        .filter_map(|component| component.go_mod.lines().find_map(|line| line.strip_prefix("go ")));
    Ok(versions.max_by_key(number).unwrap_or_default())
}

/// The components of a minor of Kubernetes, and the release that they are of.
///
/// # Errors
/// When there are none of that minor.
pub(super) fn kubernetes(asked: KubernetesMinor) -> Result<(Component, Version)> {
    let unknown = || {
        let known = minors().map(|minor| minor.to_string()).collect::<Vec<_>>().join(", ");
        Error::Invalid(format!("Kubernetes {asked} can't be built here: choose one of {known}"))
    };
    let (_, (go_mod, go_sum)) =
        KUBERNETES.iter().find(|(minor, _)| *minor == asked).ok_or_else(unknown)?;
    let component = Component {
        name: "kubernetes",
        module: "k8s.io/kubernetes",
        go_mod,
        go_sum,
        cgo: false,
        tags: "notest,grpcnotrace",
        variables: KUBERNETES_VARIABLES,
        programs: KUBERNETES_PROGRAMS,
    };
    let version = component.version().parse().map_err(|_| unknown())?;
    Ok((component, version))
}

pub(super) const CONTAINERD: Component = Component {
    name: "containerd",
    module: "github.com/containerd/containerd/v2",
    go_mod: module!("containerd").0,
    go_sum: module!("containerd").1,
    cgo: false,
    // Snapshotters that nothing here uses.
    tags: "no_btrfs,no_zfs,no_devmapper,urfave_cli_no_docs,grpcnotrace",
    variables: &[("github.com/containerd/containerd/v2/version.Version", "{version}")],
    programs: &[
        ("github.com/containerd/containerd/v2/cmd/containerd", "containerd"),
        (
            "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            "containerd-shim-runc-v2",
        ),
        ("github.com/containerd/containerd/v2/cmd/ctr", "ctr"),
    ],
};

pub(super) const RUNC: Component = Component {
    name: "runc",
    module: "github.com/opencontainers/runc",
    go_mod: module!("runc").0,
    go_sum: module!("runc").1,
    // Its first stage, which enters namespaces, is C; and kubeadm's static pods ask for the default
    // seccomp profile.
    cgo: true,
    tags: "seccomp,netgo,osusergo,urfave_cli_no_docs",
    variables: &[],
    programs: &[("github.com/opencontainers/runc", "runc")],
};

pub(super) const CNI_PLUGINS: Component = Component {
    name: "cni-plugins",
    module: "github.com/containernetworking/plugins",
    go_mod: module!("cni-plugins").0,
    go_sum: module!("cni-plugins").1,
    cgo: false,
    tags: "",
    variables: &[(
        "github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion",
        "{version}",
    )],
    programs: &[
        ("github.com/containernetworking/plugins/plugins/ipam/host-local", "host-local"),
        ("github.com/containernetworking/plugins/plugins/main/bridge", "bridge"),
        ("github.com/containernetworking/plugins/plugins/main/loopback", "loopback"),
        ("github.com/containernetworking/plugins/plugins/main/ptp", "ptp"),
        ("github.com/containernetworking/plugins/plugins/meta/portmap", "portmap"),
    ],
};

/// The minor of etcd whose flags kubeadm writes.
pub(super) const ETCD: Component = Component {
    name: "etcd",
    module: "go.etcd.io/etcd/server/v3",
    go_mod: module!("etcd").0,
    go_sum: module!("etcd").1,
    cgo: false,
    tags: "",
    variables: &[],
    programs: &[("go.etcd.io/etcd/server/v3", "etcd"), ("go.etcd.io/etcd/etcdctl/v3", "etcdctl")],
};

pub(super) const COREDNS: Component = Component {
    name: "coredns",
    module: "github.com/coredns/coredns",
    go_mod: module!("coredns").0,
    go_sum: module!("coredns").1,
    cgo: false,
    tags: "grpcnotrace",
    variables: &[],
    programs: &[("github.com/coredns/coredns", "coredns")],
};

/// The pod network flannel.
pub(super) const FLANNEL: Component = Component {
    name: "flannel",
    module: "github.com/flannel-io/flannel",
    go_mod: module!("flannel").0,
    go_sum: module!("flannel").1,
    // One of its backends, udp, is C.
    cgo: true,
    tags: "",
    variables: &[("github.com/flannel-io/flannel/pkg/version.Version", "{version}")],
    programs: &[("github.com/flannel-io/flannel", "flanneld")],
};

/// The pod network Calico. Its dataplane of eBPF is C, and left out; that of iptables is whole.
pub(super) const CALICO: Component = Component {
    name: "calico",
    module: "github.com/projectcalico/calico",
    go_mod: module!("calico").0,
    go_sum: module!("calico").1,
    cgo: false,
    tags: "",
    variables: &[
        ("main.VERSION", CALICO_RELEASE),
        ("github.com/projectcalico/calico/node/pkg/lifecycle/startup.VERSION", CALICO_RELEASE),
    ],
    programs: &[
        ("github.com/projectcalico/calico/cni-plugin/cmd/calico", "calico"),
        ("github.com/projectcalico/calico/cni-plugin/cmd/install", "install"),
        ("github.com/projectcalico/calico/node/cmd/calico-node", "calico-node"),
    ],
};

/// The release that the module is of: it has no tag that Go takes for a version.
pub(super) const CALICO_RELEASE: &str = "v3.28.5";

/// Makes clusters whose nodes are containers.
pub(super) const KIND: Component = Component {
    name: "kind",
    module: "sigs.k8s.io/kind",
    go_mod: module!("kind").0,
    go_sum: module!("kind").1,
    cgo: false,
    tags: "",
    variables: &[],
    programs: &[("sigs.k8s.io/kind", "kind")],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_pins_a_version_and_lists_its_programs_as_tools() {
        let mut components =
            vec![CONTAINERD, RUNC, CNI_PLUGINS, ETCD, COREDNS, FLANNEL, CALICO, KIND];
        components.extend(minors().map(|minor| kubernetes(minor).unwrap().0));
        for component in components {
            assert!(component.version().starts_with('v'), "{} pins no version", component.name);
            let tools = component.go_mod.lines().filter(|line| {
                let words: Vec<_> =
                    line.split_whitespace().skip_while(|word| *word == "tool").collect();
                component.programs.iter().any(|(package, _)| words == [*package])
            });
            assert_eq!(tools.count(), component.programs.len(), "{}", component.name);
        }
    }

    #[test]
    fn the_go_that_is_needed_is_the_newest_that_any_component_names() {
        let version = go_version(default_minor()).unwrap();
        assert!(version.starts_with("1."), "{version}");
        assert!(
            CONTAINERD.go_mod.contains(&format!("\ngo {version}\n")),
            "containerd names the newest now"
        );
    }

    #[test]
    fn the_newest_minor_comes_first() {
        assert!(minors().is_sorted_by(|one, next| one > next));
    }

    #[test]
    fn the_release_of_a_minor_is_of_that_minor() {
        for minor in minors() {
            assert_eq!(kubernetes(minor).unwrap().1.minor(), minor);
        }
    }

    #[test]
    fn an_unknown_minor_is_refused_with_those_that_are_known() {
        let error = kubernetes(KubernetesMinor::new(1)).unwrap_err().to_string();
        assert!(error.contains("1.1 ") && error.contains(&default_minor().to_string()), "{error}");
    }

    #[test]
    fn every_staging_module_is_of_the_same_release() {
        for minor in minors() {
            let (component, version) = kubernetes(minor).unwrap();
            let staging = version.to_string().replacen("v1.", "v0.", 1);
            let replaced: Vec<_> =
                component.go_mod.lines().filter(|line| line.contains("=>")).collect();
            assert!(!replaced.is_empty());
            for line in replaced {
                assert!(line.ends_with(&staging), "{line}");
            }
        }
    }
}
