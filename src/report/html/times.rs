//! How long answers took, in each family, and how long each phase of the run took.

use maud::{Markup, html};

use super::words::title;
use crate::{
    net::IpFamily,
    report::digest::{Checked, Digest, family_name, time},
};

/// Times of successful attempts, in milliseconds.
struct Spread {
    median: u32,
    most_of_them: u32,
    slowest: u32,
}

impl Spread {
    fn of(mut times: Vec<u32>) -> Option<Self> {
        times.sort_unstable();
        let at = |percent: usize| {
            times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied()
        };
        Some(Self { median: at(50)?, most_of_them: at(95)?, slowest: at(100)? })
    }
}

pub(super) fn render(digest: &Digest<'_>) -> Markup {
    let families: Vec<_> = digest.families.iter().flatten().copied().collect();
    let rows: Vec<(&Checked<'_>, Vec<Option<Spread>>)> = digest
        .checks
        .iter()
        .map(|checked| {
            let spreads = families.iter().map(|&family| Spread::of(times(digest, checked, family)));
            (checked, spreads.collect::<Vec<_>>())
        })
        .filter(|(_, spreads)| spreads.iter().any(Option::is_some))
        .collect();
    html! {
        @if !rows.is_empty() {
            section aria-labelledby="times" {
                h2 id="times" { "Times" }
                p.note { "Of attempts that succeeded, in milliseconds. From a pod they are counted in steps of 10 ms." }
                div.scroll tabindex="0" role="region" aria-labelledby="times" {
                    table.times {
                        thead {
                            tr {
                                th rowspan="2" scope="col" { "check" }
                                @for family in &families { th colspan="3" scope="colgroup" { (family_name(Some(*family))) } }
                            }
                            tr { @for _ in &families { th scope="col" { "median" } th scope="col" { "95 %" } th scope="col" { "slowest" } } }
                        }
                        tbody {
                            @for (checked, spreads) in &rows {
                                tr {
                                    th scope="row" { (title(checked.id)) }
                                    @for spread in spreads {
                                        @match spread {
                                            Some(spread) => { td { (spread.median) } td { (spread.most_of_them) } td { (spread.slowest) } }
                                            None => { td { "–" } td { "–" } td { "–" } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                p.phases {
                    @for (place, phase) in digest.record.phases.iter().enumerate() {
                        @if place > 0 { ", " } (phase.phase.doing()) " " (time(phase.millis))
                    }
                }
            }
        }
    }
}

fn times(digest: &Digest<'_>, checked: &Checked<'_>, family: IpFamily) -> Vec<u32> {
    let cases = checked.cases.iter().filter(|judged| judged.case.family == Some(family));
    let attempts =
        cases.flat_map(|judged| digest.record.observations(judged)).flat_map(|it| &it.attempts);
    attempts.filter(|attempt| attempt.outcome.succeeded()).map(|attempt| attempt.millis).collect()
}
