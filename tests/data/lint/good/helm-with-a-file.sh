# What the file sets is not known here.
helm upgrade --install cilium cilium/cilium -f values.yaml --set ipam.operator.clusterPoolIPv6PodCIDRList=fd01::/104
cilium install --set ipv6.enabled=$IPV6,ipam.operator.clusterPoolIPv6PodCIDRList=fd01::/104
kubeadm init --pod-network-cidr 10.7.0.0/16,fd07::/56 --service-cidr 10.107.0.0/16,fd07:1::/112
echo "kubeadm join fd00:192::10:6443 joins a node"
