# expect: DS403
#!/bin/bash
kubeadm init --upload-certs --feature-gates IPv6DualStack=true
