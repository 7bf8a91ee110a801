# expect: DS115 DS701
#!/bin/sh
cat <<'EOF' >/etc/kubernetes/kubeadm.yaml
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
  serviceSubnet: 10.96.0.0/16
EOF
cat > /etc/sysctl.d/k8s.conf <<EOF
net.ipv6.conf.all.disable_ipv6 = 1
EOF
kubeadm init --config /etc/kubernetes/kubeadm.yaml
