//! The run as one HTML file for browsers: the causes first, then a heat map of every path in both
//! families, times, and what the cluster says of itself. It loads nothing from anywhere.

#[cfg(test)]
mod browser;
mod cells;
mod data;
mod facts;
mod findings;
mod grid;
mod overview;
mod page;
#[cfg(test)]
mod tests;
mod times;
mod words;

use super::{Ending, Format};
#[cfg(test)]
pub(super) use tests::hostile;

/// The run as a web page.
pub(crate) static FORMAT: Format = Format {
    option: "html",
    what: "the HTML report",
    help: "Write a web page to this file (`-`: stdout): causes, a heat map of all paths, times and \
           facts",
    render: |ending| {
        let page = match ending {
            Ending::Finished(record) => page::of_record(record),
            Ending::NotBegun(error) => page::of_nothing(error),
        };
        Ok(Some(page.into_string().into_bytes()))
    },
};
