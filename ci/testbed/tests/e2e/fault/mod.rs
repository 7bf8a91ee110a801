//! Every fault of the catalogue: injected, seen to break what it says and nothing else, reverted,
//! and seen no more.

mod expected;
mod paths;
mod traces;

use std::{fs, path::PathBuf, time::Duration};

use testbed::{
    cluster::Cluster,
    fault::{self, Fault},
    spec::{ClusterDns, Family, ProxyMode, Spec},
};

pub(crate) use self::expected::expected;
use self::{
    paths::Path,
    traces::{assert_same, traces},
};
use crate::{
    cluster::workload,
    probe::{Expect, Probe, Scope, expect, expect_health},
    support::{self, Test, settles},
    workload::Workload,
};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// One test for each fault.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for family in [None, Some(Family::V6), Some(Family::V4)] {
        for fault in Fault::examples(family) {
            let name = format!("fault::{fault}").replace(" --", "::").replace(' ', "=");
            // The mirror in the other family proves that families are told apart.
            let slow = family == Some(Family::V4) || is_costly(&fault);
            tests.push(Test::new(&name, slow, move || inject_and_revert(workload(), &fault)));
        }
    }
    tests.push(Test::new("fault::on_a_cluster_of_another_shape", true, on_another_shape));
    tests
}

/// Whether a trial takes longer than half a minute.
const fn is_costly(fault: &Fault) -> bool {
    matches!(fault, Fault::ExternalTrafficLocal(_))
}

/// What works otherwise where kube-proxy programs nftables, or names are served in both families.
fn on_another_shape() {
    let name = support::name("faults");
    let spec =
        Spec { proxy_mode: ProxyMode::Nftables, dns: ClusterDns::Dual, ..Spec::new(name.clone()) };
    let (cluster, _) = Cluster::up(&support::program(), &spec, &support::Steps).unwrap();
    let workload = Workload::deploy(&cluster);
    let otherwise = |fault: &Fault| {
        matches!(
            fault,
            Fault::ClusterIpDropped(_)
                | Fault::DnsFamilyRefused(_)
                | Fault::HairpinOff(_)
                | Fault::NodePortAddresses(_)
                | Fault::NodePortDropped(_)
                | Fault::NodePortRefused(_)
                | Fault::RulesFlushed(_)
        )
    };
    for family in FAMILIES {
        for fault in Fault::examples(family).iter().filter(|fault| otherwise(fault)) {
            println!("  {fault}");
            inject_and_revert(&workload, fault);
        }
    }
    Cluster::down(&name).unwrap();
}

fn inject_and_revert(workload: &Workload<'_>, fault: &Fault) {
    let before = traces(workload.cluster);
    let injection = fault::injected(workload.cluster, fault)
        .unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()));
    // First: one of the faults ends by itself.
    expect_paths(workload, fault, true);
    let new_pods = matches!(
        fault,
        Fault::PodAddressMissing(_) | Fault::NodeCidrMissing(_) | Fault::ExternalTrafficLocal(_)
    );
    let scope = Scope { new_pods, mute: expected::mute(fault) };
    // A pod that knows two servers asks the other one too, sooner or later.
    let two_servers = workload.cluster.record().spec.dns == ClusterDns::Dual;
    expect(workload, scope, |probe| match probe {
        Probe::Dns { .. } if two_servers => Expect::Either,
        _ => expected(fault, probe),
    });
    match fault {
        // It comes back before it is reverted.
        Fault::ApiServerPaused(_) => expect_paths(workload, fault, false),
        // It is one pod that is dropped.
        Fault::PodDropped(f) => {
            let another = Path::NewWebServer { node: f.node.clone() };
            assert!(FAMILIES.iter().all(|&family| another.works(workload, family)));
        }
        _ => {}
    }
    let book = Book::copy(workload.cluster);
    injection.revert().unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()));
    // A process that was killed while it reverted leaves it to the next one.
    book.put_back();
    assert!(fault::revert(workload.cluster, fault).unwrap(), "it was not in the book");
    expect_health(workload);
    expect_paths(workload, fault, false);
    assert!(fault::active(workload.cluster).unwrap().is_empty());
    assert_same(&before, &traces(workload.cluster));
}

/// A copy of what the testbed wrote down of the faults that are injected.
struct Book(Vec<(PathBuf, Vec<u8>)>);

impl Book {
    fn copy(cluster: &Cluster) -> Self {
        let files = fs::read_dir(cluster.dir().join("faults")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let copy: Vec<_> = files.map(|file| (file.clone(), fs::read(&file).unwrap())).collect();
        assert_eq!(copy.len(), 1);
        Self(copy)
    }

    fn put_back(&self) {
        for (file, content) in &self.0 {
            fs::write(file, content).unwrap();
        }
    }
}

/// Waits until the path that this fault alone is about, if there is one, is broken in the fault's
/// family (or in both), and works in the other; or, once it is reverted, works in both.
#[track_caller]
fn expect_paths(workload: &Workload<'_>, fault: &Fault, injected: bool) {
    let Some(path) = Path::of(fault) else { return };
    for family in FAMILIES {
        let broken = injected && fault.family().is_none_or(|broken| broken == family);
        let settled = settles(Duration::from_secs(25), || path.works(workload, family) != broken);
        let state = if broken { "works" } else { "is broken" };
        assert!(settled, "{fault}: {path:?} {state} in {family}, against expectation");
    }
}
