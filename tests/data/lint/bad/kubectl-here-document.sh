# expect: DS503
kubectl apply -f - <<EOF
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ipFamilyPolicy: DualStack
  ports:
  - port: 80
EOF
