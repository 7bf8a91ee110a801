//! Breaking prose into lines.

use textwrap::{Options, WordSplitter};

/// Words of a text in lines of at most `width` columns; a longer word, such as an address of a
/// web page, has a line of its own and stays whole.
pub(in crate::lint) fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let options = Options::new(width).break_words(false).word_splitter(WordSplitter::NoHyphenation);
    if text.is_empty() {
        return Vec::new();
    }
    textwrap::wrap(&text, options).into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filled_and_no_longer_than_asked() {
        assert_eq!(wrap("aa bb  cc\ndddddd e", 5), ["aa bb", "cc", "dddddd", "e"]);
        assert!(wrap(" ", 5).is_empty());
    }
}
