//! The reports of runs in the lab, as a person and as a pipeline see them.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use super::{
    Ending, FORMATS, Fan, FileReport, OutputFile, Tally, github::GitHub, gitlab, json, junit,
    markdown, plain::Plain, streams::Stream, tap, text::Detail,
};
use crate::{
    check::Stage,
    event::Event,
    exit::Exit,
    fixture::{Exclusion, ExclusionKind, SelectedNode},
    lab::{Fault, Lab, Run},
    net::IpFamily::{V4, V6},
    record::{BrokenOff, Record},
};

/// A stream that can be read afterwards.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Checks of every form that a report knows. Reports read the same whatever checks there are besides.
pub(super) const SOME: &[&str] = &[
    "node::internal_ips",
    "pod::family_order",
    "pod::reachable",
    "service::cluster_ips",
    "service::cluster_ip_reachable",
    "service::hairpin",
    "node_port::from_pod",
    "node_port::from_outside",
    "dns::servers",
    "dns::records",
];

fn lab() -> Lab {
    Lab::dual().only(SOME)
}

fn healthy() -> Run {
    lab().run()
}

fn broken_route(nodes: usize) -> Run {
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    Lab::new(nodes, &[V4, V6]).only(SOME).full().with(fault).run()
}

/// No rule knows of a Service that leads to another backend than its own.
fn unexplained() -> Run {
    lab().with(Fault::WrongBackend { of: "n1", to: "n3" }).run()
}

fn interrupted() -> Run {
    let error = "interrupted by the operator".to_owned();
    let why = BrokenOff { error, exit: Some(Exit::Interrupted) };
    let mut run = lab().broken_off(Stage::Probed, "n3", why);
    run.record.left_behind =
        vec!["Namespace dualstack-ab3de: still terminating after 10 s".to_owned()];
    run
}

/// What a run prints to stdout and to stderr.
fn print(run: &Run, width: usize, detail: Detail) -> (String, String) {
    let (out, err) = (Captured::default(), Captured::default());
    let streams = (Stream::plain(out.clone(), width), Stream::plain(err.clone(), width));
    let mut fan = Fan::default().with(Plain::new(streams.0, streams.1, detail));
    run.events().iter().for_each(|event| fan.event(event));
    assert!(fan.finish().is_empty());
    (out.text(), err.text())
}

fn results(run: &Run, width: usize) -> String {
    print(run, width, Detail::Normal).0
}

#[test]
fn a_healthy_cluster_reads_well_at_80_columns() {
    insta::assert_snapshot!(results(&healthy(), 80));
}

#[test]
fn a_healthy_cluster_reads_well_at_160_columns() {
    insta::assert_snapshot!(results(&healthy(), 160));
}

#[test]
fn a_broken_route_is_explained_first_at_80_columns() {
    insta::assert_snapshot!(results(&broken_route(3), 80));
}

#[test]
fn a_broken_route_among_twelve_nodes_stands_out_at_160_columns() {
    insta::assert_snapshot!(results(&broken_route(12), 160));
}

#[test]
fn failures_without_a_known_cause_are_told_in_full() {
    insta::assert_snapshot!(results(&unexplained(), 80));
}

#[test]
fn doubts_are_counted_by_their_reason() {
    insta::assert_snapshot!(results(&lab().without_exec(), 80));
}

#[test]
fn an_interrupted_run_tells_what_is_known_and_what_is_left() {
    insta::assert_snapshot!(results(&interrupted(), 80));
}

#[test]
fn a_brief_report_holds_the_failures_and_the_summary() {
    let (out, err) = print(&broken_route(3), 80, Detail::Brief);
    insta::assert_snapshot!(out);
    assert_eq!(err, "");
}

#[test]
fn a_brief_report_says_why_a_run_is_inconclusive() {
    let (out, _) = print(&lab().without_exec(), 80, Detail::Brief);
    let first =
        "Inconclusive\n  - 12 cases of pod::reachable and service::cluster_ip_reachable: the exec";
    assert!(out.contains(first), "{out}");
    assert!(!out.contains("Skipped:"), "only what decides is said: {out}");
}

#[test]
fn a_full_report_has_a_row_for_every_case() {
    let (out, _) = print(&broken_route(12), 160, Detail::Full);
    let rows = |check: &str| out.lines().filter(|line| line.starts_with(check)).count();
    assert_eq!(rows("internal_ips "), 24);
    assert_eq!(rows("reachable "), 288);
}

