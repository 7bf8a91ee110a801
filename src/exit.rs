//! What the process's exit code says: the one list, published in `--help` and the README.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Everything that was asked about was seen to work (or, for `lint`, nothing was found).
    Passed,
    /// At least one check failed (or, for `lint`, at least one error was found).
    Failed,
    /// The command line, a suite, a manifest, a kubeconfig or an output path can't be used.
    Usage,
    /// The cluster can't be reached, denies access, or can't host the workload.
    Cluster,
    /// The selection matches no check.
    NothingSelected,
    /// Nothing failed, but something could not be determined.
    Inconclusive,
    /// Ended by the operator (Ctrl-C); what was known by then has been reported.
    Interrupted,
}

impl Exit {
    /// Every value, in the order in which the documentation lists them.
    pub const ALL: [Self; 7] = [
        Self::Passed,
        Self::Failed,
        Self::Usage,
        Self::Cluster,
        Self::NothingSelected,
        Self::Inconclusive,
        Self::Interrupted,
    ];

    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Cluster => 3,
            Self::NothingSelected => 4,
            Self::Inconclusive => 5,
            // 128 + SIGINT, as shells report it.
            Self::Interrupted => 130,
        }
    }

    /// What the code means, for the documentation.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Passed => "everything passed",
            Self::Failed => "something failed",
            Self::Usage => "the command line, a file or an output path can't be used",
            Self::Cluster => {
                "the cluster can't be reached, denies access or can't host the workload"
            }
            Self::NothingSelected => "the selection matches no check",
            Self::Inconclusive => "nothing failed, but something could not be determined",
            Self::Interrupted => "interrupted; what was known has been reported",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
