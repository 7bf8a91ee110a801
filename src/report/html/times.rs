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
                                @for family in &families {
                                    th colspan="3" scope="colgroup" { (family_name(Some(*family))) }
                                }
                            }
                            tr {
                                @for _ in &families {
                                    th scope="col" { "median" }
                                    th scope="col" { "95 %" }
                                    th scope="col" { "slowest" }
                                }
                            }
                        }
                        tbody {
                            @for (checked, spreads) in &rows {
                                tr {
                                    th scope="row" { (title(checked.id)) }
                                    @for spread in spreads {
                                        @match spread {
                                            Some(spread) => {
                                                td { (spread.median) }
                                                td { (spread.most_of_them) }
                                                td { (spread.slowest) }
                                            }
                                            None => { td { "–" } td { "–" } td { "–" } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                (beside(digest))
                p.phases {
                    @for (place, phase) in digest.record.phases.iter().enumerate() {
                        @if place > 0 { ", " } (phase.phase.doing()) " " (time(phase.millis))
                    }
                }
            }
        }
    }
}

/// The times of both families beside each other, on the paths that answered in both.
fn beside(digest: &Digest<'_>) -> Markup {
    let parity = &digest.record.parity;
    html! {
        @if !parity.kinds.is_empty() {
            p.note { "Of the paths that answered in both families: the median of their times until \
             the first success, and of all answers." }
            div.scroll tabindex="0" role="region" aria-label="Both families" {
                table.times {
                    thead {
                        tr {
                            th rowspan="2" scope="col" { "path" }
                            th colspan="2" scope="colgroup" { "IPv4" }
                            th colspan="2" scope="colgroup" { "IPv6" }
                        }
                        tr { @for _ in 0..2 { th scope="col" { "first" } th scope="col" { "median" } } }
                    }
                    tbody {
                        @for kind in &parity.kinds {
                            tr {
                                th scope="row" { (title(&kind.check)) }
                                @for times in [kind.times.ipv4, kind.times.ipv6] {
                                    td { (times.first_ms) }
                                    td { (times.median_ms) }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(preference) = &parity.preference { p.note { (preference) } }
        }
    }
}

fn times(digest: &Digest<'_>, checked: &Checked<'_>, family: IpFamily) -> Vec<u32> {
    let cases = checked.cases.iter().filter(|judged| judged.case.family == Some(family));
    let attempts =
        cases.flat_map(|judged| digest.record.observations(judged)).flat_map(|it| &it.attempts);
    attempts.filter(|attempt| attempt.outcome.succeeded()).map(|attempt| attempt.millis).collect()
}