#[test]
fn plain_lines_tell_what_happens_when_it_happens() {
    let (_, err) = print(&broken_route(3), 80, Detail::Normal);
    // The time at the start of each line is whatever it was.
    let lines: Vec<&str> = err.lines().map(|line| line.split_once("] ").unwrap().1).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn no_line_is_wider_than_the_terminal_unless_it_is_a_command() {
    for run in [healthy(), broken_route(3), broken_route(12), unexplained(), interrupted()] {
        for width in [80, 160] {
            let text = results(&run, width);
            let wide =
                text.lines().find(|line| line.chars().count() > width && !line.contains("$ "));
            assert_eq!(wide, None);
        }
    }
}

#[test]
fn condensed_rows_stand_for_every_case_there_is() {
    let run = broken_route(12);
    let text = results(&run, 160);
    let rows = text.lines().filter(|line| line.starts_with("cluster_ip_reachable "));
    let shown: usize = rows
        .map(|row| match row.split_whitespace().collect::<Vec<_>>()[..] {
            [_, _, count, "paths", ..] => count.parse().unwrap(),
            _ => 1,
        })
        .sum();
    let check = "service::cluster_ip_reachable";
    let cases = run.record.judged.iter().filter(|judged| judged.case.check == check);
    assert_eq!(shown, cases.count());
}

/// The JUnit report as it is written, read back by quick-junit.
fn read_back(record: &Record) -> Report {
    Report::deserialize_from_str(&junit::of_record(record).to_string().unwrap()).unwrap()
}

#[test]
fn junit_of_a_broken_route() {
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    let lab = lab().with(fault).only(&["pod::pod_ips", "pod::reachable"]);
    let record = lab.run().record;
    let xml = junit::of_record(&record).to_string().unwrap();
    // What a check promises is the check's to say.
    let own =
        |line: &&str| !["\"promise\"", "\"documentation\""].iter().any(|name| line.contains(name));
    insta::assert_snapshot!(xml.lines().filter(own).collect::<Vec<_>>().join("\n"));
}

#[test]
fn junit_reads_back_with_the_counts_and_names_of_the_run() {
    for run in [healthy(), broken_route(3), lab().without_exec()] {
        let record = run.record;
        let report = read_back(&record);
        let tally: Tally = record.judged.iter().collect();
        assert_eq!(report.tests, tally.total());
        assert_eq!(report.failures, tally.failed);
        assert_eq!(report.errors, tally.inconclusive);
        assert_eq!(report.skipped, tally.skipped);
        let names: BTreeSet<String> = report
            .test_suites
            .iter()
            .flat_map(|suite| &suite.test_cases)
            .map(|case| case.name.as_str().to_owned())
            .collect();
        let expected: BTreeSet<String> =
            record.judged.iter().map(|judged| judged.case.name()).collect();
        assert_eq!(names, expected);
    }
}

#[test]
fn junit_says_in_properties_which_way_failed_and_in_the_text_how_to_fix_it() {
    let report = read_back(&broken_route(3).record);
    let mut cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    let case = cases
        .find(|case| case.name.as_str() == "service::cluster_ip_reachable/ipv6/n2 -> n1")
        .unwrap();
    let property = |name: &str| {
        let mut properties = case.properties.iter();
        properties.find(|property| property.name.as_str() == name).unwrap().value.as_str()
    };
    assert_eq!((property("family"), property("source"), property("target")), ("IPv6", "n2", "n1"));
    let TestCaseStatus::NonSuccess { kind, message, description, .. } = &case.status else {
        panic!("it failed");
    };
    assert_eq!(*kind, NonSuccessKind::Failure);
    assert!(message.as_ref().unwrap().as_str().contains("does not reach the Service backend-1"));
    let text = description.as_ref().unwrap().as_str();
    assert!(text.contains("Restart the pod network's pod on n2"), "{text}");
    assert!(text.contains("ip -6 route get"), "{text}");
}

#[test]
fn junit_of_a_run_that_never_began_holds_one_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("junit.xml");
    let mut fan = Fan::default().with(FileReport::new(
        &junit::FORMAT,
        OutputFile::open("the JUnit report", &path).unwrap(),
    ));
    fan.event(&Event::BrokenOff { error: "can't reach https://192.0.2.1:6443".to_owned() });
    assert!(fan.finish().is_empty());
    let report = Report::deserialize_from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((report.tests, report.errors, report.failures), (1, 1, 0));
}

