//! How long answers took in IPv6 beside IPv4: one line where the two are unlike, and in full a table.

use super::{
    layout::{DIM, Detail, Prose, YELLOW, paint},
    view::View,
};
use crate::check::KindOfPath;

/// The table or the line; nothing where there is nothing to say.
pub(super) fn render(view: &View<'_>) -> String {
    let parity = &view.record.parity;
    let mut prose = Prose::new(view.layout);
    if parity.kinds.is_empty() {
        return String::new();
    }
    if view.layout.detail < Detail::Full {
        let unlike: Vec<String> =
            parity.kinds.iter().filter(|kind| kind.is_unlike()).map(named).collect();
        if !unlike.is_empty() {
            prose.paragraph(&format!(
                "{} {}; --output wide shows all times.",
                paint(YELLOW, "Different answer times:"),
                unlike.join(", ")
            ));
        }
        return prose.into_text();
    }
    let width = parity.kinds.iter().map(|kind| kind.check.len()).max().unwrap_or_default();
    let row = |name: &str, cells: [String; 4]| {
        let [first, median, first6, median6] = cells;
        format!("  {name:width$}  {first:>11}  {median:>6}  {first6:>11}  {median6:>6}")
    };
    let header = ["IPv4: first", "median", "IPv6: first", "median"].map(str::to_owned);
    prose.heading("Answer times, in milliseconds").line(&paint(DIM, &row("", header)));
    for KindOfPath { check, times } in &parity.kinds {
        let (ipv4, ipv6) = (times.ipv4, times.ipv6);
        let cells = [ipv4.first_ms, ipv4.median_ms, ipv6.first_ms, ipv6.median_ms];
        prose.line(&row(check, cells.map(|millis| millis.to_string())));
    }
    if let Some(preference) = &parity.preference {
        prose.paragraph(preference);
    }
    prose.into_text()
}

fn named(kind: &KindOfPath) -> String {
    let (fast, quick, slow) = kind.times.ordered();
    let (least, most) = (quick.median_ms, slow.median_ms);
    format!("{} takes {most} ms over {}, {least} ms over {fast}", kind.check, fast.other())
}
