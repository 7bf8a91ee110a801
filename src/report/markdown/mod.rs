//! The run as Markdown of GitHub's and GitLab's kind: for a pull request, a job's summary, a ticket.

mod page;
mod write;

pub(super) use write::prose;

use super::{Ending, Format};

/// The run as Markdown.
pub(crate) static FORMAT: Format = Format {
    option: "markdown",
    what: "the Markdown report",
    help: "Write Markdown to this file (`-`: stdout); in GitHub Actions the job's summary has it too",
    render: |ending| {
        let page = match ending {
            Ending::Finished(record) => page::of_record(record),
            Ending::NotBegun(error) => page::of_nothing(error),
        };
        Ok(Some(page.into_bytes()))
    },
};
