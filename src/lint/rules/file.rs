//! Mistakes in the texts themselves. They are found while reading; these rules give them their
//! codes, so that they are listed, explained, allowed and denied as all others.

use crate::lint::{model::Model, tree::FlawKind};

use super::{
    Area, Binary, Check, EnforcedBy, Example, Findings, Level, Reason, Rule, Versions,
    documents::{cluster, proxy},
};

fn flaws(model: &Model, out: &mut Findings, kind: FlawKind) {
    for flaw in model.flaws.iter().filter(|flaw| flaw.kind == kind) {
        let finding = out.at(flaw.span, &flaw.message);
        if let Some(fix) = &flaw.fix {
            finding.fix(fix);
        }
        if let Some((span, why)) = &flaw.also {
            finding.also(*span, why);
        }
        finding.edits.extend(flaw.edit.clone());
        let of_reader = FIELD_REASONS.iter().find(|(reader, _)| flaw.reader == Some(reader));
        finding.reason = of_reader.map(|(_, reason)| reason);
    }
}

/// What becomes of a field that doesn't exist, by the program that reads the document, where it is
/// another than kubeadm.
const FIELD_REASONS: &[(&str, Reason)] = &[
    (
        "kubelet",
        Reason {
            why: "A misspelled field has no effect: the kubelet says so in its log and starts \
                  without it, with the default in its place.",
            enforced_by: &[EnforcedBy::Symptom("the default applies")],
            sources: &["https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"],
        },
    ),
    (
        "kube-proxy",
        Reason {
            why: "A misspelled field has no effect: kube-proxy says so in its log and starts \
                  without it, with the default in its place.",
            enforced_by: &[EnforcedBy::Symptom("the default applies")],
            sources: &[
                "https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/",
            ],
        },
    ),
    (
        "kind",
        Reason {
            why: "kind reads its configuration strictly, and creates no cluster of a document with \
                  a field that it doesn't know.",
            enforced_by: &[EnforcedBy::Refused { by: "kind", how: "rejects the document" }],
            sources: &["https://kind.sigs.k8s.io/docs/user/configuration/"],
        },
    ),
    (
        "kube-apiserver",
        Reason {
            why: "A misspelled field is not stored: the API server rejects the object where the \
                  client asks for strict validation, as kubectl does, and drops the field \
                  otherwise.",
            enforced_by: &[EnforcedBy::Refused {
                by: "kube-apiserver",
                how: "rejects it under strict field validation, which kubectl asks for",
            }],
            sources: &[
                "https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation",
            ],
        },
    ),
    (
        "Cluster API",
        Reason {
            why: "A misspelled field is not in Cluster API's CRD: the API server rejects the object \
                  where the client asks for strict validation, as kubectl does, and drops the field \
                  otherwise; kubeadm never sees it.",
            enforced_by: &[EnforcedBy::Refused {
                by: "kube-apiserver",
                how: "rejects it under strict field validation, which kubectl asks for",
            }],
            sources: &[
                "https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation",
            ],
        },
    ),
    (
        "k0s",
        Reason {
            why: "k0s reads its configuration strictly, and does not start with a field that it \
                  doesn't know.",
            enforced_by: &[EnforcedBy::Refused { by: "k0s", how: "rejects the configuration" }],
            sources: &[
                "https://github.com/k0sproject/k0s/blob/main/pkg/apis/k0s/v1beta1/clusterconfig_types.go",
            ],
        },
    ),
    (
        "Talos",
        Reason {
            why: "Talos reads its configuration strictly, and refuses a document with a key that it \
                  doesn't know (\"unknown keys found during decoding\").",
            enforced_by: &[EnforcedBy::Refused { by: "Talos", how: "refuses the configuration" }],
            sources: &[
                "https://github.com/siderolabs/talos/tree/main/pkg/machinery/config/configloader/internal/decoder",
            ],
        },
    ),
];

const GOOD: &[Example] = &[Example::new(cluster!(
    "podSubnet: \"10.244.0.0/16,fd00:10:244::/56\"",
    "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
))];

pub(super) const SYNTAX: Rule = Rule {
    code: "DS001",
    name: "syntax",
    area: Area::File,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The text is not valid YAML or JSON.",
    why: "No component can read a document with a syntax error. The error is reported where it \
          began, for example at the opening of an unclosed quote, and the rest of the document is \
          still linted as far as possible.",
    fix: "Fix the syntax; an editor with YAML support shows further errors.",
    sources: &["https://yaml.org/spec/1.2.2/"],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "reading its configuration",
        text: "yaml: ",
    }],
    good: GOOD,
    bad: &[
        Example::new(cluster!(
            "podSubnet: \"10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: \"10.96.0.0/16,fd00:10:96::/112\""
        )),
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
\tpodSubnet: 10.244.0.0/16
",
        ),
    ],
    check: Check::Model(|model, out| {
        flaws(model, out, FlawKind::Syntax);
        flaws(model, out, FlawKind::Template);
    }),
};

