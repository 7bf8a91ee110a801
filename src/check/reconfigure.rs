//! How a cluster that runs gets other ranges and certificates, without losing more than it must.

use crate::net::IpFamily;

/// How kubeadm's certificate of the API server gets another name and keeps those that it has
/// (`kubeadm init phase certs apiserver --help`).
pub(crate) fn reissue(missing: &str) -> String {
    format!(
        "With kubeadm, on each control plane node: note the names that the certificate has now. Check that \
         networking.serviceSubnet in `kubectl -n kube-system get configmap kubeadm-config -o \
         jsonpath='{{.data.ClusterConfiguration}}'` is the cluster's range, and save that as FILE. Append a document \
         of the same apiVersion with kind: InitConfiguration and localAPIEndpoint.advertiseAddress as in this \
         node's --advertise-address. Move apiserver.crt and apiserver.key out of /etc/kubernetes/pki, and keep \
         them. Run `kubeadm init phase certs apiserver --config FILE`, and compare the names: all old ones and \
         {missing} must be there, else put the old files back. kube-apiserver loads the new files within a \
         minute."
    )
}

/// How a Node object gets other podCIDRs. The Node of a control plane machine is left alone: k3s and RKE2
/// take a server whose Node is deleted out of etcd, and kubeadm sets the role's label and taint once.
pub(crate) fn recreate_node(node: &str) -> String {
    format!(
        "podCIDRs of a Node object can't be changed, so the object must be created again. On a worker: save its \
         labels, taints and annotations, which are lost (`kubectl get node {node} -o yaml >{node}.yaml`), `kubectl \
         drain {node} --ignore-daemonsets`, `kubectl delete node {node}`, and restart its kubelet at once (k3s, RKE2: \
         k3s-agent, rke2-agent). Don't delete the Node of a k3s or RKE2 server: that removes its etcd member. In a \
         managed node group replace the instance."
    )
}

/// Where kube-controller-manager gets a pod range of a family.
pub(crate) fn cluster_cidr(family: IpFamily) -> String {
    format!(
        "Check that kube-controller-manager has an {family} range in --cluster-cidr, and --allocate-node-cidrs=true: a \
         Node that is created again gets what this flag has. With kubeadm it is in \
         /etc/kubernetes/manifests/kube-controller-manager.yaml on each control plane node; change \
         networking.podSubnet in the ConfigMap kubeadm-config as well, or the next upgrade takes it back."
    )
}

/// How the API server and the controller manager get other Service ranges, such as "a second range, of IPv6".
pub(crate) fn service_ranges(which: &str) -> String {
    format!(
        "Give kube-apiserver and kube-controller-manager {which} in --service-cluster-ip-range, which works in place: \
         with kubeadm in /etc/kubernetes/manifests on each control plane node, one after the other (the \
         kubelet restarts them), and in networking.serviceSubnet of the ConfigMap kubeadm-config, or the next upgrade \
         takes it back. k3s and RKE2 clusters can't become dual-stack later; on a managed cluster ask the provider."
    )
}

/// How a kubelet is told its node's addresses.
pub(crate) fn node_ip(kubelet: &str) -> String {
    format!(
        "Start {kubelet} with --node-ip=FIRST,SECOND, one address of each family, the primary one first (kubeadm: \
         KUBELET_EXTRA_ARGS in /etc/default/kubelet or /etc/sysconfig/kubelet; k3s, RKE2: node-ip in \
         /etc/rancher/k3s/config.yaml or /etc/rancher/rke2/config.yaml), and restart it."
    )
}
