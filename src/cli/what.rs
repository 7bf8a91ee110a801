//! What `run` tests and `plan` plans: the options that both have.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{failure::Failure, options::ClusterArgs, values};
use crate::{
    baseline::Baseline,
    check::Need,
    exit::Exit,
    facts::TargetName,
    fixture::{
        FixtureOptions, HostNetworkPolicy, LoadBalancerPolicy, MeshChoice, NodeChoice, PullSecret,
        Toleration,
    },
    probe::EgressServer,
    run::{self, Options},
    suite::{EgressPolicy, FamilyGap, OutsidePolicy, PARITY_AREA, Suite, TARGET_AREA},
};

/// What is tested, on which cluster, with what and for how long.
#[derive(Debug, Args)]
pub(super) struct WhatArgs {
    /// Run only these checks of the suite, by id or area: `dns`, `node_port::from_outside`
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,

    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    expectations: ExpectationArgs,
    #[command(flatten)]
    workload: WorkloadArgs,
    #[command(flatten)]
    time: TimeArgs,
}

/// What is expected of the cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to test")]
struct ExpectationArgs {
    /// What to expect of the cluster: a built-in suite (see `list`), or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "dual-stack")]
    suite: String,
    /// Run only this check or area; the same as naming it as an argument
    #[arg(long, value_name = "CHECK")]
    check: Vec<String>,
    /// Skip this check or area
    #[arg(long, value_name = "CHECK")]
    skip: Vec<String>,
    /// Whether to test NodePorts from this machine: `required` (it must reach the nodes), `auto`
    /// (inconclusive if it can't) or `off` [default: from the suite]
    #[arg(long, value_name = "WHEN")]
    outside: Option<Outside>,
    /// Whether to test that pods reach this machine, outside the cluster: `required` (they must),
    /// `auto` (inconclusive if none can) or `off` [default: from the suite]
    #[arg(long, value_name = "WHEN")]
    egress: Option<EgressWhen>,
    /// Have pods connect to this server outside the cluster instead of this machine; any answer
    /// counts
    #[arg(long, value_name = "URL")]
    egress_target: Option<EgressServer>,
    /// Whether to create a Service of type LoadBalancer and test its addresses: if the cluster has a
    /// provider that is known to be free, such as MetalLB (`auto`), always, which may create a load balancer
    /// that costs money and takes minutes (`required`: it must get addresses), or never (`off`)
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    load_balancer: LoadBalancer,
    /// Also test this existing Service, read-only: its DNS records, its ClusterIPs and its
    /// endpoints, in each family; repeatable
    #[arg(long, value_name = "NAMESPACE/NAME")]
    target: Vec<TargetName>,
    /// Fail if one family's answers take longer than the other's by more than this time, or this many
    /// times as long: `200ms`, `2x`; without it, times are reported but never fail a case
    #[arg(long, value_name = "DURATION|FACTOR", allow_hyphen_values = true)]
    max_family_gap: Option<FamilyGap>,
}

/// [`OutsidePolicy`] as the command line writes it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Outside {
    Auto,
    Required,
    Off,
}

impl From<Outside> for OutsidePolicy {
    fn from(outside: Outside) -> Self {
        match outside {
            Outside::Auto => Self::Auto,
            Outside::Required => Self::Required,
            Outside::Off => Self::Off,
        }
    }
}

/// [`EgressPolicy`] as the command line writes it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum EgressWhen {
    Auto,
    Required,
    Off,
}

impl From<EgressWhen> for EgressPolicy {
    fn from(egress: EgressWhen) -> Self {
        match egress {
            EgressWhen::Auto => Self::Auto,
            EgressWhen::Required => Self::Required,
            EgressWhen::Off => Self::Off,
        }
    }
}

/// Whether nodes are looked at where something fails, as the command line writes it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SnapshotPolicy {
    Auto,
    Rules,
    Off,
}

impl From<SnapshotPolicy> for run::SnapshotPolicy {
    fn from(look: SnapshotPolicy) -> Self {
        match look {
            SnapshotPolicy::Auto => Self::Suspects,
            SnapshotPolicy::Rules => Self::Rules,
            SnapshotPolicy::Off => Self::Off,
        }
    }
}

