//! Kubernetes' own YAML reader (`tests/yaml_reader`, run by Go) and the linter take and refuse the
//! same texts. What the two are known to read differently, and is left so (`KNOWN` in
//! `tests/lint_yaml.rs`), is not tried; what is found is to be judged, and a form that people write
//! belongs into that test.
#![no_main]

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
};

use dualstack::lint::{Options, lint_text, rules::Finding};
use libfuzzer_sys::fuzz_target;

/// The reader, one process for all texts.
struct Reader {
    texts: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reader {
    fn start() -> Self {
        let mut child = Command::new("go")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/yaml_reader"))
            .args(["run", "."])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Go is needed to run Kubernetes' reader");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(texts), Some(stdout)) = (stdin, stdout) else { panic!("both are pipes") };
        Self { texts, answers: BufReader::new(stdout) }
    }

    /// What it says of a text: `ok`, or why it refuses it.
    fn ask(&mut self, text: &str) -> String {
        writeln!(self.texts, "{}", serde_json::json!(text)).expect("the reader must run");
        let mut answer = String::new();
        let count = self.answers.read_line(&mut answer).expect("the reader must answer");
        assert!(count > 0, "the reader ended");
        answer.trim_end().to_owned()
    }
}

thread_local! {
    static READER: RefCell<Reader> = RefCell::new(Reader::start());
}

/// Pieces of forms that the two are known to read differently.
const KNOWN: &[&str] = &["<<", "%", "\\/", "{{", "inf", "e4", "|", ">", "?"];

/// Whether a text holds a form that the two are known to read differently.
fn is_known(text: &str) -> bool {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    // A byte-order mark within a document is a part of a word for the one, and is no use to anybody.
    text.contains('\u{feff}') || text.contains(odd) || KNOWN.iter().any(|own| text.contains(own))
}

fuzz_target!(|text: &str| {
    if is_known(text) {
        return;
    }
    let report = lint_text("fuzz.yaml", text.into(), None, &Options::default());
    // What stands in texts of the document is for other readers.
    let file = report.sources.iter().next().map(|(id, _)| id);
    let own = |finding: &&Finding| {
        finding.code == "DS001"
            && Some(finding.span.source) == file
            && !finding.message.starts_with("this must be JSON")
    };
    let ours = report.findings.iter().find(own);
    let theirs = READER.with_borrow_mut(|reader| reader.ask(text));
    let ours_ok = ours.is_none();
    assert_eq!(ours_ok, theirs == "ok", "{text:?}: the reader: {theirs}; we: {ours:?}");
});
