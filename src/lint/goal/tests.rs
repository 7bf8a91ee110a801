//! Plans for clusters of several kinds.

use crate::lint::{Options, lint_text, live::Live, live::LiveDocument, report::Report};

use super::render;

const SINGLE: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: n1
  kubeletExtraArgs:
    - name: node-ip
      value: 192.168.0.11
";

fn files(text: &str) -> Report {
    lint_text("cluster.yaml", text.into(), None, &Options::default())
}

fn live(text: &str) -> Report {
    let documents = text
        .split("---\n")
        .map(|text| LiveDocument { name: "object".to_owned(), text: text.to_owned() });
    let live = Live { documents: documents.collect(), unread: Vec::new() };
    lint_text("empty.yaml", b"kind: Secret\n".to_vec(), Some(&live), &Options::default())
}

fn text(report: &Report) -> String {
    render(report, 100)
}

fn node(name: &str, addresses: &str, ranges: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: {name}\nspec:\n  podCIDRs: [{ranges}]\n{more}\
         status:\n  addresses: [{addresses}]\n---\n"
    )
}

#[test]
fn files_of_one_family_are_told_what_to_say_and_a_running_cluster_its_steps() {
    let report = files(SINGLE);
    let text = text(&report);
    let plan = &report.plans[0];
    let new: Vec<&str> = plan.changes.iter().map(|change| change.new.as_str()).collect();
    let [pods, services, node_ip] = new[..] else { panic!("{new:?}") };
    assert!(pods.starts_with("10.244.0.0/16,fd") && pods.ends_with("/56"), "{pods}");
    assert!(services.starts_with("10.96.0.0/16,fd") && services.ends_with("/112"), "{services}");
    assert_eq!(node_ip, "192.168.0.11,<IPv6 of the node>");
    assert!(text.contains(&format!("cluster.yaml:5: podSubnet: {pods}")), "{text}");
    assert!(text.contains("IPv4 stays the first family"), "{text}");
    assert!(text.contains("kubeadm init phase control-plane apiserver"), "{text}");
    // What is proposed is right by the rules.
    let changed = SINGLE.replace("10.244.0.0/16", pods).replace("10.96.0.0/16", services);
    let changed = changed.replace("192.168.0.11", "192.168.0.11,fd00:192::11");
    let report = files(&changed);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.plans[0].is_reached(), "{:#?}", report.plans);
}

#[test]
fn another_cluster_gets_another_unique_local_prefix_and_the_same_one_the_same() {
    let pods = |text: &str| files(text).plans[0].changes[0].new.clone();
    let other = SINGLE.replace("10.96.0.0/16", "10.97.0.0/16");
    assert_eq!(pods(SINGLE), pods(SINGLE));
    assert_ne!(pods(SINGLE), pods(&other));
}

#[test]
fn a_cluster_of_ipv6_gets_an_ipv4_range_that_no_node_lies_in() {
    let text = SINGLE
        .replace("10.244.0.0/16", "fd00:10:244::/56")
        .replace("10.96.0.0/16", "fd00:10:96::/112")
        .replace("192.168.0.11", "fd00:192::11");
    let report = files(&text);
    assert_eq!(report.plans[0].changes[0].new, "fd00:10:244::/56,10.244.0.0/16");
    let text =
        format!("{text}---\n{}", node("n2", "{type: InternalIP, address: 10.244.3.4}", "", ""));
    assert_eq!(files(&text).plans[0].changes[0].new, "fd00:10:244::/56,10.42.0.0/16");
}

