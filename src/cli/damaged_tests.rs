//! What the command line makes of files that were damaged, by chance or by hand: records, baselines,
//! suites and what conformance needs. None of them brings it down. What is refused, is refused in one
//! sentence and with the exit code of bad files; what is read is judged, compared and reported.
//!
//! `DUALSTACK_DAMAGE_ROUNDS` says how often each is damaged, `DUALSTACK_DAMAGE_SEED` how it begins.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use fastrand::Rng;
use jiff::civil::date;
use serde_json::{Value, json};

use super::{conformance::Inputs, failure::Failure, saved, verify};
use crate::{
    baseline::Baseline,
    cause::tests::pages::examples,
    compare::compare,
    conformance::{Implementation, assess, verify as differences},
    event::Finished,
    exit::Exit,
    record::Record,
    report::{
        Ending, FORMATS,
        conformance::yaml,
        diff::{json as diff_json, markdown, text as diff_text},
        safe,
        text::{Layout, body},
    },
    run,
    suite::Suite,
    suites::EMBEDDED,
    sysdump::Material,
};

/// Records whose facts, fixture and verdicts differ in kind.
const EXAMPLES: [&str; 3] = ["node_not_forwarding", "services_refused", "single_stack_cluster"];

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Damages something again and again; `tried` gets the chance that decides how. A panic says with
/// which seed it is to be had again.
fn rounds(default: u64, mut tried: impl FnMut(&mut Rng)) {
    let rounds = setting("DUALSTACK_DAMAGE_ROUNDS").unwrap_or(default);
    let first = setting("DUALSTACK_DAMAGE_SEED").unwrap_or(1);
    for seed in first..first + rounds {
        let ended = catch_unwind(AssertUnwindSafe(|| tried(&mut Rng::with_seed(seed))));
        assert!(ended.is_ok(), "with DUALSTACK_DAMAGE_SEED={seed} DUALSTACK_DAMAGE_ROUNDS=1");
    }
}

/// A refusal is one sentence that steers no terminal.
fn is_a_sentence(failure: &Failure) {
    let sentence = failure.sentence();
    assert_eq!(failure.exit(), Exit::Usage, "{sentence}");
    let begins = ["cannot read", "invalid", "unsupported"];
    assert!(begins.iter().any(|begin| sentence.starts_with(begin)), "{sentence:?}");
    assert!(!sentence.contains(['\n', '\t']), "{sentence:?}");
    assert!(!sentence.contains(safe::steers), "{sentence:?}");
}

/// A value that stands where another is expected.
fn strange(rng: &mut Rng) -> Value {
    let texts = ["", "x", "\u{1b}[31m\r\n", "fd00::1", "10.0.0.1/33", "n9", "\u{202e}é", "::/0"];
    match rng.u8(..10) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(0),
        3 => json!(u64::MAX),
        4 => json!(1e300),
        5 => json!([]),
        6 => json!({}),
        7 => json!(rng.bool()),
        8 => json!("a".repeat(rng.usize(..100_000))),
        _ => json!(rng.choice(texts).unwrap()),
    }
}

/// Changes one place of a value: deep down as a rule, but anywhere.
fn damage(value: &mut Value, rng: &mut Rng) {
    let goes_down = rng.u8(..8) > 0;
    match value {
        Value::Array(all) if !all.is_empty() => {
            let at = rng.usize(..all.len());
            match rng.u8(..6) {
                0 if !goes_down => drop(all.remove(at)),
                1 if !goes_down => all.truncate(at),
                2 if !goes_down => all.push(all[at].clone()),
                3 if !goes_down => {
                    let other = rng.usize(..all.len());
                    all.swap(at, other);
                }
                _ => damage(&mut all[at], rng),
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            let key = rng.choice(&keys).unwrap();
            match rng.u8(..4) {
                0 if !goes_down => drop(fields.remove(key)),
                1 if !goes_down => {
                    let other = fields[rng.choice(&keys).unwrap()].clone();
                    fields.insert(key.clone(), other);
                }
                2 if !goes_down => drop(fields.insert("strange".to_owned(), strange(rng))),
                _ => damage(fields.get_mut(key).unwrap(), rng),
            }
        }
        Value::Number(number) if rng.bool() => {
            let near = number.as_u64().unwrap_or_default().wrapping_add(rng.u64(..4));
            *value = json!(near.wrapping_sub(1));
        }
        Value::String(text) if rng.bool() => {
            let keep = text.chars().count() / 2;
            *text = text.chars().take(keep).collect();
        }
        other => *other = strange(rng),
    }
}

/// Changes bytes of a text, or cuts it off.
fn damaged_bytes(text: &str, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..bytes.len().max(1)).min(bytes.len());
        let end = (at + rng.usize(1..40)).min(bytes.len());
        match rng.u8(..5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let marks =
                    ["\n", "  ", "\t", ": ", "- ", "{", "]", "\"", "#", "&a ", "*a", "\0", "é"];
                bytes.splice(at..at, rng.choice(marks).unwrap().bytes());
            }
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = rng.u8(..)),
        }
    }
    bytes
}

