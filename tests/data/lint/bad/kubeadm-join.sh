# expect: DS211
set -euo pipefail
# The first control plane node, then the workers.
sudo kubeadm join --control-plane --token abcdef.0123456789abcdef -v 5 \
  --certificate-key "$KEY" fd00:192::10:6443
kubeadm join "$ENDPOINT" --token abcdef.0123456789abcdef
kubeadm join [fd00:192::10]:6443 --config /etc/kubeadm.yaml
