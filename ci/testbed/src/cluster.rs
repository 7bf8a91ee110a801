//! A whole cluster: bringing it up, finding it again, taking it down.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    agent::{self, AgentPlan, REGISTRY_PORT},
    cache::Cache,
    cgroup::Hierarchies,
    cni,
    components::{self, Artefacts},
    error::{Context, Error, Result},
    health,
    kubeadm::{Kubeadm, Secrets},
    node::{self, BootPlan, Node},
    preflight,
    progress::{Event, Progress},
    run::{Run, wait_for},
    shape,
    spec::{Cni, Name, Spec},
    state::{ClusterDir, ClusterLock, ProcessId, Record, Store, boot_id},
    underlay::{self, Underlay},
};

/// How long the system pods may take, once all nodes have joined.
const PATIENCE: Duration = Duration::from_secs(180);

/// A cluster that is up.
#[derive(Clone, Debug)]
pub struct Cluster {
    dir: ClusterDir,
    record: Record,
    agent: ProcessId,
    nodes: Vec<Node>,
}

/// What [`Cluster::up`] found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The cluster was not there, or broken, and is now.
    Started,
    /// It was up already.
    AlreadyUp,
}

impl Cluster {
    /// Brings a cluster up, or finds that it is.
    ///
    /// `testbed` is the testbed's own program, whose hidden subcommands become the cluster's
    /// daemons; the library itself may run inside another program.
    pub fn up(testbed: &Path, spec: &Spec, progress: &dyn Progress) -> Result<(Self, Start)> {
        spec.validate()?;
        let store = Store::open();
        let dir = store.cluster(&spec.name);
        if let Some(cluster) = Self::existing(&dir, spec)? {
            return Ok((cluster, Start::AlreadyUp));
        }
        // Outside the lock: a first build takes minutes, and `down` must not wait for it.
        let cache = Cache::open()?;
        preflight::check(&cache, spec)?;
        let artefacts = components::prepare(&cache, spec.kubernetes, spec.cni, progress)?;
        preflight::check_packet_filter(&artefacts, spec.cni)?;
        let _lock = dir.lock()?;
        if let Some(cluster) = Self::existing(&dir, spec)? {
            return Ok((cluster, Start::AlreadyUp));
        }
        // Whatever a crash left under this name goes first.
        clear(&dir, &spec.name)?;
        let _lock = dir.lock()?;
        let record = store.allocate(spec)?;
        store.raise_limits()?;
        let build = Build {
            testbed,
            dir: &dir,
            cgroups: Hierarchies::detect()?,
            record: &record,
            artefacts: &artefacts,
            progress,
        };
        let (agent, nodes) = build.run()?;
        let record = Record { complete: true, ..record };
        dir.write_record(&record)?;
        Ok((Self { dir, record, agent, nodes }, Start::Started))
    }

    /// The cluster that is up in this directory, which must be the one that is asked for.
    fn existing(dir: &ClusterDir, spec: &Spec) -> Result<Option<Self>> {
        let Some(cluster) = Self::running(dir)? else { return Ok(None) };
        if cluster.record.spec == *spec {
            return Ok(Some(cluster));
        }
        Err(Error::Invalid(format!(
            "cluster '{0}' is up in another shape ({1}): take it down first (`testbed --name {0} \
             down`), or choose another name",
            spec.name,
            shape::describe(&cluster.record.spec)
        )))
    }

    /// The cluster of this name, which must be up.
    pub fn that_is_up(name: &Name) -> Result<Self> {
        let dir = Store::open().cluster(name);
        let absent = |state| Error::NotUp { name: name.to_string(), state };
        if !dir.path().exists() {
            return Err(absent("does not exist"));
        }
        Self::running(&dir)?.ok_or_else(|| absent("is not running"))
    }

    /// The cluster in this directory, if it was start up whole and all of its processes live.
    fn running(dir: &ClusterDir) -> Result<Option<Self>> {
        let Some(record) = dir.record()? else { return Ok(None) };
        if !record.complete || record.boot_id != boot_id()? {
            return Ok(None);
        }
        let Some(agent) = dir.read::<ProcessId>("agent.json")? else { return Ok(None) };
        let nodes = Node::all(dir, &record)?;
        let whole = agent.is_alive()
            && nodes.len() == usize::from(record.spec.nodes)
            && nodes.iter().all(|node| node.process.is_alive());
        Ok(whole.then(|| Self { dir: dir.clone(), record, agent, nodes }))
    }

