//! Taking names and addresses out of what leaves the house, so that it can still be judged.
//!
//! The same name or address always gets the same other one, within one archive. Which, only chance
//! decides, anew each time.

mod addresses;
mod names;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value};

use self::{addresses::Addresses, names::Names, scan::Token};
use crate::{
    cause::Cause,
    check::{Status, World, message_size},
    fixture::Fixture,
    probe::{Outcome, Probe, ProbeTable, Target},
    record::Record,
    run,
};

/// How often another choice of addresses is tried, until none of them is the address of somebody else
/// in the record.
const TRIES: u32 = 32;

/// Fields with words of ours in them, which nobody's name may be looked for in.
const WORDS: [&str; 31] = [
    "aim",
    "check",
    "checks",
    "component",
    "confidence",
    "does",
    "dualstack",
    "effect",
    "egress",
    "exit",
    "families",
    "family",
    "hook",
    "ip_families",
    "kind",
    "os",
    "outcome",
    "outside",
    "phase",
    "policy",
    "primary",
    "protocol",
    "proxied",
    "reached",
    "role",
    "run",
    "state",
    "status",
    "subject",
    "trouble",
    "vantage",
];

/// Fields with sentences of others in them.
const SENTENCES: [&str; 12] = [
    "around",
    "detail",
    "ended",
    "error",
    "left_behind",
    "line",
    "lost",
    "message",
    "notices",
    "reason",
    "unread",
    "waiting",
];

/// Labels of nodes that stay, with their values: they tell the system and nothing of whose it is.
const LABELS: [&str; 6] = [
    "beta.kubernetes.io/os",
    "eks.amazonaws.com/compute-type",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "type",
];

/// Beginnings of labels that stay without their values: they tell the distribution.
const LABEL_STARTS: [&str; 7] = [
    "cloud.google.com/gke-",
    "eks.amazonaws.com/",
    "k3s.io/",
    "kubernetes.azure.com/",
    "node-role.kubernetes.io/",
    "node.rke2.io/",
    "rke.cattle.io/",
];

/// Why something can't be redacted. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedactError {
    /// Chance is not to be had.
    #[error(
        "cannot redact the record: this machine has no source of random numbers; leave out --redact"
    )]
    Chance,
    /// What was redacted is no record any more, or is judged otherwise.
    #[error(
        "cannot redact the record: {0}, possibly because a node or another object has a name that is a \
         Kubernetes term; leave out --redact, and read the archive before you share it"
    )]
    Differs(String),
    /// Something would remain.
    #[error("cannot redact the record: {0} would remain in it; leave out --redact")]
    Remains(String),
}

/// Gives other names and addresses.
#[derive(Debug)]
pub(crate) struct Redactor {
    names: Names,
    addresses: Addresses,
    /// The addresses of which none may remain.
    originals: BTreeSet<String>,
}

impl Redactor {
    /// One for a record, and for other texts that go with it.
    ///
    /// # Errors
    /// Where this machine gives no random numbers.
    pub(crate) fn new(record: &Record, texts: &[&str]) -> Result<Self, RedactError> {
        let mut names = Names::of(record);
        texts.iter().for_each(|text| names.hosts_in(text));
        let json = serde_json::to_string(record).map_err(|error| differs(&error))?;
        let mut tokens: Vec<Token> = scan::tokens(&json);
        texts.iter().for_each(|text| tokens.extend(scan::tokens(text)));
        tokens.retain(tells);
        let originals: BTreeSet<String> = tokens.iter().map(written).collect();
        let mut redactor = Self { names, addresses: Addresses::new(&key()?), originals };
        for _ in 0..TRIES {
            let all = tokens.iter().map(|token| redactor.token(token));
            let hit = all.collect::<Vec<_>>().iter().any(|it| redactor.originals.contains(it));
            if !hit {
                break;
            }
            redactor.addresses = Addresses::new(&key()?);
        }
        Ok(redactor)
    }

    /// A text of others with other names and addresses in it.
    pub(crate) fn text(&mut self, text: &str) -> String {
        self.names.hosts_in(text);
        self.ours(text)
    }

    /// The same of a text of ours, in which there is no host that isn't known.
    fn ours(&mut self, text: &str) -> String {
        // Addresses within names of hosts belong to the names.
        let named = self.names.replace(text);
        scan::replace(&named, |token| self.token(token))
    }