#[test]
fn json_is_the_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json");
    let mut fan = Fan::default()
        .with(FileReport::new(&json::FORMAT, OutputFile::open("the run record", &path).unwrap()));
    broken_route(3).events().iter().for_each(|event| fan.event(event));
    assert!(fan.finish().is_empty());
    let record: Record = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(record, broken_route(3).record);
}

#[test]
fn a_report_that_cannot_be_written_does_not_keep_the_others_from_it() {
    let directory = tempfile::tempdir().unwrap();
    let (gone, kept) = (directory.path().join("gone"), directory.path().join("kept.json"));
    std::fs::create_dir(&gone).unwrap();
    let junit = OutputFile::open("the JUnit report", &gone.join("junit.xml")).unwrap();
    let json = OutputFile::open("the run record", &kept).unwrap();
    let mut fan = Fan::default()
        .with(FileReport::new(&junit::FORMAT, junit))
        .with(FileReport::new(&json::FORMAT, json));
    healthy().events().iter().for_each(|event| fan.event(event));
    std::fs::remove_dir_all(&gone).unwrap();
    let errors = fan.finish();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].to_string().starts_with("cannot write the JUnit report to "),
        "{}",
        errors[0]
    );
    assert!(std::fs::metadata(&kept).unwrap().len() > 0);
}

fn rendered(format: &super::Format, record: &Record) -> String {
    String::from_utf8((format.render)(Ending::Finished(record)).unwrap().unwrap()).unwrap()
}

#[test]
fn markdown_of_a_broken_route() {
    insta::assert_snapshot!(rendered(&markdown::FORMAT, &broken_route(3).record));
}

#[test]
fn markdown_of_failures_without_a_known_cause() {
    insta::assert_snapshot!(rendered(&markdown::FORMAT, &unexplained().record));
}

#[test]
fn markdown_of_an_interrupted_run() {
    insta::assert_snapshot!(rendered(&markdown::FORMAT, &interrupted().record));
}

#[test]
fn tap_of_a_broken_route() {
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    let lab = lab().with(fault).only(&["pod::pod_ips", "pod::reachable"]);
    insta::assert_snapshot!(rendered(&tap::FORMAT, &lab.run().record));
}

#[test]
fn tap_has_a_point_for_each_case_and_only_passes_and_skips_are_ok() {
    for run in [healthy(), broken_route(3), lab().without_exec(), interrupted()] {
        let text = rendered(&tap::FORMAT, &run.record);
        let tally: Tally = run.record.judged.iter().collect();
        let of_the_run = usize::from(run.record.broken_off.is_some())
            + usize::from(!run.record.left_behind.is_empty());
        let begin = |with: &str| text.lines().filter(|line| line.starts_with(with)).count();
        assert_eq!(text.lines().nth(1).unwrap(), format!("1..{}", tally.total() + of_the_run));
        assert_eq!(begin("ok "), tally.passed + tally.skipped);
        assert_eq!(begin("not ok "), tally.failed + tally.inconclusive + of_the_run);
    }
}

#[test]
fn gitlab_has_a_finding_for_each_cause_each_other_failure_and_each_reason_for_a_doubt() {
    let findings = |run: &Run| -> Vec<serde_json::Value> {
        serde_json::from_str(&rendered(&gitlab::FORMAT, &run.record)).unwrap()
    };
    assert!(findings(&healthy()).is_empty());
    let of_a_route = findings(&broken_route(3));
    assert_eq!(of_a_route.len(), 1);
    assert_eq!(of_a_route[0]["check_name"], "pod_route_missing");
    assert_eq!(of_a_route[0]["severity"], "major");
    let unknown = findings(&unexplained());
    assert!(
        unknown.iter().all(|it| it["check_name"].as_str().unwrap().contains("::")),
        "{unknown:?}"
    );
    let doubts = findings(&lab().without_exec());
    assert!(doubts.iter().any(|it| it["severity"] == "minor"), "{doubts:?}");
    for finding in of_a_route.iter().chain(&unknown).chain(&doubts) {
        for field in ["description", "fingerprint"] {
            assert!(finding[field].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
        }
        assert!(finding["location"]["lines"]["begin"].is_u64(), "{finding}");
    }
}

/// Asserts that a reader of Markdown finds no HTML but our own, no link, no picture and no mention.
fn assert_markdown_is_plain(text: &str) {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    let mut in_code = false;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                let own = ["<details>", "</details>"].iter().any(|tag| html.starts_with(tag));
                assert!(own, "{html}");
            }
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code = false,
            Event::Start(tag) => {
                assert!(!matches!(tag, Tag::Link { .. } | Tag::Image { .. }), "{tag:?}");
            }
            Event::Text(text) if !in_code => assert!(!text.contains("@all"), "{text}"),
            _ => {}
        }
    }
}

