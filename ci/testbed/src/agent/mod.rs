//! The daemon that every cluster has one of, in the network namespace of its bridge.
//!
//! It holds the underlay (the namespace lives as long as it does), serves the images, keeps the
//! pod network in step with the cluster's Nodes, enforces NetworkPolicies, gives addresses to Services of
//! type LoadBalancer, and balances between several control planes.

mod balancer;
pub(crate) mod enforcer;
pub(crate) mod load_balancer;
mod watch;

use std::{
    fs,
    io::Write,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use nix::sched::{CloneFlags, unshare};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::{
    cgroup::Hierarchies,
    error::{Context, Error, Result},
    kubeadm::{self, API_PORT},
    node::{spawn_in_group, wait_for_go},
    registry,
    spec::{Cni, Name},
    state::{ClusterDir, ProcessId, Record, read_json},
};

/// The hidden subcommand that becomes the agent.
pub const AGENT: &str = "__agent";

/// The agent's place among the cluster's control groups.
pub const MEMBER: &str = "agent";

/// The port of the registry, on the bridge's addresses.
pub const REGISTRY_PORT: u16 = 5000;

/// What the agent needs to know: `agent-plan.json` in the cluster's directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentPlan {
    /// The cluster as it was asked for, with its subnet.
    pub record: Record,
    /// Where images are looked up, first match wins.
    pub image_roots: Vec<PathBuf>,
}

/// Starts the agent and returns once its network namespace exists.
pub fn launch(
    testbed: &Path,
    cluster: &Name,
    dir: &ClusterDir,
    cgroups: &Hierarchies,
    plan: &AgentPlan,
) -> Result<ProcessId> {
    dir.write("agent-plan.json", plan)?;
    cgroups.create(cluster, MEMBER)?;
    let logs = dir.join("logs");
    fs::create_dir_all(&logs).context(|| format!("create {}", logs.display()))?;
    let log = logs.join("agent.log");
    let pid = spawn_in_group(testbed, AGENT, dir.path(), &log, cgroups, cluster, MEMBER)?;
    let process = ProcessId::of(pid)?;
    dir.write("agent.json", &process)?;
    Ok(process)
}

/// The agent's whole life. Its first words are its process id, once its namespace exists.
pub fn run_agent(dir: &Path) -> Result<()> {
    if !wait_for_go() {
        return Ok(());
    }
    let plan: AgentPlan = read_json(&dir.join("agent-plan.json"))?
        .ok_or_else(|| Error::Invalid(format!("no agent-plan.json in {}", dir.display())))?;
    nix::unistd::setsid().context(|| "start a session".to_owned())?;
    // Before any thread is started: a namespace is a property of the thread.
    unshare(CloneFlags::CLONE_NEWNET).context(|| "enter a network namespace".to_owned())?;
    set_sysctls()?;
    writeln!(std::io::stdout(), "{}", std::process::id())
        .context(|| "report the agent's process".to_owned())?;
    detach_from_starter()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context(|| "start the agent's runtime".to_owned())?;
    runtime.block_on(serve(dir, plan))
}

/// The settings of the underlay's network namespace.
fn set_sysctls() -> Result<()> {
    const SETTINGS: [(&str, &str); 9] = [
        ("ipv4/ip_forward", "1"),
        ("ipv6/conf/all/forwarding", "1"),
        // Every packet to nowhere is answered: a client that got no answer would wait 30 s.
        ("ipv4/icmp_ratelimit", "0"),
        ("ipv4/icmp_ratemask", "0"),
        ("ipv6/icmp/ratelimit", "0"),
        ("ipv6/icmp/ratemask", "0"),
        // The bridge is a switch, not a firewall.
        ("bridge/bridge-nf-call-arptables", "0"),
        ("bridge/bridge-nf-call-iptables", "0"),
        ("bridge/bridge-nf-call-ip6tables", "0"),
    ];
    for (name, value) in SETTINGS {
        let path = Path::new("/proc/sys/net").join(name);
        if path.exists() {
            fs::write(&path, value).context(|| format!("set {} to {value}", path.display()))?;
        }
    }
    Ok(())
}

/// Lets go of the pipes to whoever started the agent, who must not wait for their end.
fn detach_from_starter() -> Result<()> {
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .context(|| "open /dev/null".to_owned())?;
    nix::unistd::dup2_stdin(&null).context(|| "close the standard input".to_owned())?;
    nix::unistd::dup2_stdout(&null).context(|| "close the standard output".to_owned())
}

async fn serve(dir: &Path, plan: AgentPlan) -> Result<()> {
    let listener = listen(REGISTRY_PORT, "the registry").await?;
    let images = tokio::spawn(registry::serve(listener, plan.image_roots.clone()));
    if kubeadm::balancer(&plan.record.spec, plan.record.subnet).is_some() {
        let listener = listen(API_PORT, "the balancer").await?;
        let kubeconfig = ClusterDir::at(dir).kubeconfig();
        tokio::spawn(balancer::serve(listener, plan.record.clone(), kubeconfig));
    }
    let own = plan.record.spec.cni == Cni::Ptp;
    let policies = tokio::spawn(when(own, enforcer::run(ClusterDir::at(dir), plan.record.clone())));
    let balancers = tokio::spawn(load_balancer::run(ClusterDir::at(dir), plan.record.clone()));
    let network = tokio::spawn(when(own, watch::run(ClusterDir::at(dir), plan.record)));
    // Neither ends unless something is badly wrong.
    tokio::select! {
        ended = images => tracing::error!(?ended, "the registry ended"),
        ended = network => tracing::error!(?ended, "the watch of the nodes ended"),
        ended = balancers => tracing::error!(?ended, "nobody serves load balancers any more"),
        ended = policies => tracing::error!(?ended, "nobody enforces policies any more"),
    }
    // The namespace must not go: the cluster's network is in it.
    std::future::pending().await
}

/// What only the testbed's own pod network has: under another one nobody does it.
async fn when(own: bool, work: impl Future<Output = Result<()>>) -> Result<()> {
    if own { work.await } else { std::future::pending().await }
}

/// Listens on all addresses of both families; the bridge has none yet.
async fn listen(port: u16, purpose: &str) -> Result<TcpListener> {
    let any = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    TcpListener::bind(any).await.context(|| format!("listen on {any} for {purpose}"))
}
