//! `dualstack lint` of a live cluster, and of the very files that it was made of.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::{
    bed::{Bed, text},
    product::dualstack,
    trial::Test,
};

pub const QUICK: &[(&str, Test)] = &[
    ("lint::a_healthy_cluster_lints_clean", healthy),
    ("lint::the_files_that_kubeadm_took_lint_clean_and_are_the_cluster", files),
    ("lint::each_setting_that_a_file_changes_is_told_as_drift", changed_files),
    ("lint::what_changes_in_the_cluster_is_told_as_drift", changed_cluster),
    ("lint::an_overlap_is_an_error_once_a_node_has_addresses_of_services", overlap),
];

/// What `dualstack lint` said.
struct Linted {
    code: i32,
    report: Value,
}

impl Linted {
    /// Lints with some arguments.
    fn run(bed: &Bed, arguments: &[&str]) -> Self {
        let output =
            dualstack(bed, &["lint", "--format", "json"]).args(arguments).output().unwrap();
        let code = output.status.code().unwrap_or(-1);
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        Self { code, report }
    }

    fn findings(&self) -> &[Value] {
        self.report["findings"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn codes(&self) -> BTreeSet<&str> {
        self.findings().iter().filter_map(|finding| finding["code"].as_str()).collect()
    }

    fn assert_clean(&self) {
        assert_eq!(self.findings(), &[] as &[Value]);
        assert_eq!(self.report["skipped"], json!([]), "something could not be read");
        assert_eq!(self.code, 0);
    }
}

/// The configuration of each node, as kubeadm took it, in files of their own.
fn take_files(bed: &Bed) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for node in ["n1", "n2", "n3"] {
        let text =
            bed.testbed(&["exec", node, "--", "cat", "/etc/kubernetes/testbed-kubeadm.yaml"]);
        fs::write(directory.path().join(format!("{node}.yaml")), text).unwrap();
    }
    directory
}

fn path(directory: &tempfile::TempDir) -> &str {
    directory.path().to_str().unwrap()
}

fn healthy(bed: &Bed) {
    let linted = Linted::run(bed, &["--live"]);
    linted.assert_clean();
    // kubeadm-config, kube-proxy, kubelet-config, three static pods, three nodes, Services …
    let documents = linted.report["summary"]["documents"].as_u64().unwrap();
    assert!(documents > 10, "only {documents} documents were understood");
    let capacity = linted.report["capacity"].as_array().unwrap();
    assert_eq!(capacity.len(), 6, "{capacity:#?}");
    // What a person sees of it.
    let output = dualstack(bed, &["lint", "--live"]).output().unwrap();
    let said = text(&output.stdout);
    assert!(said.contains("no findings") && said.contains("Pods per node"), "{said}");
    // It is what --goal is to lead to.
    let output = dualstack(bed, &["lint", "--live", "--goal", "dual-stack"]).output().unwrap();
    let said = text(&output.stdout);
    assert!(said.contains("The cluster is already dual-stack"), "{said}");
    assert_eq!(output.status.code(), Some(0));
}

fn files(bed: &Bed) {
    let files = take_files(bed);
    Linted::run(bed, &[path(&files)]).assert_clean();
    let both = Linted::run(bed, &[path(&files), "--live"]);
    both.assert_clean();
}

/// Puts a text into a file instead of one that must be there.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "no {from:?} in {text}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

fn changed_files(bed: &Bed) {
    let proxy = "kind: KubeProxyConfiguration\n";
    let kubelet = "kind: KubeletConfiguration\n";
    let node_2 = bed.kubectl(&[
        "get",
        "node",
        "n2",
        "-o",
        "jsonpath={.status.addresses[?(@.type==\"InternalIP\")].address}",
    ]);
    let v4 = node_2.split_whitespace().next().unwrap();
    // In which node's file, what stands there, what is written instead, and what is told.
    let edits = [
        ("n1", "fd00:10:244::/56", "fd00:10:245::/56", "DS901"),
        ("n1", "10.96.0.0/16", "10.97.0.0/16", "DS901"),
        ("n2", v4, "192.168.99.12", "DS902"),
        ("n1", "mode: iptables", "mode: nftables", "DS903"),
        ("n1", proxy, &format!("{proxy}nodePortAddresses: [primary]\n"), "DS903"),
        ("n1", proxy, &format!("{proxy}featureGates:\n  KubeProxyAnything: true\n"), "DS905"),
        ("n1", kubelet, &format!("{kubelet}featureGates:\n  KubeletAnything: true\n"), "DS905"),
        (
            "n1",
            "- name: kube-api-qps",
            "- name: node-cidr-mask-size-ipv6\n    value: \"65\"\n  - name: kube-api-qps",
            "DS906",
        ),
    ];
    for (node, from, to, code) in edits {
        let files = take_files(bed);
        edit(&files.path().join(format!("{node}.yaml")), from, to);
        let linted = Linted::run(bed, &[path(&files), "--live"]);
        assert_eq!(linted.codes(), BTreeSet::from([code]), "{from} -> {to}: {:#}", linted.report);
        let finding = &linted.findings()[0];
        assert!(finding["source"].as_str().unwrap().ends_with(&format!("{node}.yaml")));
        assert_eq!(linted.code, 0, "drift warns");
    }
    // kubeadm fills clusterCIDR in; a file that says another is wrong by itself and drift too.
    let files = take_files(bed);
    let other = format!("{proxy}clusterCIDR: 10.244.0.0/16\n");
    edit(&files.path().join("n1.yaml"), proxy, &other);
    let linted = Linted::run(bed, &[path(&files), "--live"]);
    assert_eq!(linted.codes(), BTreeSet::from(["DS303", "DS903"]), "{:#}", linted.report);
}

/// A live object that is changed for as long as this lives.
struct Patched<'a> {
    bed: &'a Bed,
    object: [&'a str; 2],
    before: String,
}

impl<'a> Patched<'a> {
    /// Puts a text into one key of a ConfigMap of kube-system, instead of one that must be there.
    fn config_map(bed: &'a Bed, name: &'a str, key: &str, from: &str, to: &str) -> Self {
        let object = ["configmap", name];
        let escaped = key.replace('.', "\\.");
        let path = format!("jsonpath={{.data.{escaped}}}");
        let text = bed.kubectl(&["-n", "kube-system", "get", object[0], object[1], "-o", &path]);
        assert!(text.contains(from), "no {from:?} in {text}");
        let patch = |text: &str| json!({ "data": { key: text } }).to_string();
        let (before, after) = (patch(&text), patch(&text.replacen(from, to, 1)));
        let patched = Self { bed, object, before };
        patched.apply(&after);
        patched
    }

