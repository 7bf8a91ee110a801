//! Comments that allow a finding at one place: `# dualstack: allow CODE[,CODE…] reason`.

use super::{
    rules::{self, Finding},
    source::{Edit, Source, SourceId, Sources, Span},
    tree::{Flaw, FlawKind},
};

const MARK: &str = "dualstack: allow";

/// One such comment.
#[derive(Debug)]
struct Comment {
    span: Span,
    /// The line (from 0) that it is about.
    line: usize,
    codes: Vec<&'static str>,
    /// The change that removes it.
    removal: Edit,
    used: bool,
}

/// All comments of the sources, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    comments: Vec<Comment>,
    flaws: Vec<Flaw>,
}

impl Allowed {
    /// Reads the comments of a source.
    pub(super) fn read(&mut self, source: &Source, id: SourceId) {
        if !source.text.contains(MARK) {
            return;
        }
        for line in 0..source.line_count() {
            let text = source.line(line);
            let Some((hash, rest)) = comment(text) else { continue };
            let range = source.line_range(line);
            let span = Span { source: id, start: range.start + hash, end: range.end };
            self.one(source, span, line, text[..hash].trim().is_empty(), rest);
        }
    }

    fn one(&mut self, source: &Source, span: Span, line: usize, alone: bool, rest: &str) {
        let (codes, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let mut flaw = |message: String| {
            self.flaws.push(Flaw::new(FlawKind::AllowComment, span, message));
        };
        if codes.is_empty() {
            flaw("this comment names no rule".into());
            return;
        }
        let mut known = Vec::new();
        for code in codes.split(',') {
            match rules::by_code(code) {
                Some(rule) => known.push(rule.code),
                None => {
                    flaw(format!("unknown rule {code}"));
                    return;
                }
            }
        }
        if reason.trim().is_empty() {
            flaw(format!("this comment gives no reason for allowing {codes}, so it is ignored"));
            return;
        }
        // A comment on a line of its own is about the next line that has anything else.
        let below = || {
            (line + 1..source.line_count()).find(|&line| {
                let text = source.line(line).trim();
                !text.is_empty() && !text.starts_with('#')
            })
        };
        let line = if alone { below().unwrap_or(line) } else { line };
        let removal = removal(source, span);
        self.comments.push(Comment { span, line, codes: known, removal, used: false });
    }

    /// Whether a comment allows the finding at its place, or at one that belongs to it.
    pub(super) fn allows(&mut self, finding: &Finding, sources: &Sources) -> bool {
        let spans = || finding.also.iter().map(|(span, _)| *span).chain([finding.span]);
        let mut allowed = false;
        for comment in &mut self.comments {
            let here = |span: Span| {
                span.source == comment.span.source
                    && sources.get(span.source).line_of(span.start) == comment.line
            };
            if comment.codes.contains(&finding.code) && spans().any(here) {
                comment.used = true;
                allowed = true;
            }
        }
        allowed
    }

    /// What is wrong with the comments, once all findings have been compared with them.
    pub(super) fn flaws(self) -> Vec<Flaw> {
        let unused = self.comments.into_iter().filter(|comment| !comment.used).map(|comment| {
            let codes = comment.codes.join(",");
            let message = format!("unused comment: {codes} is not found here");
            let flaw = Flaw::new(FlawKind::AllowComment, comment.span, message);
            flaw.fix("remove the comment").edit(comment.removal)
        });
        self.flaws.into_iter().chain(unused).collect()
    }
}

/// Removes a comment, with the white space before it, and with its line if it is alone on it.
fn removal(source: &Source, comment: Span) -> Edit {
    let line = source.line_of(comment.start);
    let begin = source.line_range(line).start;
    let before = source.text.get(begin..comment.start).unwrap_or_default();
    let kept = before.trim_end().len();
    let end = if kept == 0 { source.line_range(line + 1).start } else { comment.end };
    let span = Span { start: begin + kept, end: end.max(comment.end), ..comment };
    let old = source.text.get(span.start..span.end).unwrap_or_default();
    Edit::new(span, old, "")
}

/// Where a comment of ours begins in a line, and what follows its mark.
fn comment(text: &str) -> Option<(usize, &str)> {
    let mark = text.find(MARK)?;
    let hash = text[..mark].rfind('#')?;
    let between = &text[hash + 1..mark];
    let starts = text[..hash].chars().next_back().is_none_or(char::is_whitespace);
    let rest = &text[mark + MARK.len()..];
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (between.trim().is_empty() && starts && ends).then(|| (hash, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_of_ours_is_not_confused_with_other_text() {
        assert_eq!(comment("a: 1 # dualstack: allow DS110 lab"), Some((5, "DS110 lab")));
        assert_eq!(comment("#dualstack: allow DS110"), Some((0, "DS110")));
        assert_eq!(comment("a: \"x#dualstack: allow DS110\""), None);
        assert_eq!(comment("# about dualstack: allow DS110"), None);
        assert_eq!(comment("# dualstack: allows"), None);
    }
}