/// Does with a record what `judge`, `report`, `diff`, `verify` and `sysdump` do.
fn used(record: Record, whole: &Record, rng: &mut Rng) {
    let finished = |record: &Record| {
        let record = record.clone();
        Arc::new(Finished { exit: record.exit(), record })
    };
    for format in FORMATS {
        (format.render)(Ending::Finished(&record)).unwrap();
    }
    body(&finished(&record), &record.notices, Layout::default());
    let checks = record.suite.checks();
    let judged = run::rejudge(record.clone(), checks);
    body(&finished(&judged), &judged.notices, Layout::default());
    let changed = compare(whole, &judged);
    diff_text(&changed, Layout::default());
    markdown(&changed);
    diff_json(&changed);
    assess(&judged, implementation(), String::new());
    // Redacting judges the record twice more.
    let redact = rng.u8(..8) == 0;
    let (objects, log, missing) = (Vec::new(), None, Vec::new());
    let packed = Material { record, objects, log, missing, redact }.pack();
    assert!(redact || packed.is_ok(), "{packed:?}");
}

fn implementation() -> Implementation {
    let text = |text: &str| text.to_owned();
    Implementation {
        organization: text("acme"),
        project: text("acme-cni"),
        url: text("https://acme.example/cni"),
        version: text("v1.2.3"),
        contact: vec![text("@acme/net")],
    }
}

#[test]
fn a_damaged_record_is_refused_in_one_sentence_or_used_like_any_other() {
    let wholes: Vec<(Record, Value)> = examples()
        .into_iter()
        .filter(|(name, _)| EXAMPLES.contains(name))
        .map(|(_, lab)| lab.run().record)
        .map(|record| (record.clone(), serde_json::to_value(&record).unwrap()))
        .collect();
    assert_eq!(wholes.len(), EXAMPLES.len());
    let path = Path::new("run.json");
    let (mut refused, mut read) = (0, 0);
    rounds(60, |rng| {
        let (whole, value) = rng.choice(&wholes).unwrap();
        let mut value = value.clone();
        for _ in 0..rng.usize(1..3) {
            damage(&mut value, rng);
        }
        let text = value.to_string();
        let bytes = if rng.u8(..4) == 0 { damaged_bytes(&text, rng) } else { text.into_bytes() };
        match saved::parse(path, &bytes) {
            Ok(record) => {
                read += 1;
                used(record, whole, rng);
            }
            Err(failure) => {
                refused += 1;
                is_a_sentence(&failure);
            }
        }
    });
    // Otherwise one half of this test would say nothing.
    assert!(setting("DUALSTACK_DAMAGE_ROUNDS").is_some() || refused > 5 && read > 5);
}

/// Damages one of these texts of YAML, and reads it as a file.
fn texts(all: &[String], mut reads: impl FnMut(&Path) -> Option<Failure>) {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("file.yaml");
    let mut refused = 0;
    rounds(300, |rng| {
        let bytes = damaged_bytes(rng.choice(all).unwrap(), rng);
        fs::write(&path, &bytes).unwrap();
        if let Some(failure) = reads(&path) {
            refused += 1;
            is_a_sentence(&failure);
        }
    });
    assert!(setting("DUALSTACK_DAMAGE_ROUNDS").is_some() || refused > 5);
}

#[test]
fn a_damaged_suite_is_refused_in_one_sentence() {
    let suites = EMBEDDED.map(|(_, text)| text.to_owned());
    texts(&suites, |path| {
        let loaded = Suite::load(path.to_str().unwrap());
        loaded.err().map(Failure::from)
    });
}

#[test]
fn a_damaged_baseline_is_refused_in_one_sentence() {
    let entries = ["node_port::from_outside/ipv6/*", "dns", "*::records/ipv4/n1 -> DNS"];
    let entry =
        |case| json!({"case": case, "reason": "NET-42", "owner": "a", "until": "2027-01-31"});
    let known: Vec<Value> = entries.into_iter().map(entry).collect();
    let baseline = serde_saphyr::to_string(&json!({ "known": known })).unwrap();
    Baseline::parse("whole", &baseline, date(2026, 1, 1)).unwrap();
    texts(&[baseline], |path| {
        let loaded = Baseline::load(path.to_str().unwrap(), date(2026, 1, 1));
        loaded.err().map(Failure::from)
    });
}

#[test]
fn damaged_files_of_conformance_are_refused_in_one_sentence() {
    let lab = examples().into_iter().find(|(name, _)| *name == EXAMPLES[0]).unwrap().1;
    let record = lab.run().record;
    let report = yaml(&assess(&record, implementation(), String::new())).unwrap();
    texts(&[report], |path| match verify::read(path) {
        Ok(report) => {
            differences(&report, &record, "");
            None
        }
        Err(failure) => Some(failure),
    });
    let whose = "organization: acme\nproject: acme-cni\nurl: https://acme.example/cni\n\
                 version: v1.2.3\ncontact:\n- '@acme/net'\n";
    texts(&[whose.to_owned()], |path| Inputs::read(path).err().map(Failure::usage));
}
