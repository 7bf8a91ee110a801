#!/bin/sh
kubeadm init --pod-network-cidr 10.7.0.0/16,fd07::/56 --service-cidr 10.107.0.0/16,fd07:1::/112
cat <<'YAML' | kubectl delete -f -
apiVersion: cilium.io/v2alpha1
kind: CiliumL2AnnouncementPolicy
metadata: {name: lan}
spec: {interfaces: [eth0]}
YAML
cat > /tmp/expected.yaml <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ipFamilyPolicy: DualStack
YAML
sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
cleanup() {
  sysctl -w net.ipv6.conf.all.forwarding=0
}
trap cleanup EXIT