/// [`HostNetworkPolicy`] as the command line writes it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum HostNetwork {
    Auto,
    Required,
    Off,
}

impl From<HostNetwork> for HostNetworkPolicy {
    fn from(host_network: HostNetwork) -> Self {
        match host_network {
            HostNetwork::Auto => Self::Auto,
            HostNetwork::Required => Self::Required,
            HostNetwork::Off => Self::Off,
        }
    }
}

/// [`LoadBalancerPolicy`] as the command line writes it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LoadBalancer {
    Auto,
    Required,
    Off,
}

impl From<LoadBalancer> for LoadBalancerPolicy {
    fn from(load_balancer: LoadBalancer) -> Self {
        match load_balancer {
            LoadBalancer::Auto => Self::Auto,
            LoadBalancer::Required => Self::Required,
            LoadBalancer::Off => Self::Off,
        }
    }
}

/// What is deployed, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Workload")]
struct WorkloadArgs {
    /// Use this existing namespace [default: create `dualstack-` and five letters]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// Replace the built-in manifests by files of the same name in this directory
    #[arg(long, value_name = "DIR")]
    manifests: Option<PathBuf>,
    /// Image for nginx
    #[arg(long, value_name = "IMAGE", value_parser = values::image)]
    nginx_image: Option<String>,
    /// Image for busybox
    #[arg(long, value_name = "IMAGE", value_parser = values::image)]
    busybox_image: Option<String>,
    /// Pull both images from this registry: HOST[:PORT][/PATH]
    #[arg(long, value_name = "REGISTRY", value_parser = values::registry)]
    image_registry: Option<String>,
    /// Secret to pull images with, as NAME or NAMESPACE/NAME; repeatable
    #[arg(long, value_name = "SECRET")]
    pull_secret: Vec<PullSecret>,
    /// Tolerate this taint, as KEY[=VALUE][:EFFECT], or `*` for all; repeatable
    #[arg(long, value_name = "TAINT")]
    toleration: Vec<Toleration>,
    /// Use only nodes with this label; repeatable
    #[arg(long, value_name = "LABEL=VALUE", value_parser = values::label)]
    node_selector: Vec<(String, String)>,
    /// Use only this many nodes, or only the named ones; with `all`, a node that can't be tested is
    /// a failure
    #[arg(long, value_name = "all|NUMBER|NAME,…")]
    nodes: Option<NodeChoice>,
    /// How many other nodes each node probes: all (`full`), this many, or (`auto`) all in clusters of up to 8 nodes,
    /// else 8; failures are then probed from more nodes
    #[arg(long, value_name = "auto|full|NUMBER", default_value = "auto")]
    mesh: MeshChoice,
    /// Also probe from the host network of each node, with a host-network pod in a separate namespace: if the
    /// cluster admits it (`auto`), always (`required`), or never (`off`)
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    host_network: HostNetwork,
    /// If something fails, read the nodes' addresses, routes, neighbours and kernel settings in their
    /// host-network pods, to prove the cause: if there are such pods (`auto`), or never (`off`).
    /// `rules` also lists their packet filters' rules, by `nft list ruleset` in kube-proxy's privileged
    /// pods, which needs permission to exec there, and takes up to 2 s and megabytes if there are thousands of Services
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    snapshot: SnapshotPolicy,
    /// Keep the workload in the cluster for debugging (`cleanup` removes it)
    #[arg(long)]
    keep: bool,
    /// Wait until the namespace is deleted, not only its contents
    #[arg(long, conflicts_with = "keep")]
    wait_namespace: bool,
}

/// How long things may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
struct TimeArgs {
    /// Time limit for the run, not counting the removal of the workload
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = values::duration)]
    timeout: Duration,
    /// Time limit for starting nodes to become ready
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    node_timeout: Duration,
    /// Time limit for the pods to become ready
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    ready_timeout: Duration,
    /// Time limit for one connection attempt [default: from the suite]
    #[arg(long, value_name = "DURATION", value_parser = values::millis)]
    attempt_timeout: Option<u32>,
    /// How long a path may take to start working after the pods are ready [default: from the
    /// suite]
    #[arg(long, value_name = "DURATION", value_parser = values::millis)]
    settle: Option<u32>,
}

