//! The table of all checks in each family: what is red at a glance.

use maud::{Markup, html};

use super::words::{anchor, shown, title};
use crate::{
    check::Status,
    report::{
        Tally,
        digest::{Digest, family_name},
    },
};

pub(super) fn render(digest: &Digest<'_>) -> Markup {
    html! {
        section aria-labelledby="checks" {
            h2 id="checks" { "Checks" }
            div.scroll tabindex="0" role="region" aria-labelledby="checks" {
                table.overview {
                    thead { tr {
                        th scope="col" { "check" }
                        @for family in &digest.families { th scope="col" { (family_name(*family)) } }
                    } }
                    tbody {
                        @for checked in &digest.checks {
                            tr {
                                th scope="row" { a href=(format!("#{}", anchor(checked.id))) { (title(checked.id)) } }
                                @for family in &digest.families { (cell(checked.tally(*family))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(tally: Tally) -> Markup {
    let worst = match tally {
        Tally { failed: 1.., .. } => Status::Fail,
        Tally { inconclusive: 1.., .. } => Status::Inconclusive,
        Tally { passed: 1.., .. } => Status::Pass,
        Tally { skipped: 1.., .. } => Status::Skip,
        _ => return html! { td.none { span.sr { "no cases" } } },
    };
    let (_, mark, class) = shown(worst);
    html! { td class=(class) { span.mark aria-hidden="true" { (mark) } " " (tally) } }
}
