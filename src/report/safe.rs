//! Text of others, made harmless: characters that steer a terminal or hide the order of what is
//! read are replaced by `U+FFFD`, the mark of a character that can't be shown.

use std::borrow::Cow;

/// Whether a character does something other than being seen. Line ends and tabs are no such.
pub(crate) fn steers(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => c.is_control(),
    }
}

/// The text without characters that steer.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains(steers) {
        Cow::Owned(text.replace(steers, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text on one line, without characters that steer.
pub(crate) fn line(text: &str) -> String {
    self::text(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A JSON text in whose strings no character steers, however it was written. What isn't JSON stays
/// none.
pub(crate) fn json(bytes: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&bytes) else { return bytes };
    let escapes = ["\\u", "\\b", "\\f", "\\r"];
    if !text.contains(steers) && !escapes.iter().any(|escape| text.contains(escape)) {
        return bytes;
    }
    let mut harmless = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c| c == '\\' || steers(c)) {
        let (before, from) = rest.split_at(at);
        harmless.push_str(before);
        let (taken, by) = match from.strip_prefix('\\') {
            Some(escape) => escaped(escape),
            // A carriage return between two values is a blank.
            None if from.starts_with('\r') => (1, "\r"),
            None => (from.chars().next().map_or(1, char::len_utf8), "\u{fffd}"),
        };
        let (piece, after) = from.split_at_checked(taken).unwrap_or((from, ""));
        harmless.push_str(if by.is_empty() { piece } else { by });
        rest = after;
    }
    harmless.push_str(rest);
    harmless.into_bytes()
}

/// How long an escape is with its backslash, in bytes, and what takes its place; nothing where it
/// stays.
fn escaped(escape: &str) -> (usize, &'static str) {
    match escape.bytes().next() {
        Some(b'b' | b'f' | b'r') => (2, "\u{fffd}"),
        Some(b'u') => {
            let code = escape.get(1..5).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            match code.and_then(char::from_u32) {
                Some(c) if steers(c) => (6, "\u{fffd}"),
                _ => (2, ""),
            }
        }
        Some(byte) if byte.is_ascii() => (2, ""),
        _ => (1, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_the_direction_of_reading_is_replaced() {
        assert_eq!(
            text("a\u{1b}[31mb\u{202e}c\u{9b}d\r"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}"
        );
        assert_eq!(text("two\nlines\tand é 節 🙂"), "two\nlines\tand é 節 🙂");
        assert_eq!(line(" a\n\tb\u{7} "), "a b\u{fffd}");
    }

    #[test]
    fn strings_of_a_json_text_lose_what_steers_and_nothing_else() {
        let read = |text: &str| -> serde_json::Value {
            serde_json::from_slice(&json(text.as_bytes().to_vec())).unwrap()
        };
        let text = "{\"a\": \"\\u001b[31m\\u009b\\b\u{202e}\u{7f}\",\r\n \"b\": \"\\\\u001b \\\" \\u00e9\\n\"}";
        let value = read(text);
        assert_eq!(value["a"], "\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(value["b"], "\\u001b \" é\n");
        // Half of a pair, an escape that is cut off, an escape of more than one byte.
        assert_eq!(read(r#""\ud83d\ude42""#), "🙂");
        for broken in ["\"\\", "\"\\u12", "\"\\é\"", "\"\\u00é\""] {
            assert!(serde_json::from_slice::<serde_json::Value>(&json(broken.into())).is_err());
        }
    }
}
