//! What is proposed to files of several tools, and how it is written there.

use super::{
    applied::{CLUSTER, PODS, changed, is_right, lint},
    render,
    steps::How,
};

/// kubespray's variables for clusters of one family: the first lines of a file, and what follows from
/// them.
const KUBESPRAY: &[(&str, &[&str])] = &[
    ("kube_version: v1.20.7\n", &["enable_dual_stack_networks: true"]),
    (
        "kube_version: v1.29.5\nenable_dual_stack_networks: false\nkube_network_plugin: cilium\n",
        &["enable_dual_stack_networks: true", "cilium_enable_ipv6: true"],
    ),
    ("kube_version: 1.32.4\n", &["ipv6_stack: true", "nat_outgoing_ipv6: true"]),
    ("ipv6_stack: false\nkube_network_plugin: cilium\n", &["ipv6_stack: true"]),
    (
        "kube_version: 1.33.1\nenable_dual_stack_networks: false\n",
        &["enable_dual_stack_networks: true"],
    ),
    ("ipv4_stack: false\nipv6_stack: true\n", &["ipv4_stack: true"]),
    ("nat_outgoing_ipv6: false\ncalico_pool_blocksize: 26\n", &["nat_outgoing_ipv6: true"]),
];

#[test]
fn kubesprays_variables_are_those_of_its_version() {
    for (text, wanted) in KUBESPRAY {
        let text = format!(
            "{text}kube_pods_subnet: 10.233.64.0/18\nkube_service_addresses: 10.233.0.0/18\n"
        );
        is_right(&text, &text);
        let report = lint(&text);
        let plan = &report.plans[0];
        let said: Vec<String> =
            plan.changes.iter().map(|own| format!("{}: {}", own.field, own.new)).collect();
        for change in *wanted {
            assert!(said.iter().any(|own| own == change), "{text}: {said:?}");
        }
        // They are its own variables, and no documents or fields of others.
        let known = ["kube_", "enable_", "ipv4_", "ipv6_", "nat_outgoing", "cilium_"];
        for own in &said {
            assert!(known.iter().any(|name| own.starts_with(name)), "{text}: {own}");
        }
        let rendered = render(&report, 100);
        assert!(rendered.contains("ansible-playbook -i INVENTORY -b cluster.yml"), "{rendered}");
        assert!(!rendered.contains("kubeadm init"), "{rendered}");
    }
}

#[test]
fn a_range_that_kubesprays_variables_have_already_is_kept() {
    let text = "enable_dual_stack_networks: false\nkube_pods_subnet: 10.233.64.0/18\n\
                kube_service_addresses: 10.233.0.0/18\nkube_service_addresses_ipv6: \
                fd85:ee78:d8a6:8607::1000/116\nkube_pods_subnet_ipv6: \
                fd85:ee78:d8a6:8607::1:0000/112\n";
    let report = lint(text);
    let fields: Vec<&str> = report.plans[0].changes.iter().map(|own| own.field.as_str()).collect();
    assert_eq!(fields, ["enable_dual_stack_networks"]);
}

#[test]
fn kind_gets_the_feature_gate_for_versions_that_need_it() {
    let kind = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";
    let gates = |text: &str| {
        let report = lint(text);
        let changes = report.plans[0].changes.iter();
        let gates = changes.filter(|own| own.field == "featureGates.IPv6DualStack");
        gates.map(|own| own.how).collect::<Vec<_>>()
    };
    let nodes = |version: &str| {
        format!("{kind}nodes:\n- role: control-plane\n  image: kindest/node:{version}\n")
    };
    assert_eq!(gates(&nodes("v1.20.15")), [How::Add]);
    assert_eq!(gates(&nodes("v1.21.14")), []);
    let off = format!("{}featureGates:\n  IPv6DualStack: false\n", nodes("v1.20.15"));
    assert_eq!(gates(&off), [How::Value]);
    assert_eq!(gates(&off.replace("false", "true")), []);
    let new = changed(&off);
    assert!(new.contains("  IPv6DualStack: true\n"), "{new}");
}

