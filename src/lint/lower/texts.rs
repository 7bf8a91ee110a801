//! Files that are no YAML: kernel settings, and CoreDNS' Corefile.

use crate::lint::{
    model::{Model, Sysctl},
    source::{Source, SourceId, Sources, Span, Spanned},
    tree::{Block, Budget, Node, Scalar, ScalarKind, Value},
};

use super::Lower;

/// Adds the kernel settings of a file in the form of sysctl.conf(5).
pub(in crate::lint) fn sysctl_file(source: &Source, id: SourceId, model: &mut Model) {
    for line in 0..source.line_count() {
        let range = source.line_range(line);
        let text = source.line(line);
        let Some(sysctl) = sysctl_line(text) else { continue };
        let span =
            Span { source: id, start: range.start, end: range.start + text.trim_end().len() };
        model.sysctls.push(Spanned::new(sysctl, span));
    }
}

/// A line of sysctl.conf(5).
pub(super) fn sysctl_line(text: &str) -> Option<Sysctl> {
    if text.trim_start().starts_with(['#', ';']) {
        return None;
    }
    let (name, value) = text.split_once('=')?;
    let name = name.trim().trim_start_matches('-').replace('/', ".");
    Some(Sysctl { name, value: Some(value.trim().to_owned()) })
}

/// The whole text of a file as one value.
pub(super) fn whole(sources: &Sources, id: SourceId) -> Node {
    let text = sources.get(id).text.clone();
    let span = Span { source: id, start: 0, end: text.len() };
    let block = Some(Block { first_line: 0, indent: 0 });
    let scalar = Scalar { text, kind: ScalarKind::String, block };
    Node { span, value: Value::Scalar(scalar) }
}

/// Adds what a Corefile says.
pub(in crate::lint) fn corefile(
    id: SourceId,
    sources: &mut Sources,
    budget: &Budget,
    model: &mut Model,
) {
    let node = whole(sources, id);
    let mut lower = Lower::new(sources, budget, model);
    lower.corefile(&node, false);
}
