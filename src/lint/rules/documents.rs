//! The documents of which the rules' examples are made, so that an example shows what its rule is
//! about and little else.

/// One text of several documents.
macro_rules! documents {
    ($first:expr $(, $next:expr)* $(,)?) => { concat!($first $(, "---\n", $next)*) };
}

/// kubeadm's `ClusterConfiguration` with lines of its `networking`.
macro_rules! cluster {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n",
            $("  ", $line, "\n"),*
        )
    };
}

/// A flag of the controller manager, to follow [`cluster`].
macro_rules! controller_manager {
    ($($name:literal = $value:literal),* $(,)?) => {
        concat!(
            "controllerManager:\n  extraArgs:\n",
            $("    - name: ", $name, "\n      value: \"", $value, "\"\n"),*
        )
    };
}

/// kubeadm's `InitConfiguration` or `JoinConfiguration` of a node with a name, a node-ip, or both.
macro_rules! node {
    ($kind:literal, name = $name:literal) => {
        concat!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ",
            $kind,
            "\nnodeRegistration:\n",
            "  name: ",
            $name,
            "\n"
        )
    };
    ($kind:literal, node_ip = $ip:literal) => {
        concat!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ",
            $kind,
            "\nnodeRegistration:\n",
            "  kubeletExtraArgs:\n    - name: node-ip\n      value: ",
            $ip,
            "\n"
        )
    };
    ($kind:literal, name = $name:literal, node_ip = $ip:literal) => {
        concat!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ",
            $kind,
            "\nnodeRegistration:\n",
            "  name: ",
            $name,
            "\n",
            "  kubeletExtraArgs:\n    - name: node-ip\n      value: ",
            $ip,
            "\n"
        )
    };
}

/// The first node.
macro_rules! init {
    ($($part:tt)*) => { $crate::lint::rules::documents::node!("InitConfiguration", $($part)*) };
}

/// Another node.
macro_rules! join {
    ($($part:tt)*) => { $crate::lint::rules::documents::node!("JoinConfiguration", $($part)*) };
}

/// kube-proxy's configuration with these lines.
macro_rules! proxy {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n",
            $($line, "\n"),*
        )
    };
}

/// The kubelet's configuration with these lines.
macro_rules! kubelet {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n",
            $($line, "\n"),*
        )
    };
}

/// kind's `Cluster` with lines of its `networking`.
macro_rules! kind {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnetworking:\n",
            $("  ", $line, "\n"),*
        )
    };
}

/// A Service with these lines of its `spec`.
macro_rules! service {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n",
            $("  ", $line, "\n",)*
            "  ports:\n    - port: 80\n"
        )
    };
}

/// A DaemonSet of calico-node with these variables.
macro_rules! calico_node {
    ($($name:ident = $value:literal),* $(,)?) => {
        concat!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: calico-node\nspec:\n",
            "  template:\n    spec:\n      containers:\n        - name: calico-node\n",
            "          env:\n",
            $("            - name: ", stringify!($name), "\n              value: ", $value, "\n"),*
        )
    };
}

/// A Calico pool.
macro_rules! pool {
    ($name:literal = $cidr:literal) => {
        concat!(
            "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata:\n  name: ",
            $name,
            "\nspec:\n  cidr: ",
            $cidr,
            "\n"
        )
    };
}

/// A machine's configuration with kernel settings.
macro_rules! sysctls {
    ($($name:literal = $value:literal),* $(,)?) => {
        concat!("machine:\n  sysctls:\n", $("    ", $name, ": \"", $value, "\"\n"),*)
    };
}

pub(in crate::lint::rules) use {
    calico_node, cluster, controller_manager, documents, init, join, kind, kubelet, node, pool,
    proxy, service, sysctls,
};
