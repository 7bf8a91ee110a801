//! The page as a text; [`super::browser`] opens it.

use serde_json::Value;

use super::page;
use crate::{
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
    record::Record,
};

/// So many nodes, of which one has lost a route.
pub(super) fn broken(nodes: usize) -> Record {
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    Lab::new(nodes, &[V4, V6]).with(fault).run().record
}

/// A record in which a node has a name that does its worst in HTML, Markdown and terminals.
pub(in crate::report) fn hostile() -> Record {
    const NAME: &str = "n1\"'><script>hacked=1</script><img src=http://x.invalid/ \
     onerror=hacked=1>\u{1b}[31m|`*\n# @all";
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) if text.contains("n1") => *text = text.replace("n1", NAME),
            Value::Array(values) => values.iter_mut().for_each(walk),
            Value::Object(fields) => fields.values_mut().for_each(walk),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(broken(3)).unwrap();
    walk(&mut value);
    serde_json::from_value(value).unwrap()
}

fn html(record: &Record) -> String {
    page::of_record(record).into_string()
}

/// What cells open.
fn data(html: &str) -> Value {
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn causes_come_before_the_tables_and_the_maps_before_the_facts() {
    let html = html(&broken(3));
    let order =
        ["<h1>Failed", "Cause 1", "id=\"checks\"", "id=\"maps\"", "id=\"times\"", "id=\"cluster\""];
    let places: Vec<usize> = order.iter().map(|text| html.find(text).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn every_case_is_in_a_cell_and_a_red_one_opens_attempts_evidence_and_commands() {
    let record = broken(3);
    let data = data(&html(&record));
    let cells = data["cells"].as_array().unwrap();
    assert_eq!(cells.len(), record.judged.len());
    let red = cells.iter().find(|cell| cell["title"] == "Pod to pod IPv6, n2 → n1").unwrap();
    let case = &red["cases"][0];
    assert_eq!((&red["status"][0], &case["cause"]), (&"failed".into(), &1.into()));
    for field in ["probes", "evidence", "reproduce", "fix"] {
        assert!(!case[field].as_array().unwrap().is_empty(), "{field}");
    }
    assert!(case["probes"][0][1].as_str().unwrap().contains("unreachable"), "{case}");
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let html = html(&broken(3));
    for text in [" src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!html.contains(text), "{text}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let html = html(&hostile());
    assert!(!html.contains("<script>hacked") && !html.contains("<img"), "escaped");
    assert!(!html.contains('\u{1b}'), "no terminal escape");
    assert!(html.contains("&lt;script&gt;hacked=1&lt;/script&gt;"));
    let script_ends = html.matches("</script>").count();
    assert_eq!(script_ends, 2, "the data and the script");
    assert!(data(&html).to_string().contains("<script>hacked=1</script>"), "as text");
}

#[test]
fn a_page_of_many_nodes_stays_small() {
    for nodes in [50, 500] {
        let record = broken(nodes);
        let html = html(&record);
        assert!(html.len() < 4_000_000, "{nodes} nodes: {} bytes", html.len());
        assert!(html.contains("those that stand out"), "grouped");
        assert!(html.contains("<th scope=\"row\">n2</th>"), "the broken node has a row of its own");
    }
}

#[test]
fn a_run_that_never_began_has_a_page_with_the_reason() {
    let html = page::of_nothing("cannot reach <https://192.0.2.1:6443>").into_string();
    assert!(html.contains("cannot reach &lt;https://192.0.2.1:6443&gt;"), "{html}");
    assert!(html.contains("<h1>Not run</h1>"), "{html}");
}
