//! What a rule is, and what it finds.

use crate::lint::{
    model::{Asked, Model, Versions},
    source::{Edit, Span, Spanned},
};

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; nothing is broken by it.
    Note,
    /// Works, but not as it reads, or breaks under circumstances that the documents don't show.
    Warning,
    /// Does not work: something refuses it, or traffic is lost.
    Error,
}

impl Level {
    /// The word before a finding.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a group of rules is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    /// The texts themselves.
    File,
    /// Pod and Service ranges.
    Ranges,
    /// Nodes and their addresses.
    Nodes,
    /// Flags and configuration files of the components, and kind's.
    Components,
    /// Versions of Kubernetes and of kubeadm's API.
    Versions,
    /// Services.
    Services,
    /// Calico.
    Calico,
    /// Other network plugins.
    Plugins,
    /// Tools that install clusters.
    Installers,
    /// Network policies.
    Policies,
    /// Load balancers, their pools, and webhooks.
    Balancers,
    /// DNS.
    Dns,
    /// Service meshes.
    Meshes,
    /// The nodes' kernels.
    Host,
    /// How many nodes, Pods and Services fit.
    Capacity,
    /// Differences between files and the live cluster.
    Drift,
}

impl Area {
    /// The heading of the group.
    pub const fn title(self) -> &'static str {
        match self {
            Self::File => "Files",
            Self::Ranges => "Ranges",
            Self::Nodes => "Nodes",
            Self::Components => "Components",
            Self::Versions => "Versions",
            Self::Services => "Services",
            Self::Calico => "Calico",
            Self::Plugins => "Other network plugins",
            Self::Installers => "Installers",
            Self::Policies => "Network policies",
            Self::Balancers => "Load balancers",
            Self::Dns => "DNS",
            Self::Meshes => "Service meshes",
            Self::Host => "Kernel settings",
            Self::Capacity => "Capacity",
            Self::Drift => "Drift",
        }
    }
}

/// A program of Kubernetes that reads what the rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// kubeadm.
    Kubeadm,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// The kubelet.
    Kubelet,
    /// kube-proxy.
    Proxy,
    /// kind.
    Kind,
}

impl Binary {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Kubeadm,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Kubelet,
        Self::Proxy,
        Self::Kind,
    ];

    /// Its name on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kubeadm => "kubeadm",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Kubelet => "kubelet",
            Self::Proxy => "kube-proxy",
            Self::Kind => "kind",
        }
    }
}

/// What the real components do about the bad example of a rule, in the current version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnforcedBy {
    /// A program refuses it.
    Rejects {
        /// Which program.
        binary: Binary,
        /// When: reading its configuration, starting, admitting an object.
        phase: &'static str,
        /// A part of what it says.
        text: &'static str,
    },
    /// A program goes on, but says so.
    Warns {
        /// Which program.
        binary: Binary,
        /// A part of what it says.
        text: &'static str,
    },
    /// A program refuses it that this project's own tests don't run, or not in that version.
    Refused {
        /// Which program.
        by: &'static str,
        /// What it does, in words that follow its name.
        how: &'static str,
    },
    /// Nothing is said, and something fails later.
    Symptom(&'static str),
    /// Nothing is said, and nothing has to fail.
    Nothing,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its code, `DS` and three digits; never used again for another rule.
    pub code: &'static str,
    /// A short name in words.
    pub name: &'static str,
    /// What group it belongs to.
    pub area: Area,
    /// How severe its findings are, unless one says otherwise of itself.
    pub level: Level,
    /// The versions of Kubernetes that it holds for; it is not applied to others.
    pub versions: Versions,
    /// What it finds, in a sentence.
    pub summary: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// How to fix it.
    pub fix: &'static str,
    /// Where it is written: Kubernetes' documentation, a KEP, an RFC.
    pub sources: &'static [&'static str],
    /// What the real components do about it.
    pub enforced_by: &'static [EnforcedBy],
    /// Minimal configurations in which nothing is found, by any rule.
    pub good: &'static [Example],
    /// Minimal configurations in which this is found.
    pub bad: &'static [Example],
    /// The rule itself.
    pub check: Check,
}

