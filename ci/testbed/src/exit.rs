//! The exit codes of the `testbed` command: a published contract.

use std::process::ExitCode;

use crate::error::Error;

/// Why the command ended. `exec` and `with` pass their command's own code on instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All that was asked for is so.
    Success = 0,
    /// A step failed; the message says which.
    Failure = 1,
    /// The command line or the request is invalid (clap uses the same code).
    Usage = 2,
    /// The machine lacks something that the testbed needs; nothing was touched.
    Unfit = 3,
    /// The cluster does not exist or is not running (or, for `status`, is not healthy).
    NotUp = 4,
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error {
            Error::Unfit(_) => Self::Unfit,
            Error::NotUp { .. } => Self::NotUp,
            Error::Invalid(_) => Self::Usage,
            _ => Self::Failure,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
