//! From inputs to a report.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    allow::Allowed,
    capacity, drop_ins, goal,
    live::Live,
    lower::{self, Recognition},
    model::{Asked, Model, is_template},
    parsed::Parsed,
    read::{self, Candidate, Content, Input, Limits},
    report::Report,
    rules::{self, Finding, Level},
    source::{Source, SourceId, Sources, Span},
    tree::{self, Budget, Document, Flaw, FlawKind},
    understood, unfinished,
};

/// How to lint.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the user says about the cluster.
    pub asked: Asked,
    /// Codes or names of rules whose findings are dropped.
    pub allow: Vec<String>,
    /// Levels, codes or names whose findings become errors.
    pub deny: Vec<String>,
    /// Bounds of reading.
    pub limits: Limits,
}

/// Codes, names and levels among `--allow` and `--deny` that don't exist.
pub fn unknown_codes(options: &Options) -> Vec<&str> {
    let level = |text: &str| level(text).is_some();
    let allow = options.allow.iter().filter(|code| rules::by_code(code).is_none());
    let deny = options.deny.iter().filter(|code| rules::by_code(code).is_none() && !level(code));
    allow.chain(deny).map(String::as_str).collect()
}

fn level(text: &str) -> Option<Level> {
    match text.to_ascii_lowercase().trim_end_matches('s') {
        "note" => Some(Level::Note),
        "warning" => Some(Level::Warning),
        "error" => Some(Level::Error),
        _ => None,
    }
}

/// Lints files, and a live cluster's documents if there are any.
pub fn run(inputs: &[Input], live: Option<&Live>, options: &Options) -> Report {
    let found = read::list_files(inputs, options.limits);
    let mut candidates = found.candidates;
    candidates.truncate(options.limits.files);
    let budget = Budget::new(options.limits.values);
    let parsed = parse_all(&candidates, options.limits, &budget);
    lint(parsed, found.skipped, live, &budget, options)
}

/// Lints one text that is at hand, as if it were a file of that name.
pub fn lint_text(name: &str, bytes: Vec<u8>, live: Option<&Live>, options: &Options) -> Report {
    let mut sources = Sources::default();
    let id = sources.add(Source::new(name, true, String::new()));
    let path = Some(PathBuf::from(name));
    let budget = Budget::new(options.limits.values);
    let parsed = parse_one(name.to_owned(), path, id, read::decode(bytes), &budget);
    lint(vec![parsed], Vec::new(), live, &budget, options)
}

/// Reads and parses all files, on as many threads as there are processors.
fn parse_all(candidates: &[Candidate], limits: Limits, budget: &Budget) -> Vec<Parsed> {
    let mut ids = Sources::default();
    let ids: Vec<SourceId> =
        candidates.iter().map(|_| ids.add(Source::new("", true, String::new()))).collect();
    let next = AtomicUsize::new(0);
    let bytes = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(candidates.len()));
    let total = usize::try_from(limits.total_bytes).unwrap_or(usize::MAX);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(candidate), Some(id)) = (candidates.get(at), ids.get(at)) else { break };
            let mut content = read::read(candidate, limits);
            let before = bytes.fetch_add(content.text.len(), Ordering::Relaxed);
            if before > total {
                content.text.clear();
                content.flaw =
                    Some(format!("not read: the files before it already have {total} bytes"));
            }
            let name = candidate.name.clone();
            let mut parsed = parse_one(name, candidate.path.clone(), *id, content, budget);
            parsed.found = candidate.found;
            results.lock().unwrap_or_else(PoisonError::into_inner).push((at, parsed));
        }
    };
    let threads = thread::available_parallelism().map_or(1, Into::into).min(candidates.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, parsed)| parsed).collect()
}

/// Whether a file holds kernel settings, by its path, or by all of its lines where its name ends as such
/// files' names do.
fn is_sysctl(path: Option<&Path>, text: &str) -> bool {
    let conf = |path: &Path| path.extension().is_some_and(|ending| ending == "conf");
    path.is_some_and(|path| read::is_sysctl(path) || (conf(path) && lower::is_sysctl_text(text)))
}

