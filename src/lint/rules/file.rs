//! Mistakes in the texts themselves. They are found while reading; these rules give them their
//! codes, so that they are listed, explained, allowed and denied as all others.

use crate::lint::{model::Model, tree::FlawKind};

use super::{
    Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule,
    documents::{cluster, proxy},
};

fn flaws(model: &Model, out: &mut Findings, kind: FlawKind) {
    for flaw in model.flaws.iter().filter(|flaw| flaw.kind == kind) {
        let finding = out.at(flaw.span, &flaw.message);
        if let Some(help) = &flaw.help {
            finding.help(help);
        }
        if let Some((span, why)) = &flaw.also {
            finding.also(*span, why);
        }
    }
}

const GOOD: &[Example] = &[Example::new(cluster!("podSubnet: \"10.244.0.0/16,fd00:10:244::/56\""))];

pub(super) const SYNTAX: Rule = Rule {
    code: "DS001",
    name: "syntax",
    area: Area::File,
    level: Level::Error,
    summary: "The text is not valid YAML or JSON.",
    reason: "Nothing reads a document with a syntax error. The error is reported where it began, \
             such as at the opening of a quote that is never closed, and the rest of the document \
             is linted as far as it can be.",
    fix: "Fix the line; an editor that knows YAML shows the rest.",
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
    check: Check::Model(|model, out| flaws(model, out, FlawKind::Syntax)),
};

pub(super) const DUPLICATE_KEY: Rule = Rule {
    code: "DS002",
    name: "duplicate-key",
    area: Area::File,
    level: Level::Error,
    summary: "A key stands twice in one mapping.",
    reason: "Strict readers refuse the document; lenient ones take one of the two values without \
             a word, and not all take the same one.",
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
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56"
    ))],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::DuplicateKey)),
};

pub(super) const UNKNOWN_FIELD: Rule = Rule {
    code: "DS003",
    name: "unknown-field",
    area: Area::File,
    level: Level::Error,
    summary: "A field does not exist, or stands in the wrong place.",
    reason: "A misspelt field is as good as none: kubeadm init and the kubelet go on without it, \
             and the default takes its place.",
    fix: "Write the field as the type's reference has it.",
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
    bad: &[Example::new(cluster!("podSubnets: 10.244.0.0/16,fd00:10:244::/56"))],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::UnknownField)),
};

pub(super) const WRONG_TYPE: Rule = Rule {
    code: "DS004",
    name: "wrong-type",
    area: Area::File,
    level: Level::Error,
    summary: "A value is of another type than its field.",
    reason: "Flags' values are strings even where they hold numbers: an unquoted 24 is refused.",
    fix: "Quote numbers and booleans where a string is wanted; write lists as lists.",
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
    summary: "A document is nested too deeply, or its aliases expand to too much.",
    reason: "Nothing that Kubernetes reads comes near these bounds; they keep a broken or hostile \
             file from taking all memory.",
    fix: "Write the document without aliases, or look at where it came from.",
    sources: &["https://yaml.org/spec/1.2.2/#71-alias-nodes"],
    enforced_by: &[EnforcedBy::Nobody],
    good: GOOD,
    bad: &[Example::new(proxy!("nodePortAddresses: &list", "  - *list"))],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::TooMuch)),
};

pub(super) const UNREADABLE: Rule = Rule {
    code: "DS006",
    name: "unreadable",
    area: Area::File,
    level: Level::Error,
    summary: "A file can't be read, is too large, or is not text.",
    reason: "What can't be read can't be checked, and silence would look like a pass.",
    fix: "Name files that hold Kubernetes' configuration, in UTF-8.",
    sources: &["https://yaml.org/spec/1.2.2/#52-character-encodings"],
    enforced_by: &[EnforcedBy::Nobody],
    good: GOOD,
    bad: &[Example::new("apiVersion: v1\nkind: \0\n")],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::Unreadable)),
};

pub(super) const EMPTY: Rule = Rule {
    code: "DS007",
    name: "empty",
    area: Area::File,
    level: Level::Warning,
    summary: "A file holds no document.",
    reason: "Most likely another file was meant, or a step that should have filled it failed.",
    fix: "Name another file, or fill this one.",
    sources: &["https://yaml.org/spec/1.2.2/#91-documents"],
    enforced_by: &[EnforcedBy::Nobody],
    good: GOOD,
    bad: &[Example::new(""), Example::new("# nothing but a comment\n---\n")],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::Empty)),
};

pub(super) const ALLOW_COMMENT: Rule = Rule {
    code: "DS008",
    name: "allow-comment",
    area: Area::File,
    level: Level::Warning,
    summary: "A `# dualstack: allow` comment names no rule, gives no reason, or allows nothing.",
    reason: "An exception without a reason can't be judged later, and one that has outlived its \
             cause hides the next mistake.",
    fix: "Write `# dualstack: allow CODE reason` on the line of the finding or on the line above \
          it, and take it out when the finding is gone.",
    sources: &["https://kubernetes.io/docs/concepts/services-networking/dual-stack/"],
    enforced_by: &[EnforcedBy::Nobody],
    good: &[Example::new(cluster!(
        "# dualstack: allow DS110 the lab uses the documentation range on purpose",
        "podSubnet: 10.244.0.0/16,2001:db8:42::/56"
    ))],
    bad: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16 # dualstack: allow DS110 the lab uses the documentation range"
        )),
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,2001:db8:42::/56 # dualstack: allow DS110"
        ))
        .also(&["DS110"]),
    ],
    check: Check::Model(|model, out| flaws(model, out, FlawKind::AllowComment)),
};
