//! What busybox's tools print, and what it means.
//!
//! Checked against busybox 1.35 to 1.38 in upstream's default configuration. A tool that couldn't
//! do its work says nothing of the network: such an attempt has no outcome, but a reason.

mod health;
mod loss;
mod nc;
mod nslookup;
mod printed;
mod udp;
mod wget;

pub(super) use printed::{Ending, Printed};
use printed::{last_words, unusable};

use super::{Outcome, Target};

/// What came of an attempt, or why that can't be said.
pub(super) fn outcome(target: &Target, printed: &Printed) -> Result<Outcome, String> {
    match target {
        Target::Http { payload, .. } => wget::outcome(printed, *payload),
        Target::Request { .. } => wget::outcome(printed, 0),
        Target::Tcp { .. } => nc::outcome(printed),
        Target::Closed { .. } => nc::outcome(printed).map(Outcome::where_closed),
        Target::Unanswered { .. } => nc::outcome(printed).map(Outcome::where_unanswered),
        Target::Health { wanted, .. } => health::outcome(printed, *wanted),
        Target::Udp { .. } | Target::Flow { .. } => udp::outcome(printed),
        Target::Loss { .. } => loss::outcome(printed),
        Target::Proxied { .. } => Err("no tool in a pod is the API server".to_owned()),
        Target::Dns { .. } | Target::Pointer { .. } => nslookup::outcome(printed),
        Target::DnsServer { .. } => nslookup::outcome(printed).map(Outcome::where_any_reply_counts),
    }
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
        assert_eq!(reason, "nc in the pod could not run: sh: exec: line 58: nc: not found");
        assert_eq!(outcome(&target, &printed("")).unwrap_err(), "nc in the pod printed nothing");
    }
}