/// Files in which a value needs quotes or has some, or is an item of a list: a part of what is proposed.
const WRITTEN: &[(&str, &str)] = &[
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cilium-config\ndata:\n  enable-ipv4: \
         \"true\"\n  enable-ipv6: 'false'\n  cluster-pool-ipv4-cidr: 10.244.0.0/16\n",
        "enable-ipv6: 'true'",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cilium-config\ndata:\n  enable-ipv4: \
         \"true\"\n  cluster-pool-ipv4-cidr: 10.244.0.0/16\n",
        "enable-ipv6: \"true\"",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kube-flannel-cfg\ndata:\n  net-conf.json: \
         |\n    {\n      \"EnableIPv6\": false,\n      \"Network\": \"10.244.0.0/16\"\n    }\n",
        "EnableIPv6: true",
    ),
    (
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: calico-node\nspec:\n  template:\n    \
         spec:\n      containers:\n      - name: calico-node\n        env:\n        - name: \
         CALICO_IPV4POOL_CIDR\n          value: 10.244.0.0/16\n",
        "FELIX_IPV6SUPPORT: \"true\"",
    ),
];

#[test]
fn a_value_is_written_as_its_place_needs_it() {
    let said = |text: &str| {
        let report = lint(text);
        let changes = report.plans[0].changes.iter();
        changes.map(|own| format!("{}: {}", own.field, own.new)).collect::<Vec<_>>()
    };
    for (text, wanted) in WRITTEN {
        let all = said(&format!("{CLUSTER}{text}"));
        assert!(all.iter().any(|own| own == wanted), "{wanted}: {all:?}");
    }
    // A comma ends a word in a flow mapping or list.
    let flow = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking: {podSubnet: \
                10.244.0.0/16, serviceSubnet: '10.96.0.0/16'}\n";
    is_right("a flow mapping", flow);
    let [pods, services] = &said(flow)[..] else { panic!() };
    assert!(pods.starts_with("podSubnet: \"10.244.0.0/16,fd"), "{pods}");
    assert!(services.starts_with("serviceSubnet: '10.96.0.0/16,fd"), "{services}");
    let words = PODS.replace(
        "    command:\n    - kube-apiserver\n    - --service-cluster-ip-range=10.96.0.0/16\n",
        "    command: [kube-apiserver, --service-cluster-ip-range=10.96.0.0/16]\n",
    );
    is_right("a flow list", &words);
    assert!(said(&words).iter().any(|own| own.contains("\"--service-cluster-ip-range=10.96")));
}

#[test]
fn a_list_of_ranges_gets_an_item() {
    let ranges = [
        "cluster:\n  network:\n    podSubnets:\n      - 10.244.0.0/16\n    serviceSubnets:\n      - \
         10.96.0.0/12\n",
        "apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nmetadata:\n  name: a\nspec:\n  \
         clusterNetwork:\n    pods:\n      cidrBlocks: [\"10.244.0.0/16\"]\n    services:\n      \
         cidrBlocks: [\"10.96.0.0/12\"]\n",
        "apiVersion: v1\nbaseDomain: a.test\nmetadata:\n  name: a\nnetworking:\n  networkType: \
         OVNKubernetes\n  clusterNetwork:\n  - cidr: 10.128.0.0/14\n    hostPrefix: 23\n  \
         serviceNetwork:\n  - 172.30.0.0/16\n",
    ];
    for text in ranges {
        let report = lint(text);
        let changes = &report.plans[0].changes;
        assert_eq!(changes.len(), 2, "{text}: {changes:#?}");
        for change in changes {
            assert_eq!(change.how, How::Add, "{text}");
            assert!(!change.new.contains("0.0/1"), "{text}: {}", change.new);
        }
    }
}

#[test]
fn an_upgrade_of_a_chart_keeps_its_version() {
    let text = format!("{CLUSTER}kubeProxyReplacement: true\n");
    let report = lint(&text);
    let rendered = render(&report, 200);
    let upgrade = rendered.lines().find(|line| line.contains("helm upgrade")).unwrap();
    assert!(upgrade.contains("--version \"${VERSION:?}\" --reuse-values"), "{upgrade}");
    assert!(rendered.contains("$ VERSION=$(helm list"), "{rendered}");
}
