//! What Kubernetes' own YAML reader takes, `dualstack lint` takes, and the other way round: a
//! corpus of forms, and documents with every line indented otherwise, held against
//! `sigs.k8s.io/yaml` (`tests/yaml_reader`, built by Go). Without Go the test is skipped aloud;
//! `DUALSTACK_REQUIRE_COMPONENTS=1` makes that a failure.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use dualstack::lint::{Options, lint_text};

/// Forms that the two read differently, and why that is left so: what only says more than
/// Kubernetes' reader (it refuses the document with an error that names the line), and forms
/// that nobody writes, such as a byte-order mark as a part of a key.
const KNOWN: &[&str] = &["bom_later_inside", "dq_slash", "nel", "percent", "template_value"];

/// Documents with what spans several lines.
const SEEDS: &[&str] = &[
    "a:\n  b: [\n    1,\n    {c: 'd',\n     e: \"f\"},\n  ]\n  g: '{\n    \"h\": 1\n  }'\n  i: \"x\n    \
     y\"\nj: |\n  k: [\n  l\nm:\n  - n: [1,\n      2]\n    o: p\n  - q\n",
    "{\n  \"a\": {\n    \"b\": [1, 2],\n    \"c\": \"d\"\n  }\n}\n",
];

#[rustfmt::skip]
const FORMS: &[(&str, &str)] = &[
    ("alias_key", "a: &x y\n*x : 1\n"),
    ("alias_key_colon", "a: &x y\n*x: 1\nb:\n  *x: 2\n"),
    ("alias_key_word", "a: &x y\n*x:1\n"),
    ("amp", "a: &x\nb: *x\n"),
    ("anchor_before_map", "a: &x\n  b: 1\nc: *x\n"),
    ("anchor_on_seq", "a: &x\n- 1\nb: *x\n"),
    ("anchors", "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n"),
    ("at", "a: @b\n"),
    ("backtick", "a: `b`\n"),
    ("bang", "a: !\n"),
    ("big", "a: 1e400\nb: .inf\nc: 2001-01-01\n"),
    ("block_empty", "a: |\nb: 1\n"),
    ("block_header_comment", "a: | # c\n  x\n"),
    ("block_in_flow", "a: [\n  - 1\n]\n"),
    ("bom", "\u{feff}a: 1\n"),
    ("bom_later", "a: 1\n---\n\u{feff}b: 2\n"),
    ("bom_later_inside", "a: 1\n---\nc: 1\n\u{feff}b: 2\n"),
    ("brace_at_key", "a: {\n  b: 1\n}\n"),
    ("braces_plain", "a: b{c}\nd: x[1]\n"),
    ("bracket_at_key", "a: [\n  1\n]\n"),
    ("colon_in_quotes", "a: 'b: c'\n"),
    ("comma", "a: b, c\n"),
    ("comment_between", "a:\n# c\n  b: 1\n # d\n  c: 2\n"),
    ("comment_flow", "a: [\n  # it's \"one\n  1, # don't\n]\nb: 2\n"),
    ("comment_no_space", "a: 1#b\nb: [1]#c\n"),
    ("comment_no_space_flow", "a: [[1]#b\n, 2]\nb: {c: 1}#d\ne: 1\n"),
    ("comment_no_space_quote", "a: 'b'#c\nd: \"e\"#f\n"),
    ("complex", "? [a, b]\n: c\n"),
    ("crlf", "a: 1\r\nb:\r\n  c: 2\r\n"),
    ("crlf_block", "a: |\r\n  x\r\n\r\n  y\r\nb: >-\r\n  z\r\nc: 1\r\n"),
    ("crlf_comment", "# c\r\na: 1 # d\r\n\r\n---\r\n# e\r\nb: 2\r\n"),
    ("crlf_flow", "a: [\r\n  1,\r\n]\r\nb: {\r\n}\r\n"),
    ("crlf_quote", "a: \"x\r\n  y\"\r\nb: 'c'\r\n"),
    ("crlf_tab", "a:\r\n\tb: 1\r\n"),
    ("crlf_tab_line", "a: 1\r\n\t\r\nb: 2\r\n"),
    ("cr_alone", "a: 1\rb: 2\r"),
    ("nan", "a: [.NaN]\nb: \".inf\"\n.inf: 1\n"),
    ("ctrl", "a: \"b\u{1}c\"\n"),
    ("customtag", "a: !foo bar\n"),
    ("dash_map", "- a: 1\n  b: 2\n-\n  c: 3\n"),
    ("dash_nospace", "a: -b\n"),
    ("dashval", "a: -\nb: --- \n"),
    ("deeper", "a: 1\n  b: 2\n"),
    ("del", "a: b\u{7f}c\n"),
    ("doc_comment", "# only\n"),
    ("doc_marker_text", "--- # x\na: 1\n"),
    ("doc_marker_comment", "a: 1\n--- # x\nb: 1\n"),
    ("doc_marker_dashes", "a: 1\n----\nb: 1\n"),
    ("doc_marker_tab", "a: 1\n---\t\nb: 1\n"),
    ("doc_marker_tab_comment", "a: 1\n---\t# x\nb: 1\n"),
    ("doc_marker_tab_crlf", "a: 1\r\n---\t\r\nb: 1\r\n"),
    ("doc_marker_tab_value", "a: 1\n---\tb: 1\n"),
    ("doc_marker_value", "a: 1\n--- b: 1\n"),
    ("doc_marker_word", "---a\nb: 1\n"),
    ("dots", "a: 1\n...\n"),
    ("double_colon", "a: b: c\n"),
    ("dq_slash", "a: \"\\/\"\n"),
    ("dq_u", "a: \"\\u00e9\\U0001F600\\x41\"\n"),
    ("dq_unknown", "a: \"\\q\"\n"),
    ("dquote_escape", "x:\n  a: \"one\\\n two\"\n"),
    ("dquote_less", "x:\n  a: \"one\n  two\nthree\"\n"),
    ("dup", "a: 1\na: 2\n"),
    ("emoji", "a: \u{1f600}\n"),
    ("empty_flow", "a: []\nb: {}\n"),
    ("empty_key", ": a\n"),
    ("flow_adj", "a: {\"b\":c}\n"),
    ("flow_after_dash", "x:\n- [1,\n2]\n- {a: b,\nc: d}\n"),
    ("flow_colon_nospace", "a: {b:c}\n"),
    ("flow_in_list", "- a: [\n  1\n  ]\n- b\n"),
    ("flow_key_multi", "{a: 1,\nb: 2\n}\n"),
    ("flow_less", "x:\n  a: [\n1,\n2\n]\n"),
    ("flow_multiline_key", "a: {b\n  : c}\n"),
    ("flow_plain_multi", "a: [one\n  two, three]\n"),
    ("flow_plain_multi0", "a: [one\ntwo, three]\n"),
    ("flow_question", "a: {? b : c}\n"),
    ("flow_single_pair", "a: [b: c, d: e]\n"),
    ("flow_then_junk", "a: [1] c\n"),
    ("flow_top_dedent", "[\n1,\n2\n]\n"),
    ("folded_more", "a: >\n  x\n    y\n  z\nb: 1\n"),
    ("folded_quote_end", "a: '\n  x\n  '\nb: 1\n"),
    ("int_key", "1: a\ntrue: b\n"),
    ("ipv6", "a: fd00::1\nb: ::1\nc: [fd00::1, ::1]\n"),
    ("ipv6_end", "a: fd00::\n"),
    ("ipv6_flow", "a: [::]\n"),
    ("ipv6_flow2", "a: [fd00::]\n"),
    ("ipv6_flow3", "a: {b: fd00::}\n"),
    ("ipv6_flow4", "a: {b: ::, c: 1}\n"),
    ("json", "{\"a\": [1, 2], \"b\": {\"c\": null}}\n"),
    ("json_in_dquote0", "s:\n  c: \"{\n    \\\"d\\\": 1\n}\"\n"),
    ("json_in_quote0", "s:\n  c: '{\n    \"d\": \"0.3.1\",\n    \"n\": \"it''s\"\n}'\n"),
    ("json_nospace", "{\"a\":\"b\",\"c\":[\"d\"]}\n"),
    ("json_tabs", "{\n\t\"a\": [\n\t\t1\n\t]\n}\n"),
    ("key_quote_colon", "'a: b': c\n"),
    ("key_with_space", "a b: c\n"),
    ("list_less", "a:\n  - 1\n - 2\n"),
    ("list_same_indent", "a:\n- 1\n- 2\nb: 1\n"),
    ("literal", "a: |\n  [ {\n  \"\nb: 1\n"),
    ("literal_dedent_comment", "a: |\n  x\n# comment\nb: 1\n"),
    ("literal_indent", "a: |2\n    x\n  y\nb: 1\n"),
    ("literal_keep", "a: |+\n  x\n\nb: >-\n  y\n"),
    ("literal_less", "a: |\n    x\n  y\nb: 1\n"),
    ("literal_tab", "a: |\n  x\n\ty\nb: 1\n"),
    ("literal_tab2", "a: |\n  \tx\nb: 1\n"),
    ("literal_tab3", "a:\n  - >-\n\n    \tx\n  - y\n"),
    ("literal_tab_blank", "a: |\n \t\n  x\nb: 1\n"),
    ("literal_tab_indicated", "a: |2\n  \tx\nb: 1\n"),
    ("literal_tab_later", "a: |\n  x\n  \ty\nb: 1\n"),
    ("ls", "a: \"b\u{2028}c\"\n"),
    ("map_in_list_bad", "- a: 1\n b: 2\n"),
    ("merge_list", "a: &a {x: 1}\nb: &b {y: 2}\nc:\n  <<: [*a, *b]\n"),
    ("merge_scalar", "<<: 1\na: 2\n"),
    ("multi_doc", "a: 1\n---\nb: 2\n---\n"),
    ("nbsp", "a: b\u{a0}c\n"),
    ("nel", "a: b\u{85}c\n"),
    ("nested_dash", "- - a\n  - b\n- - c\n"),
    ("no_colon", "a\nb: 1\n"),
    ("null", "a:\nb: ~\nc: null\n"),
    ("only_scalar", "hello\n"),
    ("percent", "%YAML 1.1\n---\na: 1\n"),
    ("percentval", "a: %b\n"),
    ("plain_colon", "a: b:c\nd: http://x\n"),
    ("plain_hash", "a: b#c\n"),
    ("plain_multi", "a: one\n  two\n  three\nb: 1\n"),
    ("plain_quote_inside", "a: b 'c' \"d\"\n"),
    ("qmark", "a: ?b\n"),
    ("question", "? a\n: b\n"),
    ("quote_key", "\"a\": 1\n'b': 2\n"),
    ("quote_key_multi", "\"a\n b\": 1\n"),
    ("quote_less", "x:\n  a: 'one\ntwo'\n"),
    ("quote_then_comment", "a: \"b\" # c\n"),
    ("quote_then_junk", "a: \"b\" c\n"),
    ("seq_of_flow", "a:\n  - {b: 1,\n     c: 2}\n  - [1,\n     2]\n"),
    ("sexagesimal", "a: 1:30\nb: 0o17\nc: 0x1f\nd: 1_000\n"),
    ("shallower", "  a: 1\nb: 2\n"),
    ("single_esc", "a: 'it''s'\n"),
    ("star_quoted", "a: '*'\nb: \"*\"\n"),
    ("starval", "a: *b\n"),
    ("tab_after_colon", "a:\tb\n"),
    ("tab_after_dash", "-\ta\n-\tb\n"),
    ("tab_blank", "a: 1\n\t\nb: 2\n"),
    ("tab_comment", "a: 1\n\t# c\nb: 2\n"),
    ("tab_line_block", "a: |\n  x\n\t\n  y\nb: 1\n"),
    ("tab_line_block_end", "a: |\n  x\nb: 1\n\t\n"),
    ("tab_line_comment", "a: 1 # c\n  \t\nb: 2\n"),
    ("tab_line_deep", "a:\n  b: 1\n    \t\n  c: 1\n"),
    ("tab_line_deep_less", "a:\n  b: 1\n \t\n  c: 1\n"),
    ("tab_line_empty", "a:\n\t\n  b: 1\n"),
    ("tab_line_first", "\t\na: 1\n"),
    ("tab_line_flow", "a: [1,\n\t\n  2]\nb: 1\n"),
    ("tab_line_list", "a:\n- b\n \t\n- c\n  \t\n"),
    ("tab_line_plain", "a: b\n  \t\nc: 1\n"),
    ("tab_line_quote", "a: \"b\n\t\n  c\"\nd: 1\n"),
    ("tab_line_quoted_before", "a: \"b\"\n  \t\nd: 1\n"),
    ("tab_in_flow", "a: [\n\t1,\n\t2\n]\n"),
    ("tab_indent", "a:\n\tb: 1\n"),
    ("tab_trailing", "a: 1\t\nb: 2\t# c\n"),
    ("tag", "a: !!str 1\nb: !!binary aGk=\n"),
    ("template_str", "a: \"{{ b }}\"\n"),
    ("template_value", "a: {{ b }}\n"),
    ("tilde_key", "~: 1\n"),
    ("trailing_comma", "a: [1, 2,]\nb: {c: 1,}\n"),
    ("trailing_ws", "a: 1   \nb:    \n  c: 1  \n"),
    ("unclosed_f", "a: [1\nb: 1\n"),
    ("unclosed_q", "a: \"b\nc: 1\n"),
    ("uneven", "a:\n    b: 1\n  c: 2\n"),
    ("y", "y: 1\nn: 2\nyes: no\n"),
];

