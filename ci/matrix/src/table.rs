//! The table, on a terminal and as Markdown.

use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};

use crate::{
    seen::Named,
    summary::{self, Results},
    truth::untold,
};

/// As wide as the terminal.
pub(crate) fn terminal(results: &Results<'_>, took: Duration) -> String {
    let mut table = table(results, "\n");
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(terminal_size::terminal_size().map_or(160, |(width, _)| width.0));
    format!("{table}\n{}", footer(results, took))
}

/// As a page.
pub(crate) fn markdown(results: &Results<'_>, took: Duration) -> String {
    let mut table = table(results, "<br>");
    table.load_style(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    // Columns are as wide as their widest cell, which nobody reads in the source.
    let narrow = |line: String| {
        let cells = line.split('|').map(|cell| match cell.trim() {
            rule if rule.starts_with("---") => "---".to_owned(),
            text => text.to_owned(),
        });
        cells.collect::<Vec<_>>().join(" | ").trim().to_owned()
    };
    let lines: Vec<String> = table.lines().map(narrow).collect();
    format!(
        "# What `dualstack` says of every shape and fault\n\n\
         Written by `cargo matrix --markdown`, and by nothing else. A row tells what was seen, good or bad,\n\
         held against what the testbed says of each path while the fault lasts. \"Not asked\" are the\n\
         kinds of paths that the fault breaks and no case of the run covers. The time is that from the start\n\
         to the last verdict.\n\n\
         {}\n\n{}\n\n\
         ## Checks that stand for no path\n\n\
         They judge what the API server says, and no fault must turn them red; where one does, that is called\n\
         wrong. Shapes of clusters, and the tests in the lab, are what they are seen to fail on.\n\n\
         {}\n",
        lines.join("\n"),
        footer(results, took),
        untold()
    )
}

fn table(results: &Results<'_>, newline: &str) -> Table {
    let mut table = Table::new();
    table.set_header([
        "row",
        "suite",
        "result",
        "cases",
        "time",
        "failed cases",
        "causes named",
        "not asked",
    ]);
    for (row, result) in results {
        match result {
            Ok(all) => {
                for seen in all {
                    table.add_row([
                        row.name(),
                        seen.suite.clone(),
                        seen.result.clone(),
                        seen.summary(),
                        seen.took.map_or_else(String::new, summary::seconds),
                        seen.red_cases().join(newline),
                        seen.causes.iter().map(Named::in_words).collect::<Vec<_>>().join(newline),
                        seen.not_asked().join(newline),
                    ]);
                }
            }
            Err(error) => {
                table.add_row([row.name(), String::new(), format!("not tried: {error}")]);
            }
        }
    }
    table
}

fn footer(results: &Results<'_>, took: Duration) -> String {
    let untried = results.iter().filter(|(_, result)| result.is_err()).count();
    let tried = results.len() - untried;
    let minutes = took.as_secs() / 60;
    let untried = if untried > 0 { format!(", {untried} not tried") } else { String::new() };
    let rows = format!("{tried} rows{untried}, in {minutes} min {} s.", took.as_secs() % 60);
    [rows].into_iter().chain(summary::lines(results)).collect::<Vec<_>>().join("\n\n")
}