impl WhatArgs {
    /// The options of the run that these arguments ask for.
    pub(super) fn options(self, baseline: Option<Baseline>) -> Result<Options, Failure> {
        let Self { mut checks, cluster, expectations, workload, time } = self;
        checks.extend(expectations.check);
        let named = expectations.target;
        let limit = expectations.max_family_gap;
        let mut suite = Suite::load(&expectations.suite)?
            .with_targets(named.iter().cloned())
            .with_family_gap(limit);
        if let Some(gap) = limit
            && suite.families.len() < 2
        {
            return Err(Failure::usage(format!(
                "--max-family-gap {gap} compares two families, and suite {} expects one; leave it out",
                suite.name
            )));
        }
        if let Some(outside) = expectations.outside {
            suite.outside = outside.into();
        }
        if let Some(egress) = expectations.egress {
            suite.egress = egress.into();
        }
        if let (EgressPolicy::Off, Some(server)) = (suite.egress, &expectations.egress_target) {
            return Err(Failure::usage(format!(
                "nothing connects to --egress-target {server}, because egress is off; leave one of them \
                 out"
            )));
        }
        if let Some(timeout) = time.attempt_timeout {
            suite.probes.timeout_ms = timeout;
        }
        if let Some(settle) = time.settle {
            suite.probes.settle_ms = settle;
        }
        if let Some(reason) = suite.probes.out_of_range() {
            return Err(Failure::usage(format!(
                "invalid --attempt-timeout or --settle for suite {}: {reason} (milliseconds)",
                suite.name
            )));
        }
        let checks = suite.select(&checks, &expectations.skip)?;
        if checks.is_empty() {
            return Err(Failure::new(
                Exit::NothingSelected,
                format!(
                    "no checks selected from suite {}: --skip excludes all of them",
                    suite.name
                ),
            ));
        }
        let suite = suite.narrowed(&checks);
        let any_needs = |need| checks.iter().any(|check| check.promise().needs.contains(&need));
        let (guarded, changing) = (any_needs(Need::Policies), any_needs(Need::Changes));
        let balances = any_needs(Need::LoadBalancer);
        if let (Some(target), []) = (named.first(), suite.targets.as_slice()) {
            return Err(Failure::usage(format!(
                "nothing tests --target {target}, because no check of the area {TARGET_AREA} is selected; \
                 add {TARGET_AREA} to the checks, or leave --target out"
            )));
        }
        if let (Some(gap), None) = (limit, suite.max_family_gap) {
            return Err(Failure::usage(format!(
                "--max-family-gap {gap} has no effect, because no check of the area \
                 {PARITY_AREA} is selected; add {PARITY_AREA} to the checks, or leave \
                 --max-family-gap out"
            )));
        }
        Ok(Options {
            connect: cluster.into(),
            suite,
            checks,
            fixture: FixtureOptions {
                namespace: workload.namespace,
                manifests: workload.manifests,
                image_nginx: workload.nginx_image,
                image_busybox: workload.busybox_image,
                image_registry: workload.image_registry,
                pull_secrets: workload.pull_secret,
                tolerations: workload.toleration,
                node_selector: workload.node_selector.into_iter().collect(),
                nodes: workload.nodes,
                mesh: workload.mesh,
                host_network: workload.host_network.into(),
                load_balancer: if balances {
                    expectations.load_balancer.into()
                } else {
                    LoadBalancerPolicy::Off
                },
                guarded,
                changing,
                node_timeout: time.node_timeout,
                ready_timeout: time.ready_timeout,
            },
            deadline: time.timeout,
            egress_server: expectations.egress_target,
            keep: workload.keep,
            snapshot: workload.snapshot.into(),
            baseline,
            wait_namespace: workload.wait_namespace,
        })
    }
}