    fn token(&mut self, token: &Token) -> String {
        match token {
            Token::Address(address) => self.addresses.address(*address).to_string(),
            Token::Range(address, length) => {
                format!("{}/{length}", self.addresses.range(*address, *length))
            }
            Token::Hyphened(address) => {
                self.addresses.address((*address).into()).to_string().replace('.', "-")
            }
            Token::Reverse(address) => scan::reverse_name(self.addresses.address(*address)),
            Token::Link(address) => self.addresses.link_address(address),
        }
    }

    /// An object of others with other names and addresses in it.
    pub(crate) fn object(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(all) => all.into_iter().map(|value| self.object(value)).collect(),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(key, value)| {
                    let value = match key.as_str() {
                        "labels" if value.is_object() => labels(value),
                        "providerID" => provider(value),
                        _ => value,
                    };
                    (self.text(&key), self.object(value))
                });
                Value::Object(fields.collect())
            }
            other => other,
        }
    }

    /// The record with other names and addresses in it. It is judged as the other one is.
    ///
    /// # Errors
    /// Where it would not be, or a name or an address would remain.
    pub(crate) fn record(&mut self, record: &Record) -> Result<Record, RedactError> {
        let value = serde_json::to_value(record).map_err(|error| differs(&error))?;
        // The names of hosts that stand in sentences are to be known before anything is replaced.
        self.field("", "", value.clone());
        let value = self.field("", "", value);
        let mut redacted: Record =
            serde_json::from_value(value).map_err(|error| differs(&error))?;
        redacted.probes = resized(record, &redacted);
        let judged = run::rejudge(redacted, record.suite.checks());
        let before = run::rejudge(record.clone(), record.suite.checks());
        if let Some(difference) = difference(&before, &judged) {
            return Err(RedactError::Differs(difference));
        }
        let text = serde_json::to_string(&judged).map_err(|error| differs(&error))?;
        match self.remaining(&text).into_iter().next() {
            Some(remaining) => Err(RedactError::Remains(remaining)),
            None => Ok(judged),
        }
    }

    fn field(&mut self, parent: &str, key: &str, value: Value) -> Value {
        match value {
            Value::String(text) if WORDS.contains(&key) => Value::String(text),
            Value::String(text) => Value::String(match (parent, key) {
                ("entries", "reason" | "owner") | ("baseline", "origin") => "redacted".to_owned(),
                (_, "target") if !text.contains('/') => text,
                (_, "url") => self.ours(without_path(&text)),
                (_, key) if SENTENCES.contains(&key) => self.text(&text),
                _ => self.ours(&text),
            }),
            Value::Array(all) => {
                all.into_iter().map(|value| self.field(parent, key, value)).collect()
            }
            Value::Object(fields) => {
                // By node, or what others write.
                let by_name =
                    matches!(key, "again" | "entries" | "pods" | "services") && parent == "mesh";
                let fields = fields.into_iter().map(|(name, value)| {
                    let value = match name.as_str() {
                        "labels" => labels(value),
                        "provider_id" => provider(value),
                        _ => value,
                    };
                    let value = self.field(key, &name, value);
                    (if by_name { self.ours(&name) } else { name }, value)
                });
                Value::Object(fields.collect::<Map<_, _>>())
            }
            other => other,
        }
    }

    /// The names and addresses that remain in a text.
    pub(crate) fn remaining(&self, text: &str) -> Vec<String> {
        let names = self.names.within(text).into_iter().map(str::to_owned);
        let tokens = scan::tokens(text).into_iter().filter(tells).map(|token| written(&token));
        names.chain(tokens.filter(|token| self.originals.contains(token))).collect()
    }
}

fn key() -> Result<[u8; 32], RedactError> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| RedactError::Chance)?;
    Ok(key)
}

fn differs(error: &serde_json::Error) -> RedactError {
    RedactError::Differs(format!("the result would not be a record ({error})"))
}

/// Whether an address says whose it is.
fn tells(token: &Token) -> bool {
    match token {
        Token::Address(address) | Token::Reverse(address) => {
            !addresses::stays(*address, if address.is_ipv4() { 32 } else { 128 })
        }
        Token::Hyphened(address) => !addresses::stays((*address).into(), 32),
        Token::Range(address, length) => !addresses::stays(*address, *length),
        Token::Link(_) => true,
    }
}

