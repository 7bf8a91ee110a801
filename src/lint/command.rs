//! The options of the command, and how it runs. Connecting to a cluster is up to the caller.

use std::{env, path::PathBuf};

use clap::Args;

use crate::exit::Exit;

use super::{
    Input, Limits, Live, Options, Outcome, Report,
    edits::{self, Change},
    error::LintError,
    goal::{self, Goal, Plan},
    model::{Asked, Version},
    read::STDIN,
    render::{self, Format},
    run,
    settings::{self, Settings},
    understood, unknown_codes,
};

/// How often `--fix` lints the files again at most.
const MAX_ROUNDS: usize = 8;

/// Find dual-stack mistakes in configuration before a cluster is built from it
#[derive(Clone, Debug, Args)]
pub struct LintArgs {
    /// Files and directories with kubeadm's, kind's, the kubelet's, kube-proxy's or Calico's
    /// configuration, Services, control plane Pods; `-` is standard input. They are compared with
    /// each other, unless several files define a cluster: then each such file is its own cluster, together with the
    /// other files in its directory
    #[arg(value_name = "PATH", required_unless_present_any = ["live", "rules"])]
    pub paths: Vec<String>,
    /// Read the configuration from the cluster; with PATH, also report where the two differ
    #[arg(long, conflicts_with = "rules")]
    pub live: bool,
    /// List the rules
    #[arg(long)]
    pub rules: bool,
    /// Show how each file was understood, line by line, instead of the findings
    #[arg(long, conflicts_with_all = ["rules", "fix", "diff"])]
    pub explain_file: bool,
    /// Show what the cluster still needs to become dual-stack, step by step, instead of the findings;
    /// exits with 0 if it is dual-stack already
    #[arg(long, value_enum, conflicts_with_all = ["rules", "fix", "diff", "explain_file", "format"])]
    pub goal: Option<Goal>,
    /// Fix in the files what is unambiguous, and report the rest
    #[arg(long, conflicts_with_all = ["rules", "diff"], requires = "paths")]
    pub fix: bool,
    /// Show what --fix would change, as a diff; exits with 1 if there is anything
    #[arg(long, conflicts_with = "rules", requires = "paths")]
    pub diff: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Report findings of a level (note, warning) or of a rule as errors; may be repeated
    #[arg(long, value_name = "LEVEL|CODE", value_delimiter = ',')]
    pub deny: Vec<String>,
    /// Ignore findings of a rule; may be repeated. To allow a finding at one place, write
    /// `# dualstack: allow CODE reason` there
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// The Kubernetes version, such as 1.36 [default: the one the documents name, else the newest]
    #[arg(long, value_name = "VERSION")]
    pub kubernetes_version: Option<Version>,
    /// How many nodes are planned
    #[arg(long, value_name = "NUMBER")]
    pub nodes: Option<u64>,
    /// How many Pods are planned for each node
    #[arg(long, value_name = "NUMBER")]
    pub pods_per_node: Option<u64>,
    /// How many Services are planned
    #[arg(long, value_name = "NUMBER")]
    pub services: Option<u64>,
    /// The largest file to read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().file_bytes)]
    pub max_file_size: u64,
}

impl LintArgs {
    /// The options of the command line, and for the rest those of the repository's settings.
    fn options(&self) -> Result<Options, LintError> {
        let Settings { allow, deny, kubernetes_version, nodes, pods_per_node, services } =
            settings::load(&working_directory()?)?;
        let asked = Asked {
            version: self.kubernetes_version.or(kubernetes_version),
            nodes: self.nodes.or(nodes),
            pods_per_node: self.pods_per_node.or(pods_per_node),
            services: self.services.or(services),
            live: false,
        };
        let both = |own: &[String], more: Vec<String>| [own, &more].concat();
        let limits = Limits { file_bytes: self.max_file_size, ..Limits::default() };
        Ok(Options { asked, allow: both(&self.allow, allow), deny: both(&self.deny, deny), limits })
    }

    /// Lints what is named, and the cluster's documents if there are any. Returns the report's
    /// text, with ANSI styles where it is for people, and how the command ends.
    ///
    /// # Errors
    /// If `--allow`, `--deny` or the settings name an unknown rule, or a path doesn't exist.
    pub fn execute(&self, live: Option<&Live>, width: usize) -> Result<(String, Exit), LintError> {
        if self.rules {
            return Ok((render::list(width), Exit::Passed));
        }
        let options = self.options()?;
        if let Some(unknown) = unknown_codes(&options).first() {
            return Err(LintError::UnknownRule((*unknown).to_owned()));
        }
        let inputs: Vec<Input> = self.paths.iter().map(|path| Input::from(path.as_str())).collect();
        if let Some((path, cause)) = inputs.iter().find_map(Input::missing) {
            return Err(LintError::Path { path, cause });
        }
        let mut report = run(&inputs, live, &options);
        if self.goal == Some(Goal::DualStack) {
            return Ok((goal::render(&report, width), goal_exit(&report)));
        }
        if self.explain_file {
            return Ok((understood::explain(&report), exit(&report)));
        }
        if self.diff {
            let diffs: String = edits::changes(&report).iter().map(Change::diff).collect();
            let exit = if diffs.is_empty() { Exit::Passed } else { Exit::Failed };
            return Ok((diffs, exit));
        }
        if self.fix {
            report = fix(report, || run(&inputs, live, &options))?;
        }
        let mut bytes = Vec::new();
        self.format.write(&report, width, &mut bytes)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), exit(&report)))
    }
}

fn working_directory() -> Result<PathBuf, LintError> {
    let unusable = |cause: std::io::Error| LintError::Path {
        path: "the working directory".to_owned(),
        cause: cause.to_string(),
    };
    env::current_dir().map_err(unusable)
}

fn exit(report: &Report) -> Exit {
    match report.outcome() {
        Outcome::Clean => Exit::Passed,
        Outcome::Errors => Exit::Failed,
        Outcome::NothingToLint => Exit::NothingSelected,
    }
}

/// Whether every cluster has reached its goal; nothing selected where none is known.
fn goal_exit(report: &Report) -> Exit {
    match &report.plans[..] {
        [] => Exit::NothingSelected,
        plans if plans.iter().all(Plan::is_reached) => Exit::Passed,
        _ => Exit::Failed,
    }
}

/// Writes the edits of a report into the files and lints them again, as long as that changes
/// anything: one edit may make room for the next.
fn fix(mut report: Report, lint: impl Fn() -> Report) -> Result<Report, LintError> {
    for _ in 0..MAX_ROUNDS {
        let changes = edits::changes(&report);
        let files: Vec<_> = changes.iter().filter(|change| change.name != STDIN).collect();
        if files.is_empty() {
            break;
        }
        for change in files {
            change.write().map_err(|cause| LintError::Fix { path: change.name.clone(), cause })?;
        }
        report = lint();
    }
    Ok(report)
}
