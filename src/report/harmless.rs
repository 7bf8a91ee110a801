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

/// The same, with all that Markdown or HTML could take for markup escaped. It stays on one line.
pub(crate) fn for_markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let text = for_terminal(text);
    let mut characters = text.chars().peekable();
    let mut before = None;
    while let Some(c) = characters.next() {
        let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            // Within a word it is no markup, and names of checks are full of them.
            '_' if in_word(before) && in_word(characters.peek().copied()) => shown.push('_'),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            // After a dash it is part of an arrow, and everywhere a quotation at worst.
            '>' => shown.push_str("&gt;"),
            // An at sign would call a person.
            '@' => shown.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => {
                shown.push('\\');
                shown.push(c);
            }
            c => shown.push(c),
        }
        before = Some(c);
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
        assert_eq!(
            for_markdown("<img src=x> [a](b) `c` *d* @team a_b _e_"),
            "&lt;img src=x&gt; \\[a\\](b) \\`c\\` \\*d\\* &#64;team a_b \\_e\\_"
        );
    }
}
