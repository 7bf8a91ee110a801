//! The type of a plain scalar, as Kubernetes' YAML reader sees it.

/// The type of a scalar.
///
/// Kubernetes reads YAML with the rules of YAML 1.1 (`sigs.k8s.io/yaml`): `yes`, `on` and their
/// like are booleans, `0o17`, `017`, `0x1f` and `1_000` are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ScalarKind {
    /// Empty, `~` or `null`.
    Null,
    /// `true`, `no`, `On` …
    Bool,
    /// A whole number.
    Int,
    /// Any other number.
    Float,
    /// Everything else, and all that is quoted.
    String,
}

const BOOLS: [&str; 8] = ["y", "yes", "true", "on", "n", "no", "false", "off"];

impl ScalarKind {
    /// The type of an unquoted scalar.
    pub(crate) fn of_plain(text: &str) -> Self {
        match text.as_bytes().first() {
            None | Some(b'~') if text.len() < 2 => Self::Null,
            Some(b'n' | b'N') if matches!(text, "null" | "Null" | "NULL") => Self::Null,
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number(text),
            Some(_) if text.len() <= 5 && is_bool(text) => Self::Bool,
            _ => Self::String,
        }
    }
}

/// All lower case, all upper case, or capitalised.
fn is_bool(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = &text[text.chars().next().map_or(0, char::len_utf8)..];
    let regular = text == lower
        || text.bytes().all(|byte| byte.is_ascii_uppercase())
        || rest.bytes().all(|byte| byte.is_ascii_lowercase());
    regular && BOOLS.contains(&lower.as_str())
}

fn number(text: &str) -> ScalarKind {
    let plain = text.replace('_', "");
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if digits.eq_ignore_ascii_case(".inf") || text.eq_ignore_ascii_case(".nan") {
        return ScalarKind::Float;
    }
    let based = |prefix: &str, base| {
        digits.strip_prefix(prefix).is_some_and(|rest| u64::from_str_radix(rest, base).is_ok())
    };
    if based("0x", 16) || based("0b", 2) || based("0o", 8) {
        return ScalarKind::Int;
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return ScalarKind::Int;
    }
    // Rust's parser knows words such as "inf" and "nan", which YAML writes with a point before.
    let shaped = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    let shaped = shaped && digits.bytes().any(|byte| byte.is_ascii_digit());
    if shaped && digits.parse::<f64>().is_ok() { ScalarKind::Float } else { ScalarKind::String }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_types_of_yaml_1_1() {
        use ScalarKind::{Bool, Float, Int, Null, String};
        for (text, kind) in [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("nUll", String),
            ("yes", Bool),
            ("Off", Bool),
            ("TRUE", Bool),
            ("tRue", String),
            ("24", Int),
            ("-1", Int),
            ("0x1F", Int),
            ("1_000", Int),
            ("017", Int),
            ("1.36", Float),
            ("1e3", Float),
            (".inf", Float),
            ("-", String),
            (".", String),
            ("1.36.2", String),
            ("10.244.0.0/16", String),
            ("::1", String),
            ("~a", String),
            ("é", String),
        ] {
            assert_eq!(ScalarKind::of_plain(text), kind, "{text}");
        }
    }
}
