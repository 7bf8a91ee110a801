//! `dualstack man`: manual pages.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use super::failure::Failure;
use crate::{exit::Exit, report::streams::Stream};

/// Print the manual page, or write the pages of all commands into a directory
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write dualstack.1, dualstack-run.1 and so on into this directory
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn man(
    arguments: &ManArgs,
    command: Command,
    out: &mut Stream,
) -> Result<Exit, Failure> {
    match &arguments.directory {
        Some(directory) => {
            clap_mangen::generate_to(command, directory).map_err(|error| {
                Failure::usage(format!(
                    "cannot write manual pages to {}: {error}; choose a writable directory",
                    directory.display()
                ))
            })?;
        }
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            out.print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Passed)
}
