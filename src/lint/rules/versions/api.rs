//! kubeadm's API versions.

use crate::lint::{
    model::{Args, ArgsForm, Version},
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
        documents::{documents, join},
    },
    source::Spanned,
};

const DOCS: &str = "https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/";
const PHASE: &str = "reading its configuration";
const GOOD: Example = Example::new(documents!(
    "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs:
    - name: v
      value: \"2\"
",
    join!(name = "node-2")
));

/// Each API version: the first and the last minor of Kubernetes that reads it.
const APIS: &[(&str, u32, Option<u32>)] = &[
    ("v1alpha1", 4, Some(11)),
    ("v1alpha2", 11, Some(12)),
    ("v1alpha3", 12, Some(14)),
    ("v1beta1", 13, Some(21)),
    ("v1beta2", 15, Some(26)),
    ("v1beta3", 22, Some(36)),
    ("v1beta4", 31, None),
];

pub(crate) const REMOVED: Rule = Rule {
    code: "DS401",
    name: "kubeadm-api-removed",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The document has an API version that this version of kubeadm doesn't support.",
    why: "v1beta1 was removed in 1.22, v1beta2 in 1.27 and v1beta3 in 1.37; v1beta4 was added \
          in 1.31.",
    fix: "Convert the file with `kubeadm config migrate`, using a kubeadm that supports both \
          versions.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "your configuration file uses an old API spec",
    }],
    good: &[GOOD],
    bad: &[Example::new(
        "\
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
networking:
  podSubnet: 10.244.0.0/16
",
    )],
    check: Check::Model(|model, out| {
        let version = model.version_or_current();
        for document in &model.kubeadm {
            let api = document.api.value.as_str();
            let known = APIS.iter().find(|(name, _, _)| *name == api);
            let message = match known {
                Some((_, first, _)) if version < Version::v1(*first) => {
                    format!("{api} was added in Kubernetes 1.{first}; this is {version}")
                }
                Some((_, _, Some(last))) if version > Version::v1(*last) => {
                    format!(
                        "kubeadm {version} doesn't support {api}; the last version to do so was 1.{last}"
                    )
                }
                Some(_) => continue,
                None => format!("kubeadm has no API version {api}"),
            };
            let finding = out.at(document.api.span, message);
            if let Some(named) = model.versions.iter().find(|named| named.value == version) {
                finding.also(named.span, format!("Kubernetes {version}"));
            }
        }
    }),
};

pub(crate) const FORMS: Rule = Rule {
    code: "DS402",
    name: "kubeadm-forms-mixed",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "extraArgs are in the form of another API version than the document's.",
    why: "Up to v1beta3 they are a mapping; since v1beta4 they are a list of name and value.",
    fix: "Use the form of the document's apiVersion, or change the apiVersion.",
    sources: &[DOCS, "https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta3/"],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "cannot unmarshal",
    }],
    good: &[
        GOOD,
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta3
kind: JoinConfiguration
nodeRegistration:
  kubeletExtraArgs:
    node-ip: 192.168.0.12,fd00:192::12
",
        ),
    ],
    bad: &[
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration:
  kubeletExtraArgs:
    node-ip: 192.168.0.12,fd00:192::12
",
        ),
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
apiServer:
  extraArgs:
    - name: v
      value: \"2\"
",
        ),
    ],
    check: Check::Model(|model, out| {
        for cluster in &model.clusters {
            for args in &cluster.extra_args {
                form(cluster.api.as_ref(), args, out);
            }
        }
        for node in &model.nodes {
            form(node.api.as_ref(), &node.kubelet, out);
        }
    }),
};

fn form(api: Option<&Spanned<String>>, args: &Args, out: &mut Findings) {
    let (Some(api), Some(form)) = (api, &args.form) else { return };
    let (wanted, is, should) = match api.value.as_str() {
        "v1beta4" => (ArgsForm::List, "a mapping", "a list of name and value"),
        "v1beta1" | "v1beta2" | "v1beta3" => {
            (ArgsForm::Map, "a list", "a mapping from name to value")
        }
        _ => return,
    };
    if form.value != wanted {
        let label = api.value.as_str();
        let finding =
            out.at(form.span, format!("in {label} these flags are {should}, but this is {is}"));
        finding.also(api.span, "the document's version");
        finding.edits.extend(args.rewrite.iter().cloned());
        if let (ArgsForm::List, Some(arg)) = (wanted, args.list.first()) {
            let (name, value) = (&arg.name.value, &arg.value.value);
            finding.fix(format!("write each as {{name: {name}, value: \"{value}\"}}"));
        }
    }
}

pub(crate) const TWICE: Rule = Rule {
    code: "DS406",
    name: "kubeadm-kind-twice",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A file contains two kubeadm documents of the same kind.",
    why: "A kubeadm file is for one node; kubeadm rejects a second document of the same kind.",
    fix: "Use a separate file for each node.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "is specified twice in YAML file",
    }],
    good: &[GOOD],
    bad: &[Example::new(
        "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: one
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: two
",
    )],
    check: Check::Model(|model, out| {
        for (at, document) in model.kubeadm.iter().enumerate() {
            let kind = &document.kind;
            let first = model.kubeadm[..at].iter().find(|other| {
                other.kind.value == kind.value && other.kind.span.source == kind.span.source
            });
            if let Some(first) = first {
                out.at(kind.span, format!("a second {} in this file", kind.value))
                    .also(first.kind.span, "the first");
            }
        }
    }),
};
