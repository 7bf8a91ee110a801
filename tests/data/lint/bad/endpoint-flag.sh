# expect: DS211
kubeadm init --upload-certs --control-plane-endpoint [fd00:192::10]