    /// Takes a cluster down, whatever state it is in. Returns whether there was anything.
    pub fn down(name: &Name) -> Result<bool> {
        let dir = Store::open().cluster(name);
        let lock: Option<ClusterLock> = dir.lock_existing()?;
        if lock.is_none() && !Hierarchies::detect()?.exist(name) {
            return Ok(false);
        }
        clear(&dir, name)?;
        Ok(true)
    }

    /// What was asked for, and where it lives.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The cluster's directory.
    pub fn dir(&self) -> &ClusterDir {
        &self.dir
    }

    /// Its nodes, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            Error::Invalid(format!(
                "cluster '{}' has no node '{name}'; it has {}",
                self.record.spec.name,
                names.join(", ")
            ))
        })
    }

    /// kubectl as the cluster's administrator. It runs on the first node, so that it can't outlive
    /// the cluster.
    pub fn kubectl(&self) -> Result<Command> {
        Ok(self.node("n1")?.command("kubectl"))
    }

    /// The network between the nodes.
    pub fn underlay(&self) -> Underlay {
        Underlay::new(self.agent, self.record.subnet)
    }

    /// The administrator's kubeconfig, usable from the machine.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.kubeconfig()
    }

    /// Waits until nodes and system pods are as they should be.
    pub fn wait_healthy(&self) -> Result<()> {
        health::wait(&self.kubeconfig(), &self.record.spec, PATIENCE)
    }

    /// Waits until a cluster that was broken and repaired is healthy and stays so: a node that could
    /// not renew its Lease may be declared not ready afterwards, and its taint goes later still.
    pub fn wait_repaired(&self) -> Result<()> {
        // The API's times are compared as text: UTC, with microseconds.
        let repaired = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let get = |words: &str| {
            self.kubectl()?.arg("get").args(words.split(' ')).read("look at the nodes")
        };
        let what = "every node renewing its Lease and being without a taint";
        wait_for(what, PATIENCE, String::new, || {
            let leases = get("leases -n kube-node-lease -o jsonpath={.items[*].spec.renewTime}")?;
            let times: Vec<&str> = leases.split_whitespace().collect();
            let renewed = times.len() == self.nodes.len()
                && times.iter().all(|time| *time > repaired.as_str());
            let taints = "nodes -o jsonpath={.items[*].spec.taints}";
            Ok((renewed && get(taints)?.is_empty()).then_some(()))
        })?;
        self.wait_healthy()
    }
}

/// Ends and removes everything of a cluster.
pub(crate) fn clear(dir: &ClusterDir, name: &Name) -> Result<()> {
    let record = dir.record().ok().flatten();
    Hierarchies::detect()?.destroy(name)?;
    if let Some(record) = record {
        underlay::detach_machine(record.subnet)?;
    }
    // Mounts went with the nodes' namespaces; what is left are plain files.
    for entry in fs::read_dir(dir.path()).into_iter().flatten().flatten() {
        let path = entry.path();
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.context(|| format!("remove {}", path.display()))?;
    }
    dir.remove()
}

/// The making of a cluster.
struct Build<'a> {
    testbed: &'a Path,
    dir: &'a ClusterDir,
    cgroups: Hierarchies,
    record: &'a Record,
    artefacts: &'a Artefacts,
    progress: &'a dyn Progress,
}

