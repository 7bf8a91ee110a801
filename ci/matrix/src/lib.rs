//! The product against every shape and fault of the testbed: what it says of each, as one table.
//!
//! `cargo matrix` runs everything, `cargo matrix fault/route-missing` the rows whose names hold
//! these words. A row's result is what was seen, good or bad; the command fails only where a row
//! could not be tried.
//!
//! [`truth`] holds a run against what the testbed says of a fault. The product's own end-to-end
//! tests use it too.

mod beds;
mod error;
mod output;
mod programs;
mod row;
mod seen;
mod summary;
mod table;
pub mod truth;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;

use self::{beds::Beds, error::Error, programs::Programs, row::Row};

/// Run `dualstack` against every shape and fault of the testbed, and print what it said of each.
#[derive(Debug, Parser)]
#[command(name = "matrix")]
struct Arguments {
    /// Run only the rows whose names contain one of these.
    filters: Vec<String>,
    /// List the rows without running them.
    #[arg(long)]
    list: bool,
    /// Also write the table to this file, as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// What the names of the clusters begin with: two matrices at once need two.
    #[arg(long, default_value = "matrix")]
    name: String,
}

/// The command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            output::say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let wanted = |row: &Row| {
        arguments.filters.is_empty()
            || arguments.filters.iter().any(|filter| row.name().contains(filter.as_str()))
    };
    let rows: Vec<Row> = Row::all().into_iter().filter(wanted).collect();
    if rows.is_empty() {
        output::say("error: no row's name contains any of these words; `--list` lists the rows");
        return Ok(ExitCode::from(2));
    }
    if arguments.list {
        rows.iter().for_each(|row| output::print(&row.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let began = Instant::now();
    let programs = Programs::build()?;
    let mut beds = Beds::new(&programs, &arguments.name);
    let mut results = Vec::new();
    for (number, row) in (1..).zip(&rows) {
        output::say(&format!("{number} of {}: {}", rows.len(), row.name()));
        let result = row.run(&mut beds);
        match &result {
            Ok(seen) => seen.iter().for_each(|seen| output::say(&format!("  {}", seen.summary()))),
            Err(error) => output::say(&format!("  not tried: {error}")),
        }
        results.push((row, result));
    }
    beds.clear()?;
    let took = began.elapsed();
    output::print(&table::terminal(&results, took));
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, table::markdown(&results, took))
            .map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    let untried = results.iter().any(|(_, result)| result.is_err());
    Ok(if untried { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
