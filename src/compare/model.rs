//! What a comparison finds.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cause::{Cause, Judged},
    check::{Status, Subject},
    exit::Exit,
    facts::Server,
    net::IpFamily,
    record::Record,
};

/// Everything that changed from one run to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Comparison {
    /// The earlier run.
    pub old: Side,
    /// The later run.
    pub new: Side,
    /// The causes that came and went.
    pub causes: Causes,
    /// The cases that fail now and didn't before, whatever they were.
    pub regressions: Vec<Change>,
    /// The cases that failed and pass now.
    pub fixed: Vec<Change>,
    /// The cases that could be told before, or weren't there, and can't be told now.
    pub inconclusive: Vec<Change>,
    /// The cases that were tried before and have nothing to try now.
    pub skipped: Vec<Change>,
    /// The cases that are no longer there.
    pub gone: Vec<RemovedCase>,
    /// The cases that failed in both runs.
    pub still_failing: Vec<Change>,
    /// The cases that could be told in neither run.
    pub still_inconclusive: Vec<Change>,
    /// How many cases pass or are skipped now that weren't there or couldn't be told before.
    pub appeared: usize,
    /// How many cases pass or are skipped in both runs.
    pub unchanged: usize,
    /// The paths that take notably longer.
    pub slower: Vec<TimeChange>,
    /// The paths that take notably less time.
    pub faster: Vec<TimeChange>,
    /// The facts of the cluster and of the run that changed.
    pub facts: Vec<FactChange>,
}

impl Comparison {
    /// How a process should end that reports it: failed where something fails that didn't before;
    /// inconclusive where something that was tested is no longer, or can't be told any more.
    pub(crate) fn exit(&self) -> Exit {
        if !self.regressions.is_empty() {
            Exit::Failed
        } else if !self.inconclusive.is_empty()
            || !self.skipped.is_empty()
            || self.new.broken_off.is_some()
            || self.gone.iter().any(|gone| gone.because.leaves_a_gap())
        {
            Exit::Inconclusive
        } else {
            Exit::Passed
        }
    }
}

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Side {
    /// The run's id.
    pub run: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Its suite.
    pub suite: String,
    /// The API server.
    pub server: Server,
    /// The version of `dualstack` that ran it.
    pub dualstack: String,
    /// Why it broke off, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<String>,
}

impl Side {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            run: record.started.run.clone(),
            started_at: record.started_at,
            suite: record.suite.name.clone(),
            server: record.facts.server.clone(),
            dualstack: record.dualstack.clone(),
            broken_off: record.broken_off.as_ref().map(|broken_off| broken_off.error.clone()),
        }
    }
}

/// The causes that came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Causes {
    /// Those that the later run alone names.
    pub came: Vec<CauseChange>,
    /// Those that the earlier run alone names.
    pub went: Vec<CauseChange>,
    /// Those that both name, in the later one's words.
    pub stayed: Vec<CauseChange>,
}

/// A cause that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CauseChange {
    /// The rule that found it.
    pub id: String,
    /// What is or was broken.
    pub what: String,
    /// How many cases it explains.
    pub explains: usize,
}

impl CauseChange {
    pub(super) fn of(cause: &Cause) -> Self {
        Self { id: cause.id.clone(), what: cause.what.clone(), explains: cause.explains.len() }
    }
}

/// What the causes of a run say, by the names of the cases that they explain.
pub(super) struct Explained<'a>(HashMap<&'a str, &'a str>);

impl<'a> Explained<'a> {
    pub(super) fn by(record: &'a Record) -> Self {
        let mut what = HashMap::new();
        for cause in &record.causes {
            for name in &cause.explains {
                what.entry(name.as_str()).or_insert(cause.what.as_str());
            }
        }
        Self(what)
    }
}

/// A case whose verdict changed, or which is as bad as before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The whole name of the case, in the run in which it was red or couldn't be told. Not `name`, which
    /// is what some subjects have.
    pub case: String,
    /// The check's id.
    pub check: String,
    /// The family; `None` where both are judged at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<IpFamily>,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// What it was; `None` where it wasn't there.
    pub before: Option<Status>,
    /// What it is.
    pub now: Status,
    /// What was seen, in the run that `case` is of.
    pub detail: String,
    /// The cause that the same run names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Change {
    /// A change, in the words of the run from which `shown` is.
    pub(super) fn of(
        shown: &Judged,
        before: Option<Status>,
        now: &Judged,
        by: &Explained<'_>,
    ) -> Self {
        let name = shown.case.name();
        Self {
            check: shown.case.check.clone(),
            family: shown.case.family,
            subject: shown.case.subject.clone(),
            before,
            now: now.verdict.status(),
            detail: shown.verdict.detail().to_owned(),
            cause: by.0.get(name.as_str()).map(|&what| what.to_owned()),
            case: name,
        }
    }
}

/// A case that is no longer there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RemovedCase {
    /// Its whole name.
    pub case: String,
    /// The check's id.
    pub check: String,
    /// The family; `None` where both were judged at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<IpFamily>,
    /// What it was about.
    #[serde(flatten)]
    pub subject: Subject,
    /// What it was.
    pub before: Status,
    /// Why it is gone.
    pub because: RemovalReason,
}

impl RemovedCase {
    pub(super) fn of(judged: &Judged, because: RemovalReason) -> Self {
        Self {
            case: judged.case.name(),
            check: judged.case.check.clone(),
            family: judged.case.family,
            subject: judged.case.subject.clone(),
            before: judged.verdict.status(),
            because,
        }
    }
}

/// Why a case is no longer there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub(crate) enum RemovalReason {
    /// Its check is not in the later run's suite.
    CheckNotRun,
    /// A node is in the cluster, and takes no part in the later run.
    NodeNotTested {
        /// The node.
        node: String,
    },
    /// Nothing in the record says why.
    Unknown,
    /// A node is no longer in the cluster.
    NodeLeft {
        /// The node.
        node: String,
    },
    /// A pod of the cluster's own is no longer there.
    PodLeft,
}

impl RemovalReason {
    /// Whether something is still there and is no longer tested.
    pub(crate) const fn leaves_a_gap(&self) -> bool {
        matches!(self, Self::CheckNotRun | Self::NodeNotTested { .. } | Self::Unknown)
    }
}

/// A path whose time changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TimeChange {
    /// The whole name of the case.
    pub case: String,
    /// The check's id.
    pub check: String,
    /// The family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<IpFamily>,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// How long it took, in milliseconds.
    pub before_ms: u32,
    /// How long it takes, in milliseconds.
    pub now_ms: u32,
}

/// A fact that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FactChange {
    /// Which one (`Kubernetes`, `CNI`, `node n4`).
    pub what: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub now: String,
}
