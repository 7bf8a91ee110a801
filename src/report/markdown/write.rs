//! Text of others as Markdown that shows it and does nothing else.

use crate::report::safe;

/// Prose on one line: all that Markdown, HTML and GitHub would read something into is escaped, but
/// for what stands between backticks, which is code.
pub(in crate::report) fn prose(text: &str) -> String {
    let line = safe::line(text);
    let parts: Vec<&str> = line.split('`').collect();
    // A backtick without a partner is one.
    if parts.len().is_multiple_of(2) {
        return escaped(&line);
    }
    let parts = parts.iter().enumerate();
    parts.map(|(place, part)| if place % 2 == 1 { code(part) } else { escaped(part) }).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A person who is mentioned would be told, and a number would become a link.
            '@' => out.push_str("@\u{200b}"),
            '#' => out.push_str("\\#\u{200b}"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // What only means something at the start of a line.
    match out.chars().next() {
        Some('-' | '+' | '=') => format!("\\{out}"),
        Some('0'..='9') => out.replacen(". ", "\\. ", 1),
        _ => out,
    }
}

/// Code on one line, in a fence of more backticks than it holds.
pub(super) fn code(text: &str) -> String {
    let line = safe::line(text);
    let line = line.trim();
    if line.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest(line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Code in a table's cell, where a bar would end the cell.
pub(super) fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A block of code.
pub(super) fn block(language: &str, lines: &[String]) -> String {
    let text =
        lines.iter().map(|line| safe::text(line).into_owned()).collect::<Vec<_>>().join("\n");
    let fence = "`".repeat(longest(&text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// The longest run of backticks.
fn longest(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_keeps_its_code_and_nothing_else_that_means_something() {
        assert_eq!(prose("run `kubectl get node` on n1"), "run `kubectl get node` on n1");
        assert_eq!(
            prose("<script>alert(1)</script> [a](b) *c* | d_e"),
            "&lt;script&gt;alert\\(1\\)&lt;/script&gt; \\[a\\]\\(b\\) \\*c\\* \\| d\\_e"
        );
        assert_eq!(prose("a ` b"), "a \\` b");
        assert_eq!(prose("@team #12\n# title"), "@\u{200b}team \\#\u{200b}12 \\#\u{200b} title");
        assert_eq!(prose("1. a"), "1\\. a");
        assert_eq!(prose("- a \u{1b}[31m"), "\\- a \u{fffd}\\[31m");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_what_it_holds() {
        assert_eq!(code("a `` b"), "```a `` b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(cell_code("a|b"), "`a\\|b`");
        assert_eq!(block("sh", &["```".to_owned()]), "````sh\n```\n````\n");
    }
}
