# expect: DS631
#!/bin/sh
helm install cilium cilium/cilium --version 1.18.4 --namespace kube-system \
  --set ipv4.enabled=false --set ipv6.enabled=true --set ipam.mode=cluster-pool \
  --set-json ipam.operator.clusterPoolIPv4PodCIDRList='["100.65.0.0/16"]' \
  --set-json ipam.operator.clusterPoolIPv6PodCIDRList='["fd00:65::/112"]'
