//! One archive of a run for somebody who has no access to the cluster: the record, its reports, what
//! the nodes look like, the network's objects and our own log, with a table of what is in it and what
//! isn't. No secret enters it; names and addresses go out of it on request.

mod archive;
mod objects;
mod redact;
mod secrets;

use std::{fmt::Write, io};

pub(crate) use archive::{Archive, bytes};
pub(crate) use objects::{Read, read};
pub(crate) use redact::{RedactError, Redactor};

use crate::{
    record::Record,
    report::{Ending, FORMATS},
};

/// Why an archive can't be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DumpError {
    /// It can't be redacted.
    #[error(transparent)]
    Redact(#[from] RedactError),
    /// A report can't be rendered, or a file can't be packed.
    #[error("cannot pack the archive: {0}")]
    Pack(#[from] io::Error),
    /// Something can't be written as JSON.
    #[error("cannot write JSON for the archive: {0}")]
    Json(#[from] serde_json::Error),
}

/// What goes into an archive.
#[derive(Debug)]
pub(crate) struct Material {
    /// The run.
    pub record: Record,
    /// The network's objects, where a cluster was asked for them.
    pub objects: Vec<Read>,
    /// Our log, where there is one.
    pub log: Option<String>,
    /// What is missing for another reason, as full phrases.
    pub missing: Vec<String>,
    /// Whether names and addresses go out of it.
    pub redact: bool,
}

impl Material {
    /// The archive, compressed, and how many files are in it.
    ///
    /// # Errors
    /// It can't be redacted so that nothing remains and it is judged as before, or not be packed.
    pub(crate) fn pack(self) -> Result<(Vec<u8>, usize), DumpError> {
        let redact = self.redact;
        let material = if redact { self.redacted()? } else { self };
        let Self { record, objects, log, missing, .. } = material;
        let mut archive = Archive::without(missing);
        archive.add(
            "run.json",
            "the record: `dualstack judge run.json` judges it",
            pretty(&record)?,
        );
        for format in FORMATS.iter().filter(|it| matches!(it.option, "html" | "markdown")) {
            if let Some(report) = (format.render)(Ending::Finished(&record))? {
                let end = if format.option == "html" { "html" } else { "md" };
                archive.add(&format!("report.{end}"), format.what, report);
            }
        }
        archive.add("versions.txt", "versions of all components", versions(&record).into_bytes());
        nodes(&mut archive, &record)?;
        let mut unread = Unread::default();
        for Read { name, what, found } in objects {
            let path = format!("cluster/{name}.json");
            match found {
                Ok(found) => archive.add_bounded(&path, &what, pretty(&found)?),
                Err(why) => unread.add(&why, what),
            }
        }
        archive.missing.extend(unread.lines());
        if let Some(log) = log {
            archive.add_bounded(
                "dualstack.log",
                "the log of the run and of this dump",
                log.into_bytes(),
            );
        }
        let files = archive.entries.len() + 1;
        let introduction = introduction(&record, redact);
        let name = format!("dualstack-{}", record.started.run);
        Ok((archive.pack(&name, &introduction, record.started_at)?, files))
    }

    fn redacted(self) -> Result<Self, DumpError> {
        let Self { record, objects, log, missing, redact } = self;
        let mut texts: Vec<String> = objects
            .iter()
            .map(|read| match &read.found {
                Ok(found) => found.to_string(),
                Err(why) => why.clone(),
            })
            .collect();
        texts.extend(log.clone());
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut redactor = Redactor::new(&record, &texts)?;
        let record = redactor.record(&record)?;
        let objects = objects.into_iter().map(|Read { name, what, found }| Read {
            name,
            what,
            found: found.map(|it| redactor.object(it)).map_err(|why| redactor.text(&why)),
        });
        let objects: Vec<Read> = objects.collect();
        let log = log.map(|log| redactor.text(&log));
        let rest = objects.iter().filter_map(|read| Some(read.found.as_ref().ok()?.to_string()));
        for text in rest.chain(log.clone()) {
            if let Some(remaining) = redactor.remaining(&text).into_iter().next() {
                return Err(RedactError::Remains(remaining).into());
            }
        }
        Ok(Self { record, objects, log, missing, redact })
    }
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// What could not be read, by the reason: one permission that is missing may hide much.
#[derive(Default)]
struct Unread(Vec<(String, Vec<String>)>);

impl Unread {
    fn add(&mut self, why: &str, what: String) {
        match self.0.iter_mut().find(|(known, _)| known == why) {
            Some((_, all)) => all.push(what),
            None => self.0.push((why.to_owned(), vec![what])),
        }
    }

    /// A phrase for each reason.
    fn lines(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(why, all)| {
            let (first, more) = all.split_at(all.len().min(3));
            let first = first.join(", ");
            match more.len() {
                0 => format!("{first}: {why}"),
                more => format!("{first} and {more} more: {why}"),
            }
        })
    }
}

/// How the nodes look from inside and what is told of them, as far as the record has it, a file each.
fn nodes(archive: &mut Archive, record: &Record) -> Result<(), DumpError> {
    let looked_at: Vec<&str> =
        record.facts.snapshots.iter().map(|snapshot| snapshot.node.as_str()).collect();
    for snapshot in &record.facts.snapshots {
        let path = format!("nodes/{}.json", snapshot.node);
        let what = match &snapshot.incomplete {
            None => format!("addresses, routes, neighbours and settings of {}", snapshot.node),
            Some(why) => format!("the same of {}, not complete: {why}", snapshot.node),
        };
        archive.add_bounded(&path, &what, pretty(snapshot)?);
    }
    for ruleset in &record.facts.rulesets {
        let node = &ruleset.node;
        let what = format!("the packet filter's rules of {node} that concern the probes");
        archive.add_bounded(&format!("nodes/{node}-rules.json"), &what, pretty(ruleset)?);
    }
    let mut unread = Unread::default();
    for diagnostics in &record.facts.diagnostics {
        let node = &diagnostics.node;
        let what = format!("pods of {node}'s network, their Events, and errors in their logs");
        archive.add_bounded(&format!("nodes/{node}-pods.json"), &what, pretty(diagnostics)?);
        diagnostics.unread.iter().for_each(|why| unread.add(why, node.clone()));
    }
    let lines = unread.lines().map(|line| format!("pods, Events or logs of {line}"));
    archive.missing.extend(lines);
    let all = record.facts.nodes.known().into_iter().flatten();
    let others: Vec<&str> =
        all.map(|node| node.name.as_str()).filter(|node| !looked_at.contains(node)).collect();
    if !others.is_empty() {
        archive.missing.push(format!(
            "how {} from inside: {} in the run",
            if others.len() == 1 {
                format!("{} looks", others[0])
            } else {
                format!("{} nodes look", others.len())
            },
            if looked_at.is_empty() { "no node was looked at" } else { "they were not looked at" },
        ));
    }
    Ok(())
}

/// What runs in which version, as far as the facts tell.
fn versions(record: &Record) -> String {
    let facts = &record.facts;
    let mut text = format!(
        "dualstack {} (the run), {} (this archive)\nAPI server {}\n",
        record.dualstack,
        env!("CARGO_PKG_VERSION"),
        facts.server.version
    );
    // Writing to a String can't fail.
    match facts.cni.known() {
        Some(cni) => {
            let _ =
                writeln!(text, "pod network {} {}", cni.name, cni.version.as_deref().unwrap_or(""));
        }
        None => text.push_str("pod network unknown\n"),
    }
    if let Some(proxy) = facts.kube_proxy.known() {
        let mode = if proxy.mode.is_empty() { "by default of the platform" } else { &proxy.mode };
        let _ = writeln!(text, "kube-proxy mode {mode}");
    }
    for node in facts.nodes.known().into_iter().flatten() {
        let (os, kubelet, runtime) = (&node.os, &node.kubelet_version, &node.container_runtime);
        let _ = writeln!(text, "node {}: kubelet {kubelet}, {runtime}, {os}", node.name);
    }
    text
}

fn introduction(record: &Record, redacted: bool) -> String {
    let started = &record.started;
    let mut text = format!(
        "# Run {} of dualstack\n\nSuite {}, begun {}, against Kubernetes {}.\n\n\
         Begin with `report.md`. `dualstack judge run.json` judges the run again, without its cluster.\n\n\
         No Secret, kubeconfig or environment of a pod is in here; lines of configuration that may contain a \
         secret are replaced by `<withheld>`.",
        started.run, started.suite, record.started_at, started.server.version
    );
    text.push_str(if redacted {
        "\n\nNames of nodes, hosts and contexts, of namespaces, Services and pods of others, and all addresses \
         are replaced consistently. Ranges, families and kinds of addresses are kept, and so are names of \
         interfaces, versions, times and standard names. The record gets the same verdicts as the original. \
         Text from elsewhere (messages, logs, configuration) may contain names that were not recognized: read \
         it before you share it."
    } else {
        "\n\nNames and addresses are the real ones; `--redact` replaces them."
    });
    text
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::{lab::Lab, snapshot::NodeDiagnostics};

    #[test]
    fn a_missing_permission_is_named_once_with_what_it_hides() {
        let mut record = Lab::dual().only(&["node"]).run().record;
        let lost = "missing permission: get pods/log in namespace kube-system";
        record.facts.diagnostics = ["n1", "n2"]
            .map(|node| NodeDiagnostics {
                node: node.to_owned(),
                unread: vec![lost.to_owned()],
                ..NodeDiagnostics::default()
            })
            .to_vec();
        let denied = "missing permission: get configmaps in namespace kube-system";
        let map = |name: &str| Read {
            name: format!("configmap-{name}"),
            what: format!("ConfigMap kube-system/{name}"),
            found: Err(denied.to_owned()),
        };
        let objects = ["coredns", "kube-proxy", "kubeadm-config", "kubelet-config"].map(map).into();
        let (log, missing) = (None, Vec::new());
        let packed = Material { record, objects, log, missing, redact: false }.pack().unwrap().0;
        let mut tar = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let mut contents = String::new();
        let mut entries = tar.entries().unwrap().map(Result::unwrap);
        entries.next().unwrap().read_to_string(&mut contents).unwrap();
        assert!(contents.contains(&format!("- pods, Events or logs of n1, n2: {lost}\n")));
        let map = "ConfigMap kube-system";
        let line = format!("{map}/coredns, {map}/kube-proxy, {map}/kubeadm-config and 1 more");
        assert!(contents.contains(&format!("- {line}: {denied}\n")), "{contents}");
        assert!(contents.contains("| `nodes/n2-pods.json` |"), "{contents}");
    }
}
