# expect: DS115
#!/usr/bin/env bash
curl -sfL https://get.k3s.io | INSTALL_K3S_VERSION=v1.34.1+k3s1 sh -s - server \
  --cluster-cidr=10.42.0.0/16,fd42::/56 --node-ip=192.168.1.20,fd01::20 \
  --flannel-ipv6-masq
