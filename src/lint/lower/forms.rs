//! Flags written in the other form of kubeadm's: the edits that bring them into it.

use crate::lint::{
    model::Arg,
    source::{Edit, Source, Span},
};

/// From `name: value` to a list of `name` and `value`, if each flag is on a line of its own, or all
/// stand between braces.
pub(super) fn to_list(source: &Source, whole: Span, flags: &[Arg]) -> Vec<Edit> {
    if source.text.get(whole.start..).is_some_and(|text| text.starts_with('{')) {
        return braces_to_list(source, whole, flags);
    }
    rewrite(flags, |flag| {
        let indent = blank_before(source, flag.name.span.start)?;
        let between = between(source, flag)?;
        let plain = between.old.strip_prefix(':').is_some_and(|rest| rest.trim().is_empty());
        let new = format!("\n{indent}  value: ");
        let lead = Span { end: flag.name.span.start, ..flag.name.span };
        (plain && !between.old.contains('\n'))
            .then(|| [Edit::new(lead, "", "- name: "), Edit { new, ..between }])
    })
}

/// From `{name: value}` to `[{name: name, value: value}]`.
fn braces_to_list(source: &Source, whole: Span, flags: &[Arg]) -> Vec<Edit> {
    let at = |place: usize| Span { start: place, end: place, ..whole };
    let edits = rewrite(flags, |flag| {
        let between = between(source, flag)?;
        let plain = between.old.strip_prefix(':').is_some_and(|rest| rest.trim().is_empty());
        let new = ", value: ".to_owned();
        let lead = Edit::new(at(flag.name.span.start), "", "{name: ");
        plain.then_some([lead, Edit { new, ..between }])
    });
    // Where the last flag is not the last entry, something else stands between the braces.
    let last = flags.last().map_or(whole.start, |flag| flag.value.span.end);
    let rest = source.text.get(last..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    if edits.is_empty() || !rest.trim_start().starts_with('}') {
        return Vec::new();
    }
    let ends = flags.iter().map(|flag| Edit::new(at(flag.value.span.end), "", "}"));
    let open = Edit::new(Span { end: whole.start + 1, ..whole }, "{", "[");
    let close = Span { start: last + blanks, end: last + blanks + 1, ..whole };
    let close = Edit::new(close, "}", "]");
    edits.into_iter().chain(ends).chain([open, close]).collect()
}

/// From a list of `name` and `value` to `name: value`, if each item is written on two lines.
pub(super) fn to_map(source: &Source, flags: &[Arg]) -> Vec<Edit> {
    rewrite(flags, |flag| {
        let start = flag.name.span.start;
        let line = source.line_range(source.line_of(start)).start;
        let before = source.text.get(line..start)?;
        let dash = before.find('-')?;
        let plain = before[..dash].trim().is_empty();
        let words: Vec<&str> = before[dash..].split_whitespace().collect();
        let between = between(source, flag)?;
        let lead = Span { start: line + dash, end: start, ..flag.name.span };
        let ours = plain && words == ["-", "name:"] && between.old.trim() == "value:";
        ours.then(|| {
            let new = ": ".to_owned();
            [Edit::new(lead, &before[dash..], ""), Edit { new, ..between }]
        })
    })
}

/// The edits of all flags, or none at all.
fn rewrite(flags: &[Arg], one: impl Fn(&Arg) -> Option<[Edit; 2]>) -> Vec<Edit> {
    let edits: Option<Vec<[Edit; 2]>> = flags.iter().map(one).collect();
    edits.into_iter().flatten().flatten().collect()
}

/// What stands between a flag's name and its value.
fn between(source: &Source, flag: &Arg) -> Option<Edit> {
    let span = Span { start: flag.name.span.end, end: flag.value.span.start, ..flag.name.span };
    let old = source.text.get(span.start..span.end)?;
    Some(Edit::new(span, old, ""))
}

/// The white space before a position, if nothing else is on its line before it.
fn blank_before(source: &Source, at: usize) -> Option<&str> {
    let line = source.line_range(source.line_of(at)).start;
    source.text.get(line..at).filter(|text| text.trim().is_empty())
}