pub(super) const DUPLICATE_KEY: Rule = Rule {
    code: "DS002",
    name: "duplicate-key",
    area: Area::File,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A key appears twice in one mapping.",
    why: "Strict parsers reject the document; lenient ones silently keep one of the two values, \
          and not all keep the same one.",
    fix: "Keep one of the two.",
    sources: &["https://yaml.org/spec/1.2.2/#nodes"],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "config validate",
        text: "already set in map",
    }],
    good: GOOD,
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16",
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::DuplicateKey)),
};

pub(super) const UNKNOWN_FIELD: Rule = Rule {
    code: "DS003",
    name: "unknown-field",
    area: Area::File,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A field doesn't exist, or is in the wrong place.",
    why: "A misspelled field has no effect: kubeadm init ignores it, and the default applies. Other \
          programs refuse the whole document.",
    fix: "Use the field name from the type's reference documentation.",
    sources: &[
        "https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/",
        "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/",
    ],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "config validate",
        text: "unknown field",
    }],
    good: GOOD,
    bad: &[Example::new(cluster!(
        "podSubnets: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::UnknownField)),
};

pub(super) const WRONG_TYPE: Rule = Rule {
    code: "DS004",
    name: "wrong-type",
    area: Area::File,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A value has the wrong type for its field.",
    why: "Flag values are strings even if they contain numbers: an unquoted 24 is rejected.",
    fix: "Quote numbers and booleans where a string is expected; write lists as lists.",
    sources: &["https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/"],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "reading its configuration",
        text: "cannot unmarshal",
    }],
    good: GOOD,
    bad: &[Example::new(
        "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controllerManager:
  extraArgs:
    - name: node-cidr-mask-size-ipv4
      value: 24
",
    )],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::WrongType)),
};

pub(super) const TOO_MUCH: Rule = Rule {
    code: "DS005",
    name: "too-much",
    area: Area::File,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A document is nested too deeply, or its aliases expand to too much.",
    why: "No Kubernetes configuration comes near these limits; they keep a broken or hostile file \
          from using up all memory.",
    fix: "Write the document without aliases, or check where it came from.",
    sources: &["https://yaml.org/spec/1.2.2/#71-alias-nodes"],
    enforced_by: &[EnforcedBy::Nothing],
    good: GOOD,
    bad: &[Example::new(proxy!("nodePortAddresses: &list", "  - *list"))],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::TooMuch)),
};

pub(super) const UNREADABLE: Rule = Rule {
    code: "DS006",
    name: "unreadable",
    area: Area::File,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A file can't be read, is too large, or is not text.",
    why: "A file that can't be read can't be checked, and silence would look like a pass.",
    fix: "Name files with Kubernetes configuration, encoded in UTF-8.",
    sources: &["https://yaml.org/spec/1.2.2/#52-character-encodings"],
    enforced_by: &[EnforcedBy::Nothing],
    good: GOOD,
    bad: &[Example::new("apiVersion: v1\nkind: \0\n")],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::Unreadable)),
};

pub(super) const EMPTY: Rule = Rule {
    code: "DS007",
    name: "empty",
    area: Area::File,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A file contains no document.",
    why: "Most likely another file was meant, or the step that generates this one failed.",
    fix: "Name another file, or add the configuration to this one.",
    sources: &["https://yaml.org/spec/1.2.2/#91-documents"],
    enforced_by: &[EnforcedBy::Nothing],
    good: GOOD,
    bad: &[Example::new(""), Example::new("# nothing but a comment\n---\n")],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::Empty)),
};

pub(super) const UNREAD: Rule = Rule {
    code: "DS009",
    name: "document-unread",
    area: Area::File,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A file has a document that its program does not read.",
    why: "k3s and RKE2 read the first document of config.yaml and of each drop-in, and leave what \
          follows without a word.",
    fix: "Put its keys into the first document, or into a file of their own in config.yaml.d.",
    sources: &["https://docs.k3s.io/installation/configuration#configuration-file"],
    enforced_by: &[EnforcedBy::Symptom("the settings have no effect")],
    good: &[Example::new(
        "cluster-cidr: 10.42.0.0/16,fd00:42::/56\nservice-cidr: 10.43.0.0/16,fd00:43::/112\n",
    )],
    bad: &[Example::new(
        "node-ip: 192.168.0.11,fd00:192::11\n---\nservice-cidr: \
         10.43.0.0/16,fd00:43::/112\ncluster-cidr: 10.42.0.0/16,fd00:42::/56\n",
    )],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::Unread)),
};

pub(super) const ALLOW_COMMENT: Rule = Rule {
    code: "DS008",
    name: "allow-comment",
    area: Area::File,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A `# dualstack: allow` comment names no rule, gives no reason, or allows nothing.",
    why: "An exception without a reason can't be reviewed later, and an unused one hides the next \
          mistake.",
    fix: "Write `# dualstack: allow CODE reason` on the line of the finding or on the line above \
          it, and remove it when the finding is gone.",
    sources: &["https://kubernetes.io/docs/concepts/services-networking/dual-stack/"],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[Example::new(cluster!(
        "# dualstack: allow DS110 the lab uses the documentation range on purpose",
        "podSubnet: 10.244.0.0/16,2001:db8:42::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    bad: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16 # dualstack: allow DS110 the lab uses the documentation range"
        )),
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,2001:db8:42::/56 # dualstack: allow DS110",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ))
        .also(&["DS110"]),
    ],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::AllowComment)),
};
