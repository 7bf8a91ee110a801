# expect: DS633
KUBECONFIG=$PWD/other cilium install --set ipv6.enabled=true \
  --set ipam.operator.clusterPoolIPv6PodCIDRList="fd02::/64" --set ipam.operator.clusterPoolIPv6MaskSize=64