/// How a rule looks.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// At one cluster's documents.
    Model(fn(&Model, &mut Findings)),
    /// At the files on one hand and the live cluster on the other.
    Drift(fn(&Model, &Model, &mut Findings)),
}

/// A configuration that shows a rule.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The documents.
    pub text: &'static str,
    /// For drift: the documents of the live cluster.
    pub live: Option<&'static str>,
    /// What the user says about the cluster.
    pub asked: Asked,
    /// The codes that it yields besides the rule's own, where one mistake is seen from two sides.
    pub also: &'static [&'static str],
}

impl Example {
    /// An example that needs nothing but its documents.
    pub const fn new(text: &'static str) -> Self {
        Self { text, live: None, asked: Asked::NOTHING, also: &[] }
    }

    /// The same with other codes that it yields as well.
    #[must_use]
    pub const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    /// The same with what the user says.
    #[must_use]
    pub const fn asked(self, asked: Asked) -> Self {
        Self { asked, ..self }
    }

    /// The same with a live cluster beside it.
    #[must_use]
    pub const fn live(self, live: &'static str) -> Self {
        Self { live: Some(live), ..self }
    }
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// How severe it is.
    pub level: Level,
    /// What is wrong here, in a sentence without a full stop.
    pub message: String,
    /// The place to look at first.
    pub span: Span,
    /// Other places that belong to it, and what each has to do with it.
    pub also: Vec<(Span, String)>,
    /// How to fix this very case; the rule's own advice where this is missing.
    pub fix: Option<String>,
    /// The changes that fix it, where there is one right answer.
    pub edits: Vec<Edit>,
    /// Why this very case matters, where that depends on who reads the document.
    pub reason: Option<&'static Reason>,
}

/// Why a finding matters, in place of what its rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Why it matters.
    pub why: &'static str,
    /// What the program that reads the document does about it.
    pub enforced_by: &'static [EnforcedBy],
    /// Where that is written.
    pub sources: &'static [&'static str],
}

/// Collects the findings of one rule after the other.
#[derive(Debug)]
pub struct Findings {
    rule: &'static Rule,
    all: Vec<Finding>,
}

impl Findings {
    /// None so far of this rule.
    pub(super) const fn of(rule: &'static Rule) -> Self {
        Self { rule, all: Vec::new() }
    }

    /// All that were added, in order.
    pub(super) fn into_all(self) -> Vec<Finding> {
        self.all
    }

    /// All that were added, to say more about them.
    pub(super) fn all_mut(&mut self) -> &mut [Finding] {
        &mut self.all
    }

    /// Adds a finding at a place; what it returns can say more about it.
    pub fn at(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        self.all.push(Finding {
            code: self.rule.code,
            level: self.rule.level,
            message: message.into(),
            span,
            also: Vec::new(),
            fix: None,
            edits: Vec::new(),
            reason: None,
        });
        let last = self.all.len() - 1;
        &mut self.all[last]
    }
}

impl Finding {
    /// Adds another place.
    pub fn also(&mut self, span: Span, why: impl Into<String>) -> &mut Self {
        self.also.push((span, why.into()));
        self
    }

    /// Says how to fix this very case.
    pub fn fix(&mut self, fix: impl Into<String>) -> &mut Self {
        self.fix = Some(fix.into());
        self
    }

    /// Says what a text must become, where there is one right answer.
    pub fn edit(&mut self, text: &Spanned<String>, new: impl Into<String>) -> &mut Self {
        self.edits.push(Edit::new(text.span, text.value.as_str(), new));
        self
    }

    /// Says why it matters and who enforces it.
    pub(in crate::lint) const fn reason(&self, rule: &Rule) -> Reason {
        match self.reason {
            Some(reason) => *reason,
            None => {
                let Rule { why, enforced_by, sources, .. } = *rule;
                Reason { why, enforced_by, sources }
            }
        }
    }

    /// Gives it another level than its rule has.
    pub fn level(&mut self, level: Level) -> &mut Self {
        self.level = level;
        self
    }
}
