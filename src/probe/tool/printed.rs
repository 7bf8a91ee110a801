//! What a tool printed, as the script passes it on.

/// How the script saw a tool end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Ending {
    /// By itself.
    Whole,
    /// It was stopped when the attempt's time was over.
    Late,
    /// It was stopped because it printed more than was asked for, or a NUL.
    Cut,
}

/// What a tool printed, on stdout and stderr together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) struct Printed {
    /// How it ended.
    pub(in crate::probe) ending: Ending,
    /// How much it printed, in bytes.
    pub(in crate::probe) length: usize,
    /// The beginning: all of it, where `tail` is empty.
    pub(in crate::probe) head: String,
    /// The last bytes, where there were too many to pass on.
    pub(in crate::probe) tail: String,
}

impl Printed {
    /// Where the end of the text is to be found, if `from` of its bytes have been read.
    pub(super) fn end(&self, from: usize) -> &str {
        if self.tail.is_empty() { self.head.get(from..).unwrap_or_default() } else { &self.tail }
    }
}

/// The reason why an attempt has no outcome: what its tool said.
pub(super) fn unusable(tool: &str, text: &str) -> String {
    match super::super::answer::excerpt(text) {
        said if said.is_empty() => format!("{tool} in the pod printed nothing"),
        said => format!("{tool} in the pod could not run: {said}"),
    }
}

/// What a C library says at the end of a message, after its last colon.
pub(super) fn last_words(message: &str) -> &str {
    message.rsplit_once(": ").map_or(message, |(_, words)| words).trim()
}
