# expect: DS645 DS804
#!/bin/bash
sudo kubeadm init --pod-network-cidr=10.244.0.0/16,fd2c:1026:96b2:5e85::/64 \
  --service-cidr=10.96.0.0/16,fd2c:1026:96b2:5e86::/110
kubectl --kubeconfig /etc/kubernetes/admin.conf apply \
  -f https://github.com/flannel-io/flannel/releases/latest/download/kube-flannel.yml
