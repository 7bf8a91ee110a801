# expect: DS115
docker run -d --privileged --name k3s rancher/k3s:v1.33.4-k3s1 server --cluster-cidr=10.8.0.0/16,fd08::/56 --service-cidr=10.108.0.0/16
