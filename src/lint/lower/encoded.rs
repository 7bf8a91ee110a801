//! Texts that stand in a document encoded: the files of cloud-init and Ignition, and Secrets.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::lint::{
    source::{Source, Span},
    tree::{Block, Node, Scalar, ScalarKind, Value},
};

use super::Lower;

/// A text shorter than this is not looked at: it holds no configuration.
const LEAST: usize = 40;
/// The longest text that is decoded.
const MOST: usize = 1 << 20;

/// What base64 or a `data:` URL holds, if that is a text of several words.
fn decode(text: &str) -> Option<String> {
    if text.len() < LEAST || text.len() > MOST {
        return None;
    }
    let decoded = match text.strip_prefix("data:") {
        Some(url) => match url.split_once(',')? {
            (kind, data) if kind.ends_with(";base64") => base64(data)?,
            (_, data) => percent(data)?,
        },
        None => base64(text)?,
    };
    decoded.contains([':', '=', '\n']).then_some(decoded)
}

fn base64(text: &str) -> Option<String> {
    let own = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    if !text.bytes().all(|byte| own(byte) || blank(&byte)) {
        return None;
    }
    let bytes: Vec<u8> = text.bytes().filter(|byte| !blank(byte)).collect();
    String::from_utf8(STANDARD.decode(bytes).ok()?).ok()
}

fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = digit(rest.next())? * 16 + digit(rest.next())?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

impl Lower<'_> {
    /// What an encoded scalar holds, as a source of its own.
    pub(super) fn decoded(&mut self, node: &Node) -> Option<Node> {
        let text = decode(node.str()?)?;
        let outer = &self.sources.get(node.span.source).name;
        let name = format!("{outer} (decoded)");
        let source = self.sources.add(Source::new(name, false, text.clone()));
        let span = Span { source, start: 0, end: text.len() };
        let block = Some(Block { first_line: 0, indent: 0 });
        let scalar = Scalar { text, kind: ScalarKind::String, block };
        Some(Node { span, value: Value::Scalar(scalar) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_data_urls_are_decoded_and_other_texts_are_not() {
        let text = "net.ipv6.conf.all.forwarding = 1\nnet.ipv4.ip_forward = 1\n";
        let encoded = STANDARD.encode(text);
        assert_eq!(decode(&encoded).as_deref(), Some(text));
        assert_eq!(decode(&format!("data:;base64,{encoded}")).as_deref(), Some(text));
        let url = "data:,net.ipv6.conf.all.forwarding%20=%201%0Anet.ipv4.ip_forward=1%0A";
        assert!(decode(url).is_some_and(|text| text.contains("forwarding = 1\n")));
        let word = "a".repeat(64);
        for other in ["YTog", word.as_str(), text, "data:,%zz and a text that is long enough"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }
}
