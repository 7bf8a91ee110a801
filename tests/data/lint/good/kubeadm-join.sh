#!/bin/sh
kubeadm join --token=abcdef.0123456789abcdef --dry-run [fd00:192::10]:6443
kubeadm join 192.168.0.10:6443 --token abcdef.0123456789abcdef
# Beside a file the argument is not read.
kubeadm join fd00:192::10:6443 --config /etc/kubeadm.yaml
kubeadm join ${VIP}:6443 --token abcdef.0123456789abcdef
