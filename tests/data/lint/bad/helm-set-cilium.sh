# expect: DS631
helm repo add cilium https://helm.cilium.io
helm upgrade --install cilium cilium/cilium --version 1.17.2 -n kube-system \
  --set ipam.mode=cluster-pool,ipv4.enabled=true,ipam.operator.clusterPoolIPv4PodCIDRList={10.1.0.0/16} \
  --set ipam.operator.clusterPoolIPv6PodCIDRList=fd01::/104
