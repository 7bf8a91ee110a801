//! The table of all checks in each family: what is red at a glance.

use maud::{Markup, html};

use super::words::{anchor, shown, title};
use crate::{
    check::Status,
    net::IpFamily,
    report::{
        Tally,
        digest::{Checked, Digest, family_name},
    },
};

pub(super) fn render(digest: &Digest<'_>) -> Markup {
    let columns = columns(digest);
    html! {
        section aria-labelledby="checks" {
            h2 id="checks" { "Checks" }
            div.scroll tabindex="0" role="region" aria-labelledby="checks" {
                table.overview {
                    thead { tr {
                        th scope="col" { "check" }
                        @for family in &columns { th scope="col" { (family_name(*family)) } }
                    } }
                    tbody {
                        @for checked in &digest.checks {
                            tr {
                                th scope="row" { a href=(format!("#{}", anchor(checked.id))) { (title(checked.id)) } }
                                (cells(checked, &columns))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The families, and both at once only where a check has such cases beside others: those of a check
/// that has no others stand across the families' columns.
fn columns(digest: &Digest<'_>) -> Vec<Option<IpFamily>> {
    let mixed = digest.checks.iter().any(|checked| {
        let of = |none: bool| checked.cases.iter().any(|it| it.case.family.is_none() == none);
        of(true) && of(false)
    });
    let families = || digest.families.iter().copied();
    if mixed || families().all(|family| family.is_none()) {
        families().collect()
    } else {
        families().filter(Option::is_some).collect()
    }
}

fn cells(checked: &Checked<'_>, columns: &[Option<IpFamily>]) -> Markup {
    let all = checked.tally(None);
    if all.total() > 0 && !columns.contains(&None) {
        return cell(all, columns.len());
    }
    html! { @for family in columns { (cell(checked.tally(*family), 1)) } }
}

fn cell(tally: Tally, columns: usize) -> Markup {
    let worst = match tally {
        Tally { failed: 1.., .. } => Status::Fail,
        Tally { inconclusive: 1.., .. } => Status::Inconclusive,
        Tally { passed: 1.., .. } => Status::Pass,
        Tally { skipped: 1.., .. } => Status::Skip,
        _ => return html! { td.none { span.sr { "no cases" } } },
    };
    let (_, mark, class) = shown(worst);
    html! {
        td class=(class) colspan=[(columns > 1).then_some(columns)] {
            span.mark aria-hidden="true" { (mark) } " " (tally)
        }
    }
}
