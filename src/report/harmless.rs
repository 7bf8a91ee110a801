//! Words of others, such as a record's, made harmless for where they are shown.

use std::fmt::Write;

use super::safe::steers;

/// Text without control characters, which could move a cursor, set a title or hide a line. They are
/// shown as what they are (`\u{1b}`).
pub(crate) fn for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            // Writing to a string can't fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Text within XML, as an element's content or an attribute's value.
pub(crate) fn for_xml(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in for_terminal(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            c => shown.push(c),
        }
    }
    shown
}

/// What steers a terminal, and what would begin another line or column.
fn is_harmful(c: char) -> bool {
    steers(c) || matches!(c, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_text() {
        assert_eq!(for_terminal("a\u{1b}[2Jb\r\nc\u{202e}"), "a\\u{1b}[2Jb\\r\\nc\\u{202e}");
        assert_eq!(for_terminal("n1 -> n2 é"), "n1 -> n2 é");
    }

    #[test]
    fn nothing_is_markup() {
        assert_eq!(for_xml("<a b='c'>&\""), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
    }
}
