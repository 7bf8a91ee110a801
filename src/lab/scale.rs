//! Many nodes: that a sparse mesh finds what a full one does, and as often as it says.

use super::{Fault, Lab};
use crate::{
    check::Status,
    fixture::MeshChoice,
    net::IpFamily::{V4, V6},
};

/// What a fault of one node looks like, for a node of any name.
type Make = fn(&'static str) -> Fault;

/// Every fault of the lab that is one node's.
const OF_ONE_NODE: [(&str, Make); 21] = [
    ("ClusterIPs dropped", |at| Fault::ClusterIpDropped { at, family: V6 }),
    ("NodePorts dropped", |at| Fault::NodePortDropped { at, family: V6 }),
    ("NodePorts refused", |at| Fault::NodePortRefused { at, family: V4 }),
    ("NodePorts filtered", |at| Fault::NodePortFiltered { at, family: V6 }),
    ("nginx doesn't listen", |on| Fault::NotListening { on, family: V6 }),
    ("pod filtered", |on| Fault::PodFiltered { on, family: V6 }),
    ("not forwarding", |on| Fault::NotForwarding { on, family: V6 }),
    ("cut off", |node| Fault::CutOff { node, family: V6 }),
    ("narrow to the outside", |at| Fault::NarrowOutside { at, family: V6 }),
    ("masquerade", |at| Fault::Masquerade { at, family: V6 }),
    ("hairpin off", |at| Fault::HairpinOff { at }),
    ("rejections dropped", |at| Fault::RejectDropped { at, family: V6 }),
    ("datagrams dropped", |at| Fault::UdpDropped { at, family: V6 }),
    ("no routes to its own pods", |on| Fault::OwnRoutesMissing { on, family: V6 }),
    ("drops what it forwards", |on| Fault::ForwardDropped { on, family: V6 }),
    ("web port dropped", |on| Fault::WebPortDropped { on, family: V6 }),
    ("masquerade of NodePorts lost", |at| Fault::ServiceMasqueradeLost { at, family: V6 }),
    ("way back from NodePorts", |at| Fault::NodePortWayBack {
        at: Some(at),
        from: None,
        family: V6,
    }),
    ("way back to its pods", |from| Fault::NodePortWayBack {
        at: None,
        from: Some(from),
        family: V6,
    }),
    ("forwarded datagrams dropped", |on| Fault::DatagramsDropped { on, family: V6 }),
    ("masquerade on entering", |at| Fault::MasqueradeEntering { at, family: V6 }),
];

fn name(i: usize) -> &'static str {
    format!("n{i}").leak()
}

/// Each fault on one node with Services of its own and one without: the causes are those that a
/// full mesh of six nodes names.
fn single_node_faults(nodes: usize) {
    let healthy = Lab::new(nodes, &[V4, V6]);
    let served = &healthy.fixture.mesh.served;
    let with = served.iter().nth(served.len() / 2).cloned().unwrap().leak();
    let without = (5..=nodes).map(name).find(|node| !served.contains(*node));
    let mut wrong = Vec::new();
    for (what, make) in OF_ONE_NODE {
        let full = Lab::new(6, &[V4, V6]).with(make("n4")).run();
        let full: Vec<&str> = full.rules();
        assert_eq!(full.len(), 1, "{what}: {full:?}");
        for node in [Some(&*with), without].into_iter().flatten() {
            // Pods reach themselves through Services of their own.
            if what == "hairpin off" && Some(node) == without {
                continue;
            }
            let run = healthy.clone().with(make(node)).run();
            let named = |cause: &crate::cause::Cause| {
                cause.what.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == node)
            };
            if run.rules() != full || !run.record.causes.iter().all(named) {
                let whats = run.record.causes.iter().map(|cause| cause.what.clone());
                wrong.push(format!(
                    "{what} on {node}: {full:?} and not {:?}",
                    whats.collect::<Vec<_>>()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "of {nodes} nodes: {wrong:#?}");
}

#[test]
fn a_sparse_mesh_names_the_same_cause_for_a_fault_of_a_node_as_a_full_one() {
    single_node_faults(40);
}

#[test]
#[ignore = "takes minutes without optimisation: cargo test --profile bench --lib -- --ignored lab::scale"]
fn a_sparse_mesh_of_a_thousand_nodes_names_the_same_causes() {
    single_node_faults(1_000);
}

#[test]
fn a_run_of_many_healthy_nodes_is_green_and_linear() {
    let run = Lab::new(40, &[V4, V6]).run();
    assert_eq!(run.names(Status::Fail), Vec::<String>::new());
    assert_eq!(run.names(Status::Inconclusive), Vec::<String>::new());
    assert_eq!(run.record.exit(), crate::exit::Exit::Passed);
    let more = Lab::new(80, &[V4, V6]).run();
    let (few, many) = (run.record.probes.len(), more.record.probes.len());
    assert!(many < few * 21 / 10, "{few} probes of 40 nodes, {many} of 80");
}

/// A thousand random pairs of nodes, of which every so many-th is broken and run: each is found if the
/// mesh tries it, and so many are tried as the mesh says.
fn broken_pairs(nodes: usize, run_each: usize) {
    let healthy = Lab::meshed(nodes, &[V4, V6], MeshChoice::Auto);
    let mesh = &healthy.fixture.mesh;
    let (tried, all) = mesh.pairs();
    let mut random = fastrand::Rng::with_seed(14);
    let (mut covered, mut said) = (0, 0);
    for turn in 0..1_000 {
        let a = random.usize(1..=nodes);
        let b = (a + random.usize(1..nodes) - 1) % nodes + 1;
        let tries = |from: &str, to: &str| mesh.pods[from].iter().any(|it| it == to);
        let (a, b) = (name(a), name(b));
        // Whether a pair is tried is all that decides.
        let found = tries(a, b) || tries(b, a);
        covered += usize::from(found);
        // Those that are not tried are many: a few of them show that they stay unseen.
        if turn % run_each == 0 || (found && said < 3) {
            let run = healthy.clone().with(Fault::SilentRoute { at: a, to: b, family: V6 }).run();
            assert_eq!(!run.record.causes.is_empty(), found, "{a} to {b}");
            if found {
                assert_eq!(run.rules(), ["pod_route_missing"], "{a} to {b}");
                said += 1;
            }
        }
    }
    assert!(said > 0);
    // A thousand draws lie within three standard deviations of what is stated.
    let stated = tried as f64 / all as f64;
    let spread = 3.0 * (stated * (1.0 - stated) / 1_000.0).sqrt();
    assert!(covered as f64 / 1_000.0 > stated - spread, "{covered} of 1000, stated {stated}");
}

#[test]
fn a_broken_pair_is_found_as_often_as_the_mesh_says_and_named_as_one() {
    broken_pairs(60, 200);
}

#[test]
#[ignore = "takes minutes without optimisation: cargo test --profile bench --lib -- --ignored lab::scale"]
fn a_broken_pair_of_a_thousand_nodes_is_found_as_often_as_the_mesh_says() {
    broken_pairs(1_000, 250);
}

#[test]
fn a_run_with_a_second_round_is_judged_again_alike() {
    let lab = Lab::new(30, &[V4, V6]).with(Fault::NotForwarding { on: "n7", family: V6 });
    let record = lab.run().record;
    assert!(!record.fixture.as_ref().unwrap().mesh.again.is_empty());
    let written = serde_json::to_string(&record).unwrap();
    let read: crate::record::Record = serde_json::from_str(&written).unwrap();
    assert_eq!(read.contradiction(), None);
    let again = crate::run::rejudge(read, record.suite.checks());
    assert_eq!(again, record);
}
