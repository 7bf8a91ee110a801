//! What is broken: the causes, and the failures that no cause explains; then why the rest isn't
//! known.

use maud::{Markup, html};

use super::words::{rich, title};
use crate::{
    cause::Cause,
    check::Status,
    report::{
        digest::{Digest, Unexplained, counted, family_name},
        reason::Reason,
        safe,
    },
};

/// How many names or reasons are listed.
const MOST: usize = 40;

/// The causes and failures; nothing where nothing failed.
pub(super) fn render(digest: &Digest<'_>) -> Markup {
    let unexplained = digest.unexplained();
    html! {
        @if !digest.record.causes.is_empty() {
            section aria-labelledby="causes" {
                h2 id="causes" { "Causes" }
                @for (number, cause) in (1..).zip(&digest.record.causes) { (self::cause(number, cause)) }
            }
        }
        @if !unexplained.is_empty() {
            section aria-labelledby="unexplained" {
                h2 id="unexplained" { "Failures without a known cause" }
                @for group in unexplained.iter().take(MOST) { (self::group(group)) }
                @if unexplained.len() > MOST { p.note { "And " (unexplained.len() - MOST) " more, \
                 see the maps below." } }
            }
        }
    }
}

/// A number of `1`, and more.
fn cause(number: u32, cause: &Cause) -> Markup {
    html! {
        article.cause id=(format!("cause-{number}")) {
            h3 { span.number { "Cause " (number) (cause.confidence.aside()) } " " (rich(&cause.what)) }
            p { (rich(&cause.why)) }
            (points("Evidence", &cause.evidence))
            (commands(&cause.reproduce))
            (points("Fix", &cause.fix))
            @if !cause.explains.is_empty() {
                details { summary { "Explains " (counted(cause.explains.len(), "failed case")) }
                    ul.names {
                        @for name in cause.explains.iter().take(MOST) { li { code { (safe::line(name)) } } }
                        @if cause.explains.len() > MOST { li { "and " (cause.explains.len() - MOST) " more" } }
                    }
                }
            }
        }
    }
}

fn group(group: &Unexplained<'_>) -> Markup {
    let Some((first, failure)) = group.members.first() else { return html! {} };
    html! {
        article.cause {
            @if group.members.len() == 1 {
                h3 { (rich(&failure.what)) }
                p { "Observed: " (safe::line(first.verdict.detail())) }
            } @else {
                h3 { (counted(group.members.len(), "case")) " of " (title(group.check)) " \
                 failed, " (family_name(group.family)) }
                ul {
                    @for (_, failure) in group.members.iter().take(6) { li { (rich(&failure.what)) } }
                    @if group.members.len() > 6 { li { "and " (group.members.len() - 6) " more" } }
                }
            }
            (commands(&failure.reproduce))
            (points("Fix", &failure.fix))
        }
    }
}

fn points(label: &str, points: &[String]) -> Markup {
    html! {
        @if !points.is_empty() {
            h4 { (label) }
            ul { @for point in points { li { (rich(point)) } } }
        }
    }
}

fn commands(commands: &[String]) -> Markup {
    html! {
        @if !commands.is_empty() {
            h4 { "Reproduce" }
            @for command in commands { pre { code { (&*safe::text(command)) } } }
        }
    }
}

/// Why cases weren't determined or tried, what the operator was told, what was left behind.
pub(super) fn rest(digest: &Digest<'_>) -> Markup {
    let record = digest.record;
    let reasons = |status| -> Vec<String> {
        Reason::all(record, status).iter().map(Reason::sentence).collect()
    };
    let lists = [
        ("Left behind in the cluster", record.left_behind.clone()),
        ("Inconclusive", reasons(Status::Inconclusive)),
        ("Skipped: nothing to test", reasons(Status::Skip)),
        ("Baseline", record.review().sentences()),
        ("Notices", record.notices.clone()),
    ];
    html! {
        @for (label, lines) in lists.iter().filter(|(_, lines)| !lines.is_empty()) {
            section {
                h2 { (label) }
                ul.reasons {
                    @for line in lines.iter().take(MOST) { li { (rich(line)) } }
                    @if lines.len() > MOST { li { "and " (lines.len() - MOST) " more" } }
                }
            }
        }
    }
}
