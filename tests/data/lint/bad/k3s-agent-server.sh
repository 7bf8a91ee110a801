# expect: DS213
curl -sfL https://get.k3s.io | INSTALL_K3S_EXEC="agent --server https://fd00:192::10:6443 --token abc --node-ip 192.168.0.12,fd00:192::12" sh -
