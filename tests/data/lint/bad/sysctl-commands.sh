# expect: DS703
sudo sysctl -w net.ipv4.ip_forward=1
echo "net.ipv6.conf.all.forwarding = 0" | sudo tee /etc/sysctl.d/k8s.conf
kubeadm init --pod-network-cidr 10.7.0.0/16,fd07::/56 --service-cidr 10.107.0.0/16,fd07:1::/112