#[test]
fn a_hostile_name_stays_a_name_in_every_format() {
    let record = super::html::hostile();
    for format in FORMATS {
        let text = rendered(format, &record);
        assert!(!text.contains('\u{1b}'), "{}: a terminal would obey", format.option);
    }
    let text = rendered(&markdown::FORMAT, &record);
    assert_markdown_is_plain(&text);
    let text = rendered(&tap::FORMAT, &record);
    assert!(!text.lines().any(|line| line.starts_with('#')), "{text}");
    let report = read_back(&record);
    assert_eq!(report.tests, record.judged.len());
}

#[test]
fn a_run_that_never_began_is_one_failure_in_every_format_that_has_words_for_it() {
    let error = "can't reach https://192.0.2.1:6443";
    let render = |format: &super::Format| (format.render)(Ending::NotBegun(error)).unwrap();
    for format in FORMATS.iter().filter(|format| format.option != "json") {
        let text = String::from_utf8(render(format).unwrap()).unwrap();
        assert!(text.contains("192.0.2.1:6443"), "{}: {text}", format.option);
    }
    assert_eq!(render(&json::FORMAT), None, "nothing is known that a record could hold");
    let text = String::from_utf8(render(&tap::FORMAT).unwrap()).unwrap();
    assert!(text.starts_with("TAP version 14\n1..1\nnot ok 1 - run/finished\n"), "{text}");
}

#[test]
fn github_gets_an_annotation_for_each_cause_and_the_summary_is_added_to() {
    let directory = tempfile::tempdir().unwrap();
    let summary = directory.path().join("summary.md");
    std::fs::write(&summary, "what was there\n").unwrap();
    let out = Captured::default();
    let github = GitHub::new(Stream::plain(out.clone(), 80), Some(summary.clone()));
    let mut fan = Fan::default().with(github);
    broken_route(3).events().iter().for_each(|event| fan.event(event));
    assert!(fan.finish().is_empty());
    insta::assert_snapshot!(out.text());
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("what was there\n## ❌ dualstack: Failed"), "{text}");
}

#[test]
fn github_reads_nothing_into_a_hostile_name_and_gets_ten_annotations_at_most() {
    let out = Captured::default();
    let mut fan = Fan::default().with(GitHub::new(Stream::plain(out.clone(), 80), None));
    let error = "a\n::error::b\r::warning::c\u{1b}[31m 100%".to_owned();
    fan.event(&Event::BrokenOff { error });
    assert!(fan.finish().is_empty());
    assert_eq!(
        out.text(),
        "::error title=dualstack::a%0A::error::b\u{fffd}::warning::c\u{fffd}[31m 100%25\n"
    );
}

#[test]
fn a_report_whose_name_ends_in_gz_is_compressed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json.gz");
    let output = OutputFile::open("the run record", &path).unwrap();
    let mut fan = Fan::default().with(FileReport::new(&json::FORMAT, output));
    healthy().events().iter().for_each(|event| fan.event(event));
    assert!(fan.finish().is_empty());
    let packed = std::fs::read(&path).unwrap();
    let record: Record = serde_json::from_reader(flate2::read::GzDecoder::new(&*packed)).unwrap();
    assert_eq!(record, healthy().record);
    assert!(packed.len() * 5 < serde_json::to_vec(&record).unwrap().len());
}

#[test]
fn many_nodes_that_are_left_out_for_one_reason_are_counted() {
    let run = lab()
        .changed(|lab| {
            let exclusion = Exclusion {
                reason: "not among the 3 of 23".to_owned(),
                kind: ExclusionKind::Deliberate,
            };
            lab.fixture.nodes.extend((4..24).map(|i| SelectedNode {
                name: format!("n{i}"),
                excluded: Some(exclusion.clone()),
            }));
        })
        .run();
    let text = results(&run, 160);
    assert!(text.contains("n4 and 19 more: not among the 3 of 23"), "{text}");
    assert!(!text.contains("n5: not among"), "{text}");
}
