# expect: DS115
k3sup install --ip 10.0.0.3 --user ubuntu --k3s-extra-args '--cluster-cidr=10.3.0.0/16,fd03::/56 --service-cidr=10.103.0.0/16 --flannel-ipv6-masq'
