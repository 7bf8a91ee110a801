//! A thousand ordinary files: the time from the call to the report.
#![allow(missing_docs, clippy::expect_used)]

use std::{fs, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use dualstack::lint::{Input, Options, Outcome, run};

const FILES: usize = 1000;

/// One cluster's files as people keep them: kubeadm's for the cluster, one for each node, and
/// Services; documents of other kinds among them.
fn write(directory: &Path) {
    let cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n\
        kubernetesVersion: v1.36.3\nnetworking:\n  podSubnet: 10.240.0.0/12,fd00:10:244::/48\n  \
        serviceSubnet: 10.96.0.0/16,fd00:10:96::/112\n---\n\
        apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n\
        ---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
        clusterDNS: [10.96.0.10]\nfailSwapOn: false\n";
    fs::write(directory.join("cluster.yaml"), cluster).expect("a file of the bench");
    for at in 1..FILES {
        let (high, low) = (at / 200, at % 200 + 10);
        let text = if at % 2 == 0 {
            format!(
                "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery:\n  \
                 bootstrapToken:\n    apiServerEndpoint: \"[fd00:192::1]:6443\"\n    token: \
                 abcdef.0123456789abcdef\n    unsafeSkipCAVerification: true\nnodeRegistration:\n  \
                 name: node-{at}\n  kubeletExtraArgs:\n    - name: node-ip\n      value: \
                 192.168.{high}.{low},fd00:192::{high}:{low}\n"
            )
        } else {
            let ports: String = (0..10)
                .map(|port| format!("    - name: p{port}\n      port: {}\n", 8000 + port))
                .collect();
            format!(
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: web-{at}\n  labels:\n    app: \
                 web\nspec:\n  ipFamilyPolicy: PreferDualStack\n  selector:\n    app: web\n  \
                 ports:\n{ports}---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: \
                 web-{at}\nspec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n        \
                 - name: web\n          image: nginx\n"
            )
        };
        fs::write(directory.join(format!("{at:04}.yaml")), text).expect("a file of the bench");
    }
}

fn thousand_files(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory for the bench");
    write(directory.path());
    let inputs = [Input::Path(directory.path().to_owned())];
    let mut group = criterion.benchmark_group("lint");
    group.sample_size(10);
    group.bench_function("a thousand files", |bench| {
        bench.iter(|| {
            let report = run(&inputs, None, &Options::default());
            assert_eq!((report.files, report.outcome()), (FILES, Outcome::Clean));
            report
        });
    });
    group.finish();
}

criterion_group!(benches, thousand_files);
criterion_main!(benches);
