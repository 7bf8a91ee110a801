//! The command's options, and what they lead to. Reaching a cluster is the caller's part.

use clap::Args;
use thiserror::Error;

use crate::exit::Exit;

use super::{
    Input, Limits, Live, Options, Outcome,
    model::{Asked, Version},
    render::{self, Format},
    run, unknown_codes,
};

/// Find dual-stack mistakes in configuration, before a cluster is built of it
#[derive(Clone, Debug, Args)]
pub struct LintArgs {
    /// Files and directories with kubeadm's, kind's, the kubelet's, kube-proxy's or Calico's
    /// configuration, Services, control plane Pods; `-` is standard input. All that is named is
    /// read as one cluster's
    #[arg(value_name = "PATH", required_unless_present_any = ["live", "rules"])]
    pub paths: Vec<String>,
    /// Read the configuration from the cluster; with PATH, also report where the two differ
    #[arg(long, conflicts_with = "rules")]
    pub live: bool,
    /// List the rules
    #[arg(long)]
    pub rules: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Make findings of a level (note, warning) or of a rule errors; may be repeated
    #[arg(long, value_name = "LEVEL|CODE", value_delimiter = ',')]
    pub deny: Vec<String>,
    /// Drop findings of a rule; may be repeated. To allow one at one place, write
    /// `# dualstack: allow CODE reason` there
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// Kubernetes' version, such as 1.36 [default: what the documents say, else the newest]
    #[arg(long, value_name = "VERSION")]
    pub kubernetes_version: Option<Version>,
    /// How many nodes the ranges must have room for
    #[arg(long, value_name = "NUMBER")]
    pub nodes: Option<u64>,
    /// How many Pods a node must have room for
    #[arg(long, value_name = "NUMBER")]
    pub pods_per_node: Option<u64>,
    /// How many Services the ranges must have room for
    #[arg(long, value_name = "NUMBER")]
    pub services: Option<u64>,
    /// The largest file that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().file_bytes)]
    pub max_file_size: u64,
}

/// Why nothing was linted.
#[derive(Debug, Error)]
pub enum LintError {
    /// `--allow` or `--deny` names what does not exist.
    #[error("there is no rule {0}: `dualstack lint --rules` lists them")]
    UnknownRule(String),
    /// A report could not be put into its form.
    #[error("the report could not be written: {0}")]
    Write(#[from] std::io::Error),
}

impl LintArgs {
    fn options(&self) -> Options {
        let asked = Asked {
            version: self.kubernetes_version,
            nodes: self.nodes,
            pods_per_node: self.pods_per_node,
            services: self.services,
            live: false,
        };
        let limits = Limits { file_bytes: self.max_file_size, ..Limits::default() };
        Options { asked, allow: self.allow.clone(), deny: self.deny.clone(), limits }
    }

    /// Lints what is named, and the cluster's documents if there are any. Returns the report's
    /// text, with ANSI styles where it is for people, and how the command ends.
    ///
    /// # Errors
    /// If `--allow` or `--deny` names a rule that does not exist.
    pub fn carry_out(
        &self,
        live: Option<&Live>,
        width: usize,
    ) -> Result<(String, Exit), LintError> {
        if self.rules {
            return Ok((render::list(width), Exit::Passed));
        }
        let options = self.options();
        if let Some(unknown) = unknown_codes(&options).first() {
            return Err(LintError::UnknownRule((*unknown).to_owned()));
        }
        let inputs: Vec<Input> = self.paths.iter().map(|path| Input::from(path.as_str())).collect();
        let report = run(&inputs, live, &options);
        let mut bytes = Vec::new();
        self.format.write(&report, width, &mut bytes)?;
        let exit = match report.outcome() {
            Outcome::Clean => Exit::Passed,
            Outcome::Errors => Exit::Failed,
            Outcome::NothingToLint => Exit::NothingSelected,
        };
        Ok((String::from_utf8_lossy(&bytes).into_owned(), exit))
    }
}
