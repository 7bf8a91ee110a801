//! The rules' own examples, and what holds for all rules.

use std::collections::HashSet;

use super::{
    Format, Live, LiveDocument, Options, Report, lint_text,
    model::Asked,
    rules::{EnforcedBy, Example, Level, RULES},
};

fn lint(example: &Example) -> Report {
    let live = example.live.map(|text| Live {
        documents: vec![LiveDocument { name: "live".into(), text: text.into() }],
        unread: Vec::new(),
    });
    let options = Options { asked: example.asked, ..Options::default() };
    lint_text("example.yaml", example.text.as_bytes().to_vec(), live.as_ref(), &options)
}

fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn every_bad_example_yields_exactly_its_codes() {
    let mut wrong = Vec::new();
    for rule in RULES {
        for example in rule.bad {
            let mut wanted = vec![rule.code];
            wanted.extend(example.also);
            wanted.sort_unstable();
            let report = lint(example);
            if codes(&report) != wanted {
                wrong.push(format!(
                    "{}: {wanted:?} wanted, but:\n{:#?}\n{}",
                    rule.code,
                    report.findings.iter().map(|f| (f.code, &f.message)).collect::<Vec<_>>(),
                    example.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_good_example_yields_nothing() {
    let mut wrong = Vec::new();
    for rule in RULES {
        assert!(!rule.good.is_empty() && !rule.bad.is_empty(), "{}", rule.code);
        for example in rule.good {
            let report = lint(example);
            if !report.findings.is_empty() {
                wrong.push(format!(
                    "{}: {:#?}\n{}",
                    rule.code,
                    report.findings.iter().map(|f| (f.code, &f.message)).collect::<Vec<_>>(),
                    example.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn codes_and_names_are_unique_and_in_order() {
    let codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes.len(), sorted.len());
    let names: HashSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn installations_that_are_told_the_same_have_one_row_of_capacity() {
    let talos = "machine: {type: controlplane}\ncluster: {network: {podSubnets: [10.244.0.0/16], \
                 serviceSubnets: [10.96.0.0/12]}}\n";
    let rows = |text: String| {
        let report = lint_text("a.yaml", text.into(), None, &Options::default());
        report.capacity.len()
    };
    let once = rows(talos.to_owned());
    assert!(once > 0);
    let worker = talos.replace("controlplane", "worker");
    assert_eq!(rows(format!("{talos}---\n{worker}")), once);
}

#[test]
fn a_field_that_does_not_exist_has_the_reason_of_the_program_that_reads_it() {
    let documents = [
        (
            "kubeadm init ignores it",
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking: {podSubnets: a}\n",
        ),
        (
            "the kubelet says so",
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPod: 1\n",
        ),
        (
            "kube-proxy says so",
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCidr: a\n",
        ),
        (
            "kind reads its configuration strictly",
            "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnetworking: {ipFamilly: dual}\n",
        ),
        (
            "the API server rejects",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ipFamilys: [IPv4]}\n",
        ),
        (
            "k0s reads its configuration strictly",
            "apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\nspec: {network: {dualStak: {}}}\n",
        ),
        (
            "Talos reads its configuration strictly",
            "version: v1alpha1\nmachine: {type: worker}\ncluster: {network: {podSubnet: []}}\n",
        ),
    ];
    for (reason, text) in documents {
        let report = lint_text("example.yaml", text.into(), None, &Options::default());
        let mut shown = Vec::new();
        Format::Text.write(&report, 100, &mut shown).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let own = shown.split("error[DS003]").nth(1).unwrap_or_default();
        let own = own.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(own.contains(reason), "{reason}: {shown}");
        let kubeadm = own.contains("kubeadm rejects it");
        assert_eq!(kubeadm, reason.starts_with("kubeadm"), "{shown}");
    }
}

#[test]
fn an_address_that_the_api_server_has_already_is_only_warned_of() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: LoadBalancer, \
                   loadBalancerSourceRanges: [192.168.0.1/24]}\n";
    let document = LiveDocument { name: "live".into(), text: service.into() };
    let live = Live { documents: vec![document], unread: Vec::new() };
    let options = Options { asked: Asked::kubernetes(36), ..Options::default() };
    let found = |report: &Report| {
        let found = report.findings.iter().find(|finding| finding.code == "DS409").unwrap();
        let by = found.reason.map(|reason| reason.enforced_by);
        (found.level, by.is_some_and(|by| matches!(by, [EnforcedBy::Warns { .. }])))
    };
    let report = lint_text("a.yaml", "kind: Secret\n".into(), Some(&live), &options);
    assert_eq!(found(&report), (Level::Warning, true));
    let report = lint_text("a.yaml", service.into(), None, &options);
    assert_eq!(found(&report), (Level::Error, false));
}