/// One way to write it, however it was written.
fn written(token: &Token) -> String {
    match token {
        Token::Address(address) | Token::Reverse(address) => address.to_string(),
        Token::Hyphened(address) => address.to_string(),
        Token::Range(address, length) => format!("{address}/{length}"),
        Token::Link(address) => address.to_ascii_lowercase(),
    }
}

/// The labels that tell the system and the distribution.
fn labels(labels: Value) -> Value {
    let Value::Object(labels) = labels else { return labels };
    let kept = labels.into_iter().filter_map(|(key, value)| {
        let starts = LABEL_STARTS.iter().any(|start| key.starts_with(start));
        match (LABELS.contains(&key.as_str()), starts) {
            (true, _) => Some((key, value)),
            (false, true) => Some((key, Value::String(String::new()))),
            (false, false) => None,
        }
    });
    Value::Object(kept.collect())
}

/// Only whose cloud it is.
fn provider(id: Value) -> Value {
    let scheme = id.as_str().and_then(|id| id.split_once("://")).map(|(scheme, _)| scheme);
    scheme.map_or(id.clone(), |scheme| Value::String(format!("{scheme}:///redacted")))
}

/// Scheme, host and port.
fn without_path(url: &str) -> &str {
    let host = url.find("://").map_or(0, |place| place + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    url.get(..end).unwrap_or(url)
}

/// The probes of a redacted record, with answers asked for that are as long as before. How long one is
/// depends on how long the names and addresses are that it begins with.
fn resized(record: &Record, redacted: &Record) -> ProbeTable {
    let empty = Fixture::default();
    let size = |record: &Record, probe: &Probe| {
        let fixture = record.fixture.as_ref().unwrap_or(&empty);
        message_size(World { facts: &record.facts, fixture, suite: &record.suite }, probe)
    };
    let mut table = ProbeTable::default();
    let pairs = record.probes.iter().zip(redacted.probes.iter());
    for ((_, old, _), (_, probe, observation)) in pairs {
        let (mut probe, mut observation) = (probe.clone(), observation.cloned());
        let longer = size(redacted, &probe).zip(size(record, old));
        if let (Target::Http { payload, .. }, Some((now, before))) = (&mut probe.target, longer)
            // What a suite asks for is asked for as it is.
            && *payload != record.suite.probes.payload
        {
            let (asked, resized) = (*payload, (*payload + before).saturating_sub(now).max(1));
            *payload = resized;
            for attempt in observation.iter_mut().flat_map(|it| &mut it.attempts) {
                if let Outcome::Answered(answer) = &mut attempt.outcome
                    && answer.payload == asked
                {
                    answer.payload = resized;
                }
            }
        }
        let id = table.add(probe);
        if let Some(observation) = observation {
            table.observe(id, observation);
        }
    }
    table
}

/// Where two records are judged differently.
fn difference(before: &Record, now: &Record) -> Option<String> {
    let verdicts = |record: &Record| -> Vec<(String, Status)> {
        let all = record.judged.iter();
        let mut all: Vec<_> = all
            .map(|judged| {
                let family = judged.case.family.map_or("", |family| family.slug());
                (format!("{} {family}", judged.case.check), judged.verdict.status())
            })
            .collect();
        all.sort_by_key(|(case, status)| (case.clone(), status.to_string()));
        all
    };
    let causes = |record: &Record| record.causes.iter().map(ids).collect::<Vec<_>>();
    let (old, new) = (verdicts(before), verdicts(now));
    if let Some(((case, before), (other, now))) = old.iter().zip(&new).find(|(a, b)| a != b) {
        Some(format!("its verdicts would differ ({case}: {before}; then {other}: {now})"))
    } else if old.len() != new.len() {
        Some("its cases would differ".to_owned())
    } else if causes(before) != causes(now) {
        Some("its causes would differ".to_owned())
    } else {
        None
    }
}

fn ids(cause: &Cause) -> (String, String, usize) {
    (cause.id.clone(), format!("{:?}", cause.confidence), cause.explains.len())
}