    fn apply(&self, patch: &str) {
        let [kind, name] = self.object;
        self.bed.kubectl(&["-n", "kube-system", "patch", kind, name, "--type=merge", "-p", patch]);
    }
}

impl Drop for Patched<'_> {
    fn drop(&mut self) {
        self.apply(&self.before);
    }
}

fn changed_cluster(bed: &Bed) {
    let files = take_files(bed);
    let changes = [
        ("kube-proxy", "config.conf", "mode: iptables", "mode: nftables", "DS903"),
        ("kubelet-config", "kubelet", "kind:", "featureGates: {A: true}\nkind:", "DS905"),
    ];
    for (name, key, from, to, code) in changes {
        let _patched = Patched::config_map(bed, name, key, from, to);
        let linted = Linted::run(bed, &[path(&files), "--live"]);
        assert_eq!(linted.codes(), BTreeSet::from([code]), "{name}: {:#}", linted.report);
        let related = &linted.findings()[0]["related"][0];
        assert!(related["source"].as_str().unwrap().contains(name), "{related:#}");
    }
    // A Service that was made of one family; its file has since asked for two.
    let file = "apiVersion: v1\nkind: Service\nmetadata:\n  name: lint-drift\n  namespace: \
                default\nspec:\n  ipFamilyPolicy: PreferDualStack\n  ipFamilies: [IPv4, IPv6]\n  \
                ports:\n    - port: 80\n";
    bed.kubectl(&["-n", "default", "create", "service", "clusterip", "lint-drift", "--tcp=80"]);
    fs::write(files.path().join("service.yaml"), file).unwrap();
    let linted = Linted::run(bed, &[path(&files), "--live"]);
    bed.kubectl(&["-n", "default", "delete", "service", "lint-drift"]);
    assert_eq!(linted.codes(), BTreeSet::from(["DS904"]), "{:#}", linted.report);
    Linted::run(bed, &["--live"]).assert_clean();
}

fn overlap(bed: &Bed) {
    let shares = bed.kubectl(&["get", "node", "n2", "-o", "jsonpath={.spec.podCIDRs[1]}"]);
    let share = shares.trim().strip_suffix("/64").expect("a node's share of the IPv6 pod range");
    let range = format!("{share}/112");
    // In a file it is a warning: what comes of it is not known.
    let file = tempfile::tempdir().unwrap();
    let configuration = format!(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  podSubnet: \
         10.244.0.0/16,fd00:10:244::/56\n  serviceSubnet: 10.96.0.0/16,{range}\n"
    );
    fs::write(file.path().join("cluster.yaml"), configuration).unwrap();
    let linted = Linted::run(bed, &[path(&file)]);
    assert_eq!(linted.codes(), BTreeSet::from(["DS112"]));
    assert_eq!((linted.findings()[0]["level"].as_str(), linted.code), (Some("warning"), 0));
    // The cluster takes such a range without a word, for which n2 has Pods already.
    let object = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": { "name": "lint-overlap" },
        "spec": { "cidrs": [range] },
    });
    let create = format!("echo '{object}' | kubectl create -f -");
    bed.testbed(&["exec", "n1", "--", "sh", "-c", &create]);
    let linted = Linted::run(bed, &["--live"]);
    bed.kubectl(&["delete", "servicecidr", "lint-overlap"]);
    assert_eq!(linted.codes(), BTreeSet::from(["DS112"]), "{:#}", linted.report);
    let finding = &linted.findings()[0];
    assert_eq!((finding["level"].as_str(), linted.code), (Some("error"), 1));
    let related = finding["related"].as_array().unwrap();
    let told = |place: &Value| place["message"].as_str().is_some_and(|text| text.contains("n2"));
    assert!(related.iter().any(told), "{finding:#}");
    Linted::run(bed, &["--live"]).assert_clean();
}
