#!/bin/bash
# What changes a manifest before it is applied, or takes one away, is not applied as it is released.
kubeadm init --pod-network-cidr=10.244.0.0/16,fd00:10:244::/56 --service-cidr=10.96.0.0/16,fd00:10:96::/112
curl -sL https://github.com/flannel-io/flannel/releases/latest/download/kube-flannel.yml \
  | sed 's/"Backend"/"EnableIPv6": true, "IPv6Network": "fd00:10:244::\/56", "Backend"/' | kubectl apply -f -
kubectl delete -f https://github.com/flannel-io/flannel/releases/latest/download/kube-flannel.yml
kubectl get -f https://raw.githubusercontent.com/projectcalico/calico/v3.31.0/manifests/calico.yaml
cilium install --version 1.11.0 --config enable-ipv6=true
helm upgrade --install cilium cilium/cilium --namespace kube-system -f values.yaml
helm upgrade cilium cilium/cilium --reuse-values --set hubble.enabled=true

# A copy of one's own, and arguments that the shell fills in.
kubectl apply -f https://raw.githubusercontent.com/acme/infra/main/cni/kube-flannel.yml
helm upgrade --install cilium cilium/cilium --namespace kube-system $CILIUM_OPTS
helm install tetragon cilium/tetragon --namespace cilium