#[test]
fn a_live_cluster_that_is_half_converted_is_told_which_nodes_are_left() {
    let both =
        "{type: InternalIP, address: 192.168.0.11}, {type: InternalIP, address: \"fd00::11\"}";
    let one = "{type: InternalIP, address: 192.168.0.12}";
    let configuration = "apiVersion: v1\nkind: ConfigMap\ndata:\n  ClusterConfiguration: |\n    \
                         apiVersion: kubeadm.k8s.io/v1beta4\n    kind: ClusterConfiguration\n    \
                         networking: {podSubnet: \"10.244.0.0/16,fd01::/56\", serviceSubnet: \
                         \"10.96.0.0/16,fd02::/112\"}\n---\n";
    let cluster = format!(
        "{configuration}{}{}",
        node("n1", both, "10.244.0.0/24, \"fd01::/64\"", ""),
        node("n2", one, "10.244.1.0/24", "")
    );
    let report = live(&cluster);
    let text = text(&report);
    assert!(text.contains("kubectl delete node n2"), "{text}");
    assert!(!text.contains("kubectl delete node n1"), "{text}");
    assert!(text.contains("--node-ip=192.168.0.12,<IPv6 of n2>"), "{text}");
    assert!(!text.contains("podSubnet:"), "{text}");
    let done = cluster
        .replace(one, &both.replace("11", "12"))
        .replace("podCIDRs: [10.244.1.0/24]", "podCIDRs: [10.244.1.0/24, \"fd01:0:0:1::/64\"]");
    let report = live(&done);
    assert!(report.plans[0].is_reached(), "{:#?}", report.plans);
}

#[test]
fn services_of_one_family_are_named_with_their_command() {
    let text = format!(
        "{SINGLE}---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: team}}\nspec: \
         {{ipFamilies: [IPv4], ports: [{{port: 80}}]}}\n"
    );
    let text = self::text(&files(&text));
    assert!(text.contains("kubectl -n team patch service web"), "{text}");
}

#[test]
fn what_must_be_built_anew_says_so_with_a_page() {
    for (cluster, page) in [
        ("cluster-cidr: 10.42.0.0/16\nservice-cidr: 10.43.0.0/16\n", "docs.k3s.io"),
        ("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n", "kind.sigs.k8s.io"),
        (
            "apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\nspec: {network: {podCIDR: \
             10.244.0.0/16}}\n",
            "docs.k0sproject.io",
        ),
    ] {
        let report = files(cluster);
        let plan = report.plans.first().unwrap_or_else(|| panic!("{cluster}"));
        let (_, named) = plan.rebuild.as_ref().unwrap_or_else(|| panic!("{cluster}"));
        assert!(named.contains(page), "{named}");
        assert!(text(&report).contains("Not possible in place"), "{}", text(&report));
    }
    let aws = "  providerID: aws:///eu-west-1a/i-0\n";
    let kubelet = "status:\n  nodeInfo: {kubeletVersion: v1.33.1-eks-1234}\n";
    let eks = node("ip-10", "{type: InternalIP, address: 10.0.0.4}", "", aws);
    let eks = eks.replace("status:\n", kubelet)
        + "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\n\
              metadata: {name: kubernetes}\nspec: {cidrs: [172.20.0.0/16]}\n";
    assert!(text(&live(&eks)).contains("cni-ipv6.html"), "{}", text(&live(&eks)));
}

#[test]
fn where_a_setting_takes_one_range_the_second_family_has_settings_of_its_own() {
    let said = |cluster: &str| {
        let report = files(cluster);
        let changes = &report.plans[0].changes;
        changes.iter().map(|c| format!("{}: {}", c.field, c.new)).collect::<Vec<_>>()
    };
    let k0s = said(
        "apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\nspec: {network: {podCIDR: \
         10.244.0.0/16, serviceCIDR: 10.96.0.0/16}}\n",
    );
    let [on, pods, services] = &k0s[..] else { panic!("{k0s:?}") };
    assert_eq!(on, "dualStack.enabled: true");
    assert!(pods.starts_with("dualStack.IPv6podCIDR: fd"), "{pods}");
    assert!(services.starts_with("dualStack.IPv6serviceCIDR: fd"), "{services}");
    let shoot = said(
        "apiVersion: core.gardener.cloud/v1beta1\nkind: Shoot\nspec: {networking: {pods: \
         100.96.0.0/11, services: 100.64.0.0/13}}\n",
    );
    assert_eq!(shoot, ["ipFamilies: [IPv4, IPv6]"]);
    let eks = said(
        "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: Cluster\nspec: \
         {kubernetesNetworkConfig: {serviceIPv4CIDR: 172.20.0.0/16}}\n",
    );
    assert!(eks.is_empty(), "{eks:?}");
}

#[test]
fn nothing_is_planned_where_no_document_says_which_families_there_are() {
    let report = files("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n");
    assert!(report.plans.is_empty());
    assert!(text(&report).contains("no document says"), "{}", text(&report));
}
