//! What busybox's tools print, and what it means.
//!
//! Checked against busybox 1.35 to 1.38 in upstream's default configuration. A tool that couldn't
//! do its work says nothing of the network: such an attempt has no outcome, but a reason.

mod nc;
mod nslookup;
mod wget;

use super::{Outcome, Target};

/// How the script saw a tool end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    Whole,
    /// It was stopped when the attempt's time was over.
    Late,
    /// It was stopped because it printed more than was asked for, or a NUL.
    Cut,
}

/// What a tool printed, on stdout and stderr together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Printed {
    /// How it ended.
    pub(super) ending: Ending,
    /// How much it printed, in bytes.
    pub(super) length: usize,
    /// The beginning: all of it, where `tail` is empty.
    pub(super) head: String,
    /// The last bytes, where there were too many to pass on.
    pub(super) tail: String,
}

impl Printed {
    /// Where the end of the text is to be found, if `from` of its bytes have been read.
    fn end(&self, from: usize) -> &str {
        if self.tail.is_empty() { self.head.get(from..).unwrap_or_default() } else { &self.tail }
    }
}

/// What came of an attempt, or why that can't be said.
pub(super) fn outcome(target: &Target, printed: &Printed) -> Result<Outcome, String> {
    match target {
        Target::Http { payload, .. } => wget::outcome(printed, *payload),
        Target::Tcp { .. } => nc::outcome(printed),
        Target::Dns { .. } => nslookup::outcome(printed),
    }
}

/// The reason why an attempt has no outcome: what its tool said.
fn unusable(tool: &str, text: &str) -> String {
    match super::answer::excerpt(text) {
        said if said.is_empty() => format!("{tool} in the pod said nothing"),
        said => format!("{tool} in the pod could not try: {said}"),
    }
}

/// What a C library says at the end of a message, after its last colon.
fn last_words(message: &str) -> &str {
    message.rsplit_once(": ").map_or(message, |(_, words)| words).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that a tool printed before it ended by itself.
    pub(super) fn printed(text: &str) -> Printed {
        let (head, tail) = (text.to_owned(), String::new());
        Printed { ending: Ending::Whole, length: text.len(), head, tail }
    }

    /// A text of which the script passed on only the ends.
    pub(super) fn shortened(text: &str, head: usize, tail: usize) -> Printed {
        Printed {
            ending: Ending::Whole,
            length: text.len(),
            head: text[..head].to_owned(),
            tail: text[text.len() - tail..].to_owned(),
        }
    }

    #[test]
    fn a_tool_that_is_missing_is_no_outcome() {
        let target = Target::Tcp { address: "[::1]:80".parse().unwrap() };
        let reason = outcome(&target, &printed("sh: exec: line 58: nc: not found\n")).unwrap_err();
        assert_eq!(reason, "nc in the pod could not try: sh: exec: line 58: nc: not found");
        assert_eq!(outcome(&target, &printed("")).unwrap_err(), "nc in the pod said nothing");
    }
}
