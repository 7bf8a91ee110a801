//! Every fault of the catalogue: injected, seen to break what it says and nothing else, reverted,
//! and seen no more.

mod traces;

use std::{fs, path::PathBuf, time::Duration};

use testbed::{
    cluster::Cluster,
    fault::{self, Fault, PacketsLost},
    shape::{NETWORKS, Shape},
    spec::{ClusterDns, Family, ProxyMode, Spec},
};

use self::traces::{assert_same, traces};
use crate::{
    cluster::workload,
    probe::{
        api_server_answers, can_ask_new_things, concerns_new_things, expect, expect_health, net,
    },
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
    for shape in NETWORKS {
        let name = format!("fault::over_{}", shape.name);
        tests.push(Test::new(&name, true, move || over_another_network(shape)));
    }
    tests
}

/// Whether a trial takes longer than half a minute, or is much like another one.
const fn is_costly(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::ControllerManagerStopped(_)
            | Fault::DnsTransportDropped(_)
            | Fault::EgressDropped(_)
            | Fault::ExternalTrafficLocal(_)
            | Fault::KubeProxyFamilyFailing(_)
            | Fault::KubeletStopped(_)
            | Fault::LargeAnswersLost(_)
            | Fault::LargePacketsOneWay(_)
            | Fault::ListenerOneFamily(_)
            | Fault::SchedulerStopped(_)
            | Fault::WebPortDropped(_)
    )
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

/// The faults of a pod network that isn't the testbed's own.
fn over_another_network(shape: &'static Shape) {
    let name = support::name("faults");
    let spec = shape.spec(name.clone());
    let (cluster, _) = Cluster::up(&support::program(), &spec, &support::Steps).unwrap();
    let workload = Workload::deploy(&cluster);
    expect_health(&workload);
    for family in [None, Some(Family::V6), Some(Family::V4)] {
        for fault in Fault::examples_on(shape.cni(), family) {
            println!("  {fault}");
            inject_and_revert(&workload, &fault);
        }
    }
    Cluster::down(&name).unwrap();
}

fn inject_and_revert(workload: &Workload<'_>, fault: &Fault) {
    let cluster = workload.cluster;
    let before = traces(cluster);
    let injection = fault::injected(cluster, fault)
        .unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()));
    if let Fault::ApiServerPaused(_) = fault {
        // It ends by itself.
        assert!(!api_server_answers(cluster), "the API server answers");
        assert!(settles(Duration::from_secs(25), || api_server_answers(cluster)));
    }
    if let Fault::PacketsLost(f) = fault {
        assert_some_are_lost(workload, f);
    }
    expect(workload, Some(fault));
    let net = net(cluster);
    let new = can_ask_new_things(fault, &net) && concerns_new_things(fault, &net);
    if new {
        let made_since = Workload::deploy_new(cluster);
        expect(&made_since, Some(fault));
        made_since.delete();
    }
    let book = Book::copy(cluster);
    injection.revert().unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()));
    // A process that was killed while it reverted leaves it to the next one.
    book.put_back();
    assert!(fault::revert(cluster, fault).unwrap(), "it was not in the book");
    expect_health(workload);
    if new {
        let made_since = Workload::deploy_new(cluster);
        expect_health(&made_since);
        made_since.delete();
    }
    assert!(fault::active(cluster).unwrap().is_empty());
    assert_same(&before, &traces(cluster));
}

/// Counts the echoes of a hundred pings: each passes twice.
fn assert_some_are_lost(workload: &Workload<'_>, fault: &PacketsLost) {
    let addresses = &workload.pods[&fault.to];
    let to = addresses.iter().find(|ip| Family::of(**ip) == fault.family).unwrap();
    let script =
        format!("for i in $(seq 100); do ping -c 1 -W 1 {to} >/dev/null && echo . & done; wait");
    let there = workload.in_box(&fault.node, &script).lines().count();
    assert!((15..=85).contains(&there), "{there} of 100 pings came back");
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
