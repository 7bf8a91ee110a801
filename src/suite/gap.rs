//! How far the times of the two families may lie apart.

use std::{fmt, str::FromStr, time::Duration};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Times from pods are counted in steps of 10 ms: what is two steps apart may be one and a bit.
const TOLD_APART_MS: u32 = 20;

/// How far the times of the two families may lie apart: `200ms` longer, or `2x` as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum FamilyGap {
    /// The slower family may take so many milliseconds longer.
    Longer(u32),
    /// It may take so many hundredths of the other's time.
    Hundredths(u32),
}

impl FamilyGap {
    /// Whether a family that takes `slow` milliseconds is too slow beside one that takes `fast`.
    pub const fn is_exceeded(self, fast: u32, slow: u32) -> bool {
        let longer = slow.saturating_sub(fast);
        match self {
            Self::Longer(limit) => longer > limit,
            Self::Hundredths(limit) => {
                // What took no step of the clock took some of one.
                let least = if fast < 10 { 10 } else { fast } as u64;
                longer > TOLD_APART_MS && slow as u64 * 100 > least * limit as u64
            }
        }
    }
}

impl fmt::Display for FamilyGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Longer(millis) => write!(f, "{millis}ms"),
            Self::Hundredths(all) if all % 100 == 0 => write!(f, "{}x", all / 100),
            Self::Hundredths(all) => write!(f, "{}.{:02}x", all / 100, all % 100),
        }
    }
}

impl FromStr for FamilyGap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(hundredths) = factor(text.strip_suffix('x').unwrap_or(text)) {
            return match hundredths {
                101..=100_000 => Ok(Self::Hundredths(hundredths)),
                _ => Err("a factor must be above 1 and at most 1000".to_owned()),
            };
        }
        let duration: SignedDuration = text
            .parse()
            .map_err(|_| "expected a duration such as 200ms, or a factor such as 2x".to_owned())?;
        let duration = Duration::try_from(duration).map_err(|_| "must not be negative")?;
        match u32::try_from(duration.as_millis()) {
            Ok(millis) if millis >= TOLD_APART_MS => Ok(Self::Longer(millis)),
            Ok(_) => Err(format!(
                "must be at least {TOLD_APART_MS}ms: times from pods are counted in steps of 10 ms"
            )),
            Err(_) => Err("too long".to_owned()),
        }
    }
}

/// A number of digits with at most two behind the point, in hundredths.
fn factor(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let tenths = if part.len() == 1 { 10 } else { 1 };
    // What is larger than any factor may be is a factor all the same.
    let whole: u32 = whole.parse().unwrap_or(u32::MAX);
    let part: u32 = part.parse().ok()?;
    Some(whole.saturating_mul(100).saturating_add(part * tenths))
}

impl TryFrom<String> for FamilyGap {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|reason| format!("invalid max_family_gap {text}: {reason}"))
    }
}

impl From<FamilyGap> for String {
    fn from(gap: FamilyGap) -> Self {
        gap.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_duration_or_a_factor_and_is_written_as_it_is_read() {
        for (text, gap) in [
            ("200ms", FamilyGap::Longer(200)),
            ("2x", FamilyGap::Hundredths(200)),
            ("1.25x", FamilyGap::Hundredths(125)),
        ] {
            assert_eq!(text.parse(), Ok(gap));
            assert_eq!(gap.to_string(), text);
        }
        assert_eq!("1s".parse(), Ok(FamilyGap::Longer(1_000)));
        assert_eq!("1.5".parse(), Ok(FamilyGap::Hundredths(150)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_one_sentence() {
        for (text, word) in [
            ("", "expected a duration"),
            ("soon", "expected a duration"),
            ("1.234x", "expected a duration"),
            ("1x", "above 1"),
            ("0", "above 1"),
            ("99999999999", "at most 1000"),
            ("-5s", "negative"),
            ("5ms", "at least 20ms"),
            ("9999999h", "too long"),
        ] {
            let reason = text.parse::<FamilyGap>().unwrap_err();
            assert!(reason.contains(word), "{text}: {reason}");
        }
    }

    #[test]
    fn a_step_or_two_of_the_clock_exceed_no_factor() {
        let twice = FamilyGap::Hundredths(200);
        assert!(!twice.is_exceeded(0, 20) && !twice.is_exceeded(10, 30));
        assert!(twice.is_exceeded(10, 40) && !twice.is_exceeded(100, 200));
        let longer = FamilyGap::Longer(200);
        assert!(longer.is_exceeded(10, 220) && !longer.is_exceeded(10, 210));
    }
}
