# expect: DS211
for node in n2 n3; do
  ssh "root@$node" 'swapoff -a; kubeadm join fd00:192::10:6443 --token abcdef.0123456789abcdef'
done
