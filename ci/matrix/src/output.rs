//! The standard streams. Nothing else of this program prints.

use std::io::{self, Write};

/// Prints to standard output.
pub(crate) fn print(text: &str) {
    // Nobody is left to be told that standard output is closed.
    let _ = writeln!(io::stdout(), "{text}");
}

/// Says what goes on, on standard error.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
