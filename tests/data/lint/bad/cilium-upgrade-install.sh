# expect: DS645
#!/bin/sh
kubeadm init --pod-network-cidr=10.244.0.0/16,fd00:10:244::/56 --service-cidr=10.96.0.0/16,fd00:10:96::/112
helm upgrade --install cilium cilium/cilium --namespace kube-system --set ipam.mode=kubernetes
