//! `dualstack lint --diff`, `--fix` and `--explain-file`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, path::Path};

use assert_cmd::Command;

/// What has one right answer, and what has not.
const FILE: &str = "\
# The cluster of the lab.
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  podSubnet: \"10.244.7.0/16, fd00:10:244::/56\"  # both families
  servceSubnet: 10.96.0.0/16,fd00:10:96::/112
controllerManager:
  extraArgs:
    node-cidr-mask-size-ipv6: \"72\" # room for more
    v: \"2\"
scheduler:
  extraArgs: {v: \"3\", bind-address: \"::\"} # in braces
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration:
  # dualstack: allow DS110 not needed any more
  kubeletExtraArgs:
    - name: node-ip
      value: fd00:192::12,192.168.0.12
    - name: max-pods
      value: 24
";

const FIXED: &str = "\
# The cluster of the lab.
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  podSubnet: \"10.244.0.0/16,fd00:10:244::/56\"  # both families
  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112
controllerManager:
  extraArgs:
    - name: node-cidr-mask-size-ipv6
      value: \"72\" # room for more
    - name: v
      value: \"2\"
scheduler:
  extraArgs: [{name: v, value: \"3\"}, {name: bind-address, value: \"::\"}] # in braces
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration:
  kubeletExtraArgs:
    - name: node-ip
      value: 192.168.0.12,fd00:192::12
    - name: max-pods
      value: \"24\"
";

/// Runs `dualstack lint` in a directory: the exit code and what it prints.
fn lint(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("dualstack").unwrap();
    let output = command.arg("lint").args(arguments).current_dir(directory).output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code().unwrap(), text)
}

fn directory(text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("cluster.yaml"), text).unwrap();
    directory
}

#[test]
fn fix_changes_what_has_one_right_answer_and_keeps_comments_and_layout() {
    let directory = directory(FILE);
    let file = directory.path().join("cluster.yaml");
    let (_, said) = lint(directory.path(), &["--fix", "cluster.yaml"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), FIXED, "{said}");
    let (code, said) = lint(directory.path(), &["cluster.yaml"]);
    assert_eq!(code, 0, "{said}");
    // Nothing is left to fix.
    assert_eq!(lint(directory.path(), &["--diff", "."]), (0, String::new()));
}

#[test]
fn diff_shows_the_changes_and_makes_none() {
    let directory = directory(FILE);
    let (code, diff) = lint(directory.path(), &["--diff", "cluster.yaml"]);
    assert_eq!(code, 1);
    assert!(diff.starts_with("--- cluster.yaml\n+++ cluster.yaml\n@@ "), "{diff}");
    assert!(diff.contains("-  servceSubnet: ") && diff.contains("+  serviceSubnet: "), "{diff}");
    assert_eq!(fs::read_to_string(directory.path().join("cluster.yaml")).unwrap(), FILE);
}

#[test]
fn fix_writes_mappings_for_an_older_api_version() {
    let text = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\napiServer:\n  \
                extraArgs:\n    - name: v\n      value: \"2\"\n    - name: profiling\n      value: \
                \"false\"\n";
    let directory = directory(text);
    lint(directory.path(), &["--fix", "."]);
    let fixed = fs::read_to_string(directory.path().join("cluster.yaml")).unwrap();
    assert!(fixed.ends_with("  extraArgs:\n    v: \"2\"\n    profiling: \"false\"\n"), "{fixed}");
}

#[test]
fn fix_keeps_a_byte_order_mark_and_windows_line_ends() {
    let text = "\u{feff}apiVersion: kubeadm.k8s.io/v1beta4\r\nkind: ClusterConfiguration\r\n\
                networking:\r\n  podSubnet: 10.244.7.0/16\r\n";
    let directory = directory(text);
    lint(directory.path(), &["--fix", "."]);
    let fixed = fs::read_to_string(directory.path().join("cluster.yaml")).unwrap();
    assert_eq!(fixed, text.replace("10.244.7.0", "10.244.0.0"));
}

#[test]
fn the_nearest_settings_of_the_repository_count() {
    let directory = directory(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  podSubnet: \
         10.244.0.0/16,2001:db8:42::/56\n",
    );
    let path = directory.path();
    let settings = |below: &str, text: &str| fs::write(path.join(below), text).unwrap();
    fs::create_dir_all(path.join("clusters")).unwrap();
    assert!(lint(path, &["cluster.yaml"]).1.contains("DS110"));
    settings(".dualstack.toml", "[lint]\nallow = [\"DS110\"]\nkubernetes-version = \"1.34\"\n");
    let (code, said) = lint(&path.join("clusters"), &["../cluster.yaml"]);
    assert!(code == 0 && !said.contains("DS110") && said.contains("1 allowed"), "{said}");
    // Settings above the repository are not its own.
    fs::create_dir(path.join("clusters/.git")).unwrap();
    assert!(lint(&path.join("clusters"), &["../cluster.yaml"]).1.contains("DS110"));
    settings("clusters/.dualstack.toml", "[lint]\ndeny = [\"DS110\"]\n");
    assert_eq!(lint(&path.join("clusters"), &["../cluster.yaml"]).0, 1);
    for wrong in [
        "[lint]\nalow = []\n",
        "[lint]\nallow = [\"DS000\"]\n",
        "[lint]\nkubernetes-version = \"x\"\n",
    ] {
        settings(".dualstack.toml", wrong);
        assert_eq!(lint(path, &["cluster.yaml"]).0, 2, "{wrong}");
    }
}

#[test]
fn explain_file_shows_what_was_understood_with_lines() {
    let directory = directory(FIXED);
    fs::write(directory.path().join("other.yaml"), "a: 1\n").unwrap();
    let (code, said) = lint(directory.path(), &["--explain-file", "."]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "  line 3: kubeadm v1beta4 ClusterConfiguration\n",
        "  line 5: pod range 10.244.0.0/16,fd00:10:244::/56 (IPv4, IPv6)\n",
        "  line 6: Service range 10.96.0.0/16,fd00:10:96::/112 (IPv4, IPv6)\n",
        "  line 10: --node-cidr-mask-size-ipv6=72 of kube-controller-manager\n",
        "  line 21: node-ip 192.168.0.12,fd00:192::12 (IPv4, IPv6)\n",
        "other.yaml\n  nothing about the network\n",
    ] {
        assert!(said.contains(line), "{line:?} is not in:\n{said}");
    }
}

#[test]
fn explain_file_shows_what_rules_read_beside_ranges() {
    let directory = directory(
        "\
version: v1alpha1
machine:
  kubelet:
    clusterDNS: [fd00:10:96::a]
    nodeIP: {validSubnets: [\"fd00:192::/64\"]}
cluster:
  controlPlane: {endpoint: \"https://[fd00:192::10]:6443\"}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6, IPv4], ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns}
data:
  Corefile: |
    ip6.arpa:53 {
        forward . 10.96.0.10
    }
  cni_network_config: |-
    {\"ipam\": {\"type\": \"calico-ipam\", \"assign_ipv6\": \"true\"}}
---
runcmd:
  - kubectl apply -f https://github.com/flannel-io/flannel/kube-flannel.yml
",
    );
    let (code, said) = lint(directory.path(), &["--explain-file", "cluster.yaml"]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "  line 4: clusterDNS fd00:10:96::a\n",
        "  line 5: addresses of nodes in fd00:192::/64\n",
        "  line 7: API server at https://[fd00:192::10]:6443\n",
        "  line 11: Service a with ipFamilyPolicy PreferDualStack and ipFamilies IPv6, IPv4\n",
        "  line 19: CoreDNS for ip6.arpa:53\n",
        "  line 23: Calico's CNI plugin with assign_ipv4 not set, assign_ipv6 true\n",
        "  line 26: a network plugin as it is released\n",
    ] {
        assert!(said.contains(line), "{line:?} is not in:\n{said}");
    }
}

#[test]
fn fix_spells_families_policies_and_addresses_as_they_are_read() {
    let file = |kind: &str, policy: &str, external: &str, envoy: &str, shoot: &str| {
        format!(
            "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking:\n  ipFamily: {kind} # \
             both\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec:\n  \
             ipFamilyPolicy: {policy}\n  externalIPs: [{external}]\n  ports: [{{port: 80}}]\n---\n\
             apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyProxy\nmetadata: {{name: \
             a}}\nspec: {{ipFamily: {envoy}}}\n---\napiVersion: core.gardener.cloud/v1beta1\nkind: \
             Shoot\nmetadata: {{name: a}}\nspec:\n  networking:\n    ipFamilies: [IPv4, {shoot}]\n"
        )
    };
    let before = file("Dual-Stack", "preferDualStack", "192.168.010.080", "dual", "IPV6");
    let after = file("dual", "PreferDualStack", "192.168.10.80", "DualStack", "IPv6");
    let directory = directory(&before);
    let path = directory.path().join("cluster.yaml");
    let (code, said) = lint(directory.path(), &["--fix", "cluster.yaml"]);
    assert_eq!((fs::read_to_string(path).unwrap(), code), (after, 0), "{said}");
}

#[test]
fn fix_writes_the_missing_enable_ipv6_of_flannel() {
    let map = |lines: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: kube-flannel-cfg}}\ndata:\n{lines}"
        )
    };
    let before = map(
        "  # both families\n  net-conf.json: |\n    {\n      \"Network\": \"10.244.0.0/16\",\n      \
         \"IPv6Network\": \"fd00:10:244::/56\",\n      \"Backend\": {\"Type\": \"vxlan\"}\n    }\n",
    );
    let after = map(
        "  # both families\n  net-conf.json: |\n    {\n      \"Network\": \"10.244.0.0/16\",\n      \
         \"EnableIPv6\": true,\n      \"IPv6Network\": \"fd00:10:244::/56\",\n      \"Backend\": \
         {\"Type\": \"vxlan\"}\n    }\n",
    );
    let one_line = |enable: &str| {
        map(&format!(
            "  net-conf.json: |\n    {{\"Network\": \"10.244.0.0/16\", {enable}\"IPv6Network\": \
             \"fd00:10:244::/56\", \"Backend\": {{\"Type\": \"vxlan\"}}}}\n"
        ))
    };
    let (one_line, fixed) = (one_line(""), one_line("\"EnableIPv6\": true, "));
    for (before, after) in [(before, after), (one_line, fixed)] {
        let directory = directory(&before);
        let path = directory.path().join("cluster.yaml");
        let (code, said) = lint(directory.path(), &["--fix", "cluster.yaml"]);
        assert_eq!((fs::read_to_string(path).unwrap(), code), (after, 0), "{said}");
    }
    // Whoever wrote false may have meant it.
    let off =
        map("  net-conf.json: |\n    {\"EnableIPv6\": false, \"IPv6Network\": \"fd00::/56\"}\n");
    let directory = directory(&off);
    assert_eq!(lint(directory.path(), &["--diff", "cluster.yaml"]), (0, String::new()));
}
