//! What a check is to those who read reports and to other projects.

/// What a check is called in reports, which part of a conformance report it belongs to, and which of
/// Kubernetes' own tests it asserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// What it is about, in a few words; its id serves where there are none.
    pub title: Option<&'static str>,
    /// Its part of a conformance report.
    pub level: Level,
    /// The tests in [`super::UPSTREAM`] that it asserts, in both families and on every node.
    pub upstream: &'static [&'static str],
}

/// A part of a conformance report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What every dual-stack cluster must do.
    Core,
    /// An extended feature that is named after the check's id.
    Extended,
    /// An extended feature of this name; checks may share one.
    Feature(&'static str),
    /// None: it is about what the operator named, Services or a limit, which says nothing of what others
    /// have of the network.
    Own,
}

impl About {
    /// A check that is an extended feature by itself.
    pub(super) const EXTENDED: Self = Self { title: None, level: Level::Extended, upstream: &[] };

    /// A check of the core.
    pub(super) const fn core() -> Self {
        Self { title: None, level: Level::Core, upstream: &[] }
    }

    /// A check that shows an extended feature.
    pub(super) const fn feature(name: &'static str) -> Self {
        Self { title: None, level: Level::Feature(name), upstream: &[] }
    }

    /// A check of what the operator named.
    pub(super) const fn own() -> Self {
        Self { title: None, level: Level::Own, upstream: &[] }
    }

    /// The same with a title.
    pub(super) const fn titled(self, title: &'static str) -> Self {
        Self { title: Some(title), ..self }
    }

    /// The same with tests of Kubernetes' own that it asserts.
    pub(super) const fn asserts(self, upstream: &'static [&'static str]) -> Self {
        Self { upstream, ..self }
    }
}