fn parse_one(
    name: String,
    path: Option<PathBuf>,
    id: SourceId,
    content: Content,
    budget: &Budget,
) -> Parsed {
    let Content { text, flaw, fix } = content;
    let mut flaws = Vec::new();
    let unread = flaw.is_some() && text.is_empty();
    if let Some(message) = flaw {
        let flaw = Flaw::new(FlawKind::Unreadable, Span::start_of(id), message);
        flaws.push(Flaw { fix, ..flaw });
    }
    let source = Source::new(name, true, text);
    let is = |kind: fn(&Path) -> bool| path.as_deref().is_some_and(kind);
    let script = path.as_deref().is_some_and(|path| lower::is_script(path, &source.text));
    let other = is_sysctl(path.as_deref(), &source.text) || is(read::is_corefile) || script;
    let documents = match other {
        true => Vec::new(),
        false => tree::parse(&source, id, None, budget, &mut flaws),
    };
    if documents.is_empty() && flaws.is_empty() && !unread && !other {
        let message = if source.text.trim().is_empty() {
            format!("{} is empty", source.name)
        } else {
            format!("{} contains no document", source.name)
        };
        flaws.push(Flaw::new(FlawKind::Empty, Span::start_of(id), message));
    }
    Parsed { source, path, documents, flaws, script, found: false }
}

fn lint(
    parsed: Vec<Parsed>,
    skipped: Vec<String>,
    live: Option<&Live>,
    budget: &Budget,
    options: &Options,
) -> Report {
    let (mut parsed, mut skipped) = (parsed, skipped);
    let templates = unfinished::skip(&mut parsed, &mut skipped);
    let merged = drop_ins::merge(&mut parsed);
    let scopes = scopes(&parsed);
    let mut sources = Sources::default();
    let mut files = Vec::new();
    for Parsed { source, path, documents, flaws, script, .. } in parsed {
        let id = sources.add(source);
        files.push((id, path, documents, flaws, script));
    }
    let mut report = Report {
        sources,
        findings: Vec::new(),
        allowed: 0,
        files: files.len(),
        understood: merged,
        ignored: 0,
        unknown: BTreeMap::new(),
        without_kind: 0,
        templates,
        statements: Vec::new(),
        skipped,
        capacity: Vec::new(),
        plans: Vec::new(),
    };
    let mut models: Vec<Model> = Vec::new();
    for (scope, (id, path, documents, flaws, script)) in scopes.into_iter().zip(files) {
        models.resize_with(models.len().max(scope + 1), || lower::model(options.asked));
        let model = &mut models[scope];
        model.flaws.extend(flaws);
        if is_sysctl(path.as_deref(), &report.sources.get(id).text) {
            lower::sysctl_file(report.sources.get(id), id, model);
            report.understood += 1;
        } else if path.as_deref().is_some_and(read::is_corefile) {
            lower::corefile(id, &mut report.sources, budget, model);
            report.understood += 1;
        } else if script {
            match lower::script_file(id, &mut report.sources, budget, model) {
                true => report.understood += 1,
                false => report.unknown_kind("a script"),
            }
        }
        for document in documents {
            report.lower(document, budget, model);
        }
    }
    let live = report.live(live, budget, options);
    let mut allowed = Allowed::default();
    for (id, source) in report.sources.iter() {
        allowed.read(source, id);
    }
    for model in models.iter().chain(&live) {
        report.findings.extend(rules::check(model));
        report.statements.extend(understood::statements(model));
    }
    report.statements.sort();
    report.statements.dedup();
    report.capacity = models.iter().flat_map(capacity::rooms).collect();
    if report.capacity.is_empty() {
        report.capacity = live.iter().flat_map(capacity::rooms).collect();
    }
    // Installations that are told the same have the same room.
    let mut seen = HashSet::new();
    report.capacity.retain(|room| seen.insert(room.row()));
    // What runs counts more than what files say of it.
    report.plans = match &live {
        Some(live) => goal::plan(live, &report.sources).into_iter().collect(),
        None => models.iter().filter_map(|model| goal::plan(model, &report.sources)).collect(),
    };
    if let Some(live) = &live {
        for model in &models {
            report.findings.extend(rules::drift(model, live));
        }
    }
    report.finish(allowed, options);
    report
}

