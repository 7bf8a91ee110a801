//! Values of options as people write them.

use std::time::Duration;

use jiff::SignedDuration;

/// A duration other than zero: `90s`, `2m`, `1m30s`, `500ms`.
///
/// # Errors
/// Where the text is not a duration, or not positive.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = any_duration(text)?;
    if duration.is_zero() { Err("must not be zero".to_owned()) } else { Ok(duration) }
}

/// A duration in whole milliseconds, as suites state it; `0s` is one.
///
/// # Errors
/// Where the text is not a duration, negative, or longer than a suite can state.
pub(super) fn millis(text: &str) -> Result<u32, String> {
    u32::try_from(any_duration(text)?.as_millis()).map_err(|_| "too long".to_owned())
}

fn any_duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "expected a number with a unit, such as 500ms, 90s or 2m".to_owned())?;
    Duration::try_from(duration).map_err(|_| "must not be negative".to_owned())
}

/// A label and its value: `topology.kubernetes.io/zone=a`.
///
/// # Errors
/// Where there is no `=`, or no label before it.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected LABEL=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_with_its_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "90", "s", "-3s", "0s", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn milliseconds_fit_what_a_suite_can_state() {
        assert_eq!(millis("2s"), Ok(2_000));
        assert_eq!(millis("0s"), Ok(0));
        assert!(millis("9999h").is_err());
    }

    #[test]
    fn a_label_may_be_empty_but_not_nameless() {
        assert_eq!(label("role="), Ok(("role".to_owned(), String::new())));
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(label("=x").is_err() && label("x").is_err());
    }
}
