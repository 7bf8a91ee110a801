//! What a command prints of a run, after kubectl's habits.

use clap::ValueEnum;

use crate::report::text::Detail;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Print {
    /// Failures in full, tables with like passes in one row, and the summary.
    Table,
    /// Every case in a separate row.
    Wide,
    /// Failures and the summary.
    Short,
    /// The record.
    Json,
    /// Nothing.
    None,
}

impl Print {
    /// How much is printed as text; `None` for nothing.
    pub(super) const fn detail(self) -> Option<Detail> {
        match self {
            Self::Table => Some(Detail::Normal),
            Self::Wide => Some(Detail::Full),
            Self::Short => Some(Detail::Brief),
            Self::Json | Self::None => None,
        }
    }
}