impl Build<'_> {
    fn run(&self) -> Result<(ProcessId, Vec<Node>)> {
        let spec = &self.record.spec;
        let agent = self.step("underlay and registry", || self.start_agent())?;
        let underlay = Underlay::new(agent, self.record.subnet);
        let secrets = Secrets::generate()?;
        let kubeadm = Kubeadm {
            dir: self.dir,
            record: self.record,
            release: &self.artefacts.release,
            secrets: &secrets,
        };
        let nodes = thread::scope(|scope| -> Result<Vec<Node>> {
            let others: Vec<_> = (2..=spec.nodes)
                .map(|number| scope.spawn(move || self.start_node(&underlay, number)))
                .collect();
            let first = self.step("first node", || self.start_node(&underlay, 1))?;
            self.step("kubeadm init", || kubeadm.init(&first))?;
            if spec.cni != Cni::Ptp {
                self.step(&spec.cni.to_string(), || self.apply_network(&first))?;
            }
            let mut nodes = vec![first];
            for other in others {
                nodes.push(other.join().unwrap_or_else(|_| Err(panicked()))?);
            }
            Ok(nodes)
        })?;
        self.step("kubeadm join", || self.join_all(nodes.get(1..).unwrap_or_default(), kubeadm))?;
        self.step("nodes ready, system pods running", || {
            health::wait(&self.dir.kubeconfig(), spec, PATIENCE)
        })?;
        Ok((agent, nodes))
    }

    /// Runs a step and reports it.
    fn step<T>(&self, step: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        self.progress.event(Event::Started { step });
        let result = work()?;
        self.progress.event(Event::Finished { step, took: began.elapsed() });
        Ok(result)
    }

    fn start_agent(&self) -> Result<ProcessId> {
        let images = self.dir.join("images");
        fs::create_dir_all(&images).context(|| format!("create {}", images.display()))?;
        let plan = AgentPlan {
            record: self.record.clone(),
            image_roots: [vec![images], self.artefacts.registry.clone()].concat(),
        };
        let name = &self.record.spec.name;
        let agent = agent::launch(self.testbed, name, self.dir, &self.cgroups, &plan)?;
        let underlay = Underlay::new(agent, self.record.subnet);
        underlay.create(&self.record.spec.node_families)?;
        underlay.answer_beyond(&self.artefacts.rootfs)?;
        Ok(agent)
    }

    fn start_node(&self, underlay: &Underlay, number: u8) -> Result<Node> {
        let name = format!("n{number}");
        let spec = &self.record.spec;
        let subnet = self.record.subnet;
        let primary = spec.primary();
        let hosts = (1..).zip(spec.node_names()).flat_map(|(i, name)| {
            node::addresses(spec, subnet, i).into_iter().map(move |a| (a, name.clone()))
        });
        let plan = BootPlan {
            dir: self.dir.node(&name),
            rootfs: self.artefacts.rootfs.clone(),
            bin: self.artefacts.bin.clone(),
            cni_bin: self.artefacts.cni_bin.clone(),
            sandbox_image: format!("registry.k8s.io/pause:{}", self.artefacts.release.tags.pause),
            registry: SocketAddr::new(subnet.bridge(primary), REGISTRY_PORT).to_string(),
            resolver: subnet.bridge(primary),
            hosts: hosts.collect(),
            cgroups: self.cgroups.clone(),
            name: name.clone(),
        };
        let process = node::launch(self.testbed, &spec.name, &plan)?;
        underlay.attach_node(&name, number, process, &spec.node_families)?;
        let addresses = node::addresses(spec, subnet, number);
        let node = Node { name, number, process, addresses, dir: plan.dir };
        node.wait_for_containerd()?;
        Ok(node)
    }

    /// Gives the API server the objects of a pod network of others. Its pods come with the nodes.
    fn apply_network(&self, first: &Node) -> Result<()> {
        let spec = &self.record.spec;
        let apply = |what: &str, manifest: &str| {
            let mut kubectl = first.command("kubectl");
            kubectl.args(["apply", "--server-side", "-f", "-"]).feed(what, manifest).map(drop)
        };
        if let Some(path) = &self.artefacts.definitions {
            let text = fs::read_to_string(path).context(|| format!("read {}", path.display()))?;
            apply("apply the definitions of the pod network's objects", &text)?;
        }
        let manifest = match spec.cni {
            Cni::Ptp => return Ok(()),
            Cni::Flannel => cni::flannel::manifest(&spec.pod_cidrs, components::flannel_version()),
            Cni::Calico => cni::calico::manifest(&spec.pod_cidrs, components::calico_version()),
        };
        apply(&format!("apply {}'s manifest", spec.cni), &manifest)
    }

    /// Joins all nodes side by side, but control planes one after the other: each becomes a member
    /// of etcd, which takes one at a time.
    fn join_all(&self, nodes: &[Node], kubeadm: Kubeadm<'_>) -> Result<()> {
        let (control_planes, workers): (Vec<&Node>, Vec<&Node>) =
            nodes.iter().partition(|node| self.record.spec.is_control_plane(node.number));
        thread::scope(|scope| {
            let mut joins =
                vec![scope.spawn(move || {
                    control_planes.into_iter().try_for_each(|node| kubeadm.join(node))
                })];
            for node in workers {
                joins.push(scope.spawn(move || kubeadm.join(node)));
            }
            joins.into_iter().try_for_each(|join| join.join().unwrap_or_else(|_| Err(panicked())))
        })
    }
}

/// The error for a thread that panicked, which none does.
fn panicked() -> Error {
    Error::Invalid("a thread of the testbed panicked; its message is above".to_owned())
}