/// The seeds with each line indented by each of several widths.
fn indented() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (number, seed) in SEEDS.iter().enumerate() {
        let lines: Vec<&str> = seed.lines().collect();
        for at in 0..lines.len() {
            for width in 0..7 {
                let line = format!("{}{}", " ".repeat(width), lines[at].trim_start());
                let mut changed = lines.clone();
                changed[at] = &line;
                all.push((format!("{number}-{at}-{width}"), changed.join("\n") + "\n"));
            }
        }
    }
    all
}

/// The reader, or nothing (said aloud) where it can't be built.
fn reader() -> Option<PathBuf> {
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("yaml-reader");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml_reader");
    let built =
        Command::new("go").current_dir(source).args(["build", "-o"]).arg(&binary).arg(".").output();
    let why = match built {
        Ok(output) if output.status.success() => return Some(binary),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(
        env::var_os("DUALSTACK_REQUIRE_COMPONENTS").is_none_or(|value| value.is_empty()),
        "required, but the reader could not be built: {why}"
    );
    eprintln!("SKIPPED: the reader could not be built: {why}");
    None
}

/// What the reader says of each text: one process reads them all.
fn read<'t>(binary: &Path, texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let mut lines = String::new();
    for text in texts {
        lines.push_str(&serde_json::to_string(text).unwrap());
        lines.push('\n');
    }
    let mut child =
        Command::new(binary).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Why the linter does not read a text, if it does not.
fn refused(text: &str) -> Option<String> {
    let report = lint_text("a.yaml", text.into(), None, &Options::default());
    let syntax = report.findings.into_iter().find(|finding| finding.code == "DS001");
    syntax.map(|finding| finding.message)
}

#[test]
fn the_linter_takes_and_refuses_what_kubernetes_reader_does() {
    let Some(binary) = reader() else { return };
    let forms = FORMS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let texts: Vec<_> = forms.chain(indented()).collect();
    let said = read(&binary, texts.iter().map(|(_, text)| text.as_str()));
    assert_eq!(said.len(), texts.len());
    let mut differ = BTreeMap::new();
    for ((name, text), said) in texts.iter().zip(&said) {
        let ours = refused(text);
        if ours.is_none() != (said == "ok") {
            differ.insert(name.as_str(), format!("{text:?}: the reader: {said}; we: {ours:?}"));
        }
    }
    let names: Vec<&str> = differ.keys().copied().collect();
    assert_eq!(names, KNOWN, "{differ:#?}");
}

/// Texts that differ a little from others, the same ones for a seed.
struct Mutations {
    state: u64,
    corpus: Vec<String>,
}

/// What a mutation puts in: what YAML gives a meaning, and what stands in configurations.
const PIECES: &[&str] = &[
    " ",
    "  ",
    "\n",
    ": ",
    "- ",
    "#",
    " #",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "&a ",
    "a",
    "1",
    "fd00::/64",
    "fd00::1",
    "true",
    "---\n",
    "key: value\n",
    "@",
    "`",
];

impl Mutations {
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn boundary(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn next(&mut self) -> String {
        let which = self.below(self.corpus.len());
        let mut text = self.corpus[which].clone();
        for _ in 0..=self.below(3) {
            let at = self.boundary(&text);
            match self.below(5) {
                0 => {
                    let piece = PIECES[self.below(PIECES.len())];
                    text.insert_str(at, piece);
                }
                1 => {
                    let end = self.boundary(&text);
                    let (from, to) = (at.min(end), at.max(end).min(at.min(end) + 4));
                    let to = (to..=text.len()).find(|to| text.is_char_boundary(*to)).unwrap();
                    text.replace_range(from..to, "");
                }
                kind => {
                    let mut lines: Vec<&str> = text.lines().collect();
                    let line = self.below(lines.len());
                    if lines.is_empty() {
                        continue;
                    }
                    let width = self.below(6);
                    let moved = format!("{}{}", " ".repeat(width), lines[line].trim_start());
                    match kind {
                        2 => lines[line] = &moved,
                        3 => {
                            let copy = lines[line];
                            lines.insert(line, copy);
                        }
                        _ => {
                            lines.remove(line);
                        }
                    }
                    text = lines.join("\n") + "\n";
                }
            }
        }
        text
    }
}

/// The forms that both read alike, the seeds, and the configurations among the test data. Those with
/// documents inside texts are left out: the linter reads these too.
fn corpus() -> Vec<String> {
    let odd = |name: &str| {
        let odd = ["merge", "bom", "tag", "dots", "doc_marker", "question", "qmark", "anchors"];
        KNOWN.contains(&name) || odd.iter().any(|part| name.contains(part))
    };
    let forms = FORMS.iter().filter(|(name, _)| !odd(name));
    let mut all: Vec<String> = forms.map(|(_, text)| (*text).to_owned()).collect();
    all.retain(|text| !text.contains(|c: char| c.is_control() && c != '\n'));
    all.extend(SEEDS.iter().map(|text| (*text).to_owned()));
    for kind in ["bad", "good"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lint").join(kind);
        let mut paths: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
        all.extend(texts.filter(|text| !text.contains('|') && !text.contains("'{\n")));
    }
    all
}

#[test]
fn of_a_thousand_mutated_texts_at_most_seven_are_read_otherwise_than_kubernetes_reader_does() {
    let Some(binary) = reader() else { return };
    let number = |name: &str, default: u64| {
        env::var(name).ok().map_or(default, |text| text.parse().unwrap())
    };
    let rounds = number("DUALSTACK_YAML_ROUNDS", 2_000);
    let state = number("DUALSTACK_YAML_SEED", 0x9e37_79b9_7f4a_7c15);
    let mut mutations = Mutations { state, corpus: corpus() };
    let texts: Vec<String> = (0..rounds).map(|_| mutations.next()).collect();
    let said = read(&binary, texts.iter().map(String::as_str));
    assert_eq!(said.len(), texts.len());
    let mut refused_wrongly = Vec::new();
    let mut taken_wrongly = Vec::new();
    for (text, said) in texts.iter().zip(&said) {
        match (refused(text), said == "ok") {
            (Some(ours), true) => refused_wrongly.push(format!("{ours}\n{text}")),
            (None, false) => taken_wrongly.push(format!("{said}\n{text}")),
            _ => {}
        }
    }
    eprintln!(
        "{rounds} texts: {} refused wrongly, {} taken wrongly",
        refused_wrongly.len(),
        taken_wrongly.len()
    );
    // Forms that nobody writes are left, such as a question mark or a bracket inside of a word.
    let bound = |wrong: usize, of: usize| wrong * of <= texts.len();
    assert!(
        bound(refused_wrongly.len(), 500) && bound(taken_wrongly.len(), 200),
        "refused wrongly:\n{}\ntaken wrongly:\n{}",
        refused_wrongly.join("\n=====\n"),
        taken_wrongly.join("\n=====\n")
    );
}