impl Report {
    fn lower(&mut self, document: Document, budget: &Budget, model: &mut Model) {
        for recognition in lower::lower(document, &mut self.sources, budget, model) {
            match recognition {
                Recognition::Known => self.understood += 1,
                Recognition::Silent => self.ignored += 1,
                Recognition::Unknown(Some(kind)) => self.unknown_kind(&kind),
                Recognition::Unknown(None) => {
                    self.ignored += 1;
                    self.without_kind += 1;
                }
            }
        }
    }

    fn unknown_kind(&mut self, kind: &str) {
        self.ignored += 1;
        *self.unknown.entry(kind.to_owned()).or_default() += 1;
    }

    fn live(&mut self, live: Option<&Live>, budget: &Budget, options: &Options) -> Option<Model> {
        let Live { documents, unread } = live?;
        self.skipped.extend(unread.iter().cloned());
        let mut model = lower::model(Asked { live: true, ..options.asked });
        for super::LiveDocument { name, text } in documents {
            let id = self.sources.add(Source::new(name.clone(), false, text.clone()));
            let parsed = tree::parse(self.sources.get(id), id, None, budget, &mut model.flaws);
            for document in parsed {
                self.lower(document, budget, &mut model);
            }
        }
        Some(model)
    }

    /// Applies what is allowed and denied, and brings the findings into order.
    fn finish(&mut self, mut allowed: Allowed, options: &Options) {
        let mut findings = std::mem::take(&mut self.findings);
        // Nothing can be said of a value that a template is still to fill in.
        findings.retain(|finding| {
            let spans = finding.also.iter().map(|(span, _)| *span).chain([finding.span]);
            !spans.map(|span| self.sources.text(span)).any(is_template)
        });
        let before = findings.len();
        findings.retain(|finding| !allowed.allows(finding, &self.sources));
        let comments = Model { flaws: allowed.flaws(), ..Model::default() };
        self.allowed = before - findings.len();
        findings.extend(rules::check(&comments));
        let names = |list: &[String], finding: &Finding| {
            let rule = |text: &String| rules::by_code(text).is_some_and(|r| r.code == finding.code);
            list.iter().any(rule)
        };
        let found = findings.len();
        findings.retain(|finding| !names(&options.allow, finding));
        self.allowed += found - findings.len();
        let lowest = options.deny.iter().filter_map(|text| level(text)).min();
        for finding in &mut findings {
            let denied = lowest.is_some_and(|lowest| finding.level >= lowest);
            if denied || names(&options.deny, finding) {
                finding.level = Level::Error;
            }
        }
        findings.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
        findings.dedup();
        self.findings = findings;
    }
}

/// Which cluster each file belongs to, as a number. Files that define no cluster belong to the
/// only one there is, or to the only one of their directory, or else to one of their own; thus a
/// directory of alternative clusters is not read as one.
fn scopes(parsed: &[Parsed]) -> Vec<usize> {
    let defines = |file: &Parsed| {
        file.documents.iter().any(|document| lower::defines_cluster(&document.root))
    };
    let directory = |at: usize| {
        let directory = parsed[at].path.as_deref().and_then(Path::parent)?;
        match directory.file_name() {
            Some(name) if name == "config.yaml.d" => directory.parent(),
            _ => Some(directory),
        }
    };
    let mut scope_of: Vec<Option<usize>> = vec![None; parsed.len()];
    let mut by_directory: HashMap<Option<&Path>, Vec<usize>> = HashMap::new();
    let mut rest = 0;
    for at in (0..parsed.len()).filter(|&at| defines(&parsed[at])) {
        by_directory.entry(directory(at)).or_default().push(rest);
        scope_of[at] = Some(rest);
        rest += 1;
    }
    if rest < 2 {
        return vec![0; parsed.len()];
    }
    (0..parsed.len())
        .map(|at| match (scope_of[at], by_directory.get(&directory(at)).map(Vec::as_slice)) {
            (Some(scope), _) | (None, Some(&[scope])) => scope,
            _ => rest,
        })
        .collect()
}
