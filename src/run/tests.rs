//! A record that is judged again says what its run said, and a plan what the run will do.

use super::{Plan, planned, rejudge};
use crate::{
    check::{Stage, Status},
    exit::Exit,
    fixture::{self, FixtureOptions, HostNetworkPolicy, MeshChoice, NodeChoice},
    lab::{Fault, Lab},
    net::IpFamily::{self, V4, V6},
    probe::Vantage,
    record::{BrokenOff, Record},
};

/// What reads back from what was written.
fn read_back(record: &Record) -> Record {
    serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
}

fn assert_judged_the_same(record: &Record) {
    let read = read_back(record);
    assert_eq!(read, *record);
    assert_eq!(read.contradiction(), None);
    let checks = read.suite.checks();
    assert_eq!(rejudge(read, checks), *record);
}

#[test]
fn judging_again_gives_the_verdicts_and_causes_of_the_run() {
    let faults = [
        Fault::NoRoute { at: "n1", to: "n2", family: V6 },
        Fault::ClusterIpDropped { at: "n1", family: V4 },
        Fault::NodePortDropped { at: "n2", family: V6 },
        Fault::NoWayOutside { family: V6 },
        Fault::NoRecords { pod: None, family: V6 },
    ];
    assert_judged_the_same(&Lab::dual().run().record);
    for fault in faults {
        assert_judged_the_same(&Lab::dual().with(fault).run().record);
    }
    assert_judged_the_same(&Lab::dual().without_exec().record);
}

#[test]
fn a_run_that_broke_off_is_judged_again_with_its_words_and_its_exit_code() {
    for reached in Stage::ALL {
        for exit in [Some(Exit::Cluster), Some(Exit::Interrupted), None] {
            let why = BrokenOff { error: "the API server went away".to_owned(), exit };
            let record = Lab::dual().broken_off(reached, "n3", why).record;
            assert_eq!(record.exit(), exit.unwrap_or(Exit::Inconclusive));
            assert_judged_the_same(&record);
        }
    }
}

#[test]
fn a_record_that_lacks_observations_never_passes() {
    let record = Lab::dual().run().record;
    assert_eq!(record.exit(), Exit::Passed);
    let mut bare = serde_json::to_value(&record).unwrap();
    for probe in bare["probes"].as_array_mut().unwrap() {
        probe.as_object_mut().unwrap().remove("seen");
    }
    let bare: Record = serde_json::from_value(bare).unwrap();
    let checks = bare.suite.checks();
    let again = rejudge(bare, checks);
    assert_eq!(again.exit(), Exit::Inconclusive);
    let reached = again.judged.iter().find(|judged| judged.case.check == "pod::reachable").unwrap();
    assert_eq!(reached.verdict.status(), Status::Inconclusive);
    assert_eq!(reached.verdict.detail(), "the record doesn't contain the probes of this case");
}

#[test]
fn where_somebody_removed_a_part_of_the_workload_no_path_has_failed() {
    let mut record =
        Lab::dual().with(Fault::NoRoute { at: "n2", to: "n1", family: V6 }).run().record;
    assert_eq!(record.exit(), Exit::Failed);
    record.fixture.as_mut().unwrap().removed = vec!["Service probe-n1".to_owned()];
    record.broken_off =
        Some(BrokenOff { error: "somebody else removed it".to_owned(), exit: None });
    let checks = record.suite.checks();
    let again = rejudge(record, checks);
    assert_eq!(again.exit(), Exit::Inconclusive);
    assert_eq!(again.causes.len(), 0);
    let doubted =
        again.judged.iter().find(|judged| judged.verdict.status() == Status::Inconclusive);
    assert_eq!(doubted.unwrap().verdict.detail(), "not determined: somebody else removed it");
}

#[test]
fn a_record_without_its_fixture_or_its_end_is_a_contradiction() {
    let whole = Lab::dual().run().record;
    let contradiction = |change: &dyn Fn(&mut Record)| {
        let mut record = whole.clone();
        change(&mut record);
        record.contradiction().unwrap()
    };
    let missing = contradiction(&|record| record.fixture = None);
    assert_eq!(missing, "something was put into the cluster, and `fixture` is missing");
    let short = contradiction(&|record| record.reached = Stage::Facts);
    assert!(short.starts_with("the run ended before"), "{short}");
    let early = contradiction(&|record| {
        record.reached = Stage::Facts;
        record.broken_off = Some(BrokenOff { error: "interrupted".to_owned(), exit: None });
    });
    assert!(early.ends_with("the run did not come so far"), "{early}");
    let strange = contradiction(&|record| record.suite.checks = vec!["node".to_owned()]);
    assert!(strange.ends_with("its check is not in the suite"), "{strange}");
}

fn without_hosts() -> FixtureOptions {
    FixtureOptions { host_network: HostNetworkPolicy::Off, ..FixtureOptions::default() }
}

fn plan(lab: &Lab, options: &FixtureOptions) -> Plan {
    planned(&lab.facts, &lab.suite, &lab.suite.checks(), options).unwrap()
}

/// That a plan counts what a healthy run of the lab does.
fn assert_planned(lab: &Lab, options: &FixtureOptions) {
    let (plan, record) = (plan(lab, options), lab.run().record);
    let of_pods = |probe: &crate::probe::Probe| {
        matches!(probe.vantage, Vantage::Pod { .. } | Vantage::HostNetwork { .. })
    };
    let from_pods = record.probes.iter().filter(|(_, probe, _)| of_pods(probe)).count();
    let what = format!("{} nodes, {}", lab.fixture.nodes.len(), lab.suite.name);
    assert_eq!(record.exit(), Exit::Passed, "{what}");
    assert_eq!(plan.cases, record.judged.len(), "{what}");
    assert_eq!(plan.probes, record.probes.len(), "{what}");
    assert_eq!(plan.from_pods, from_pods, "{what}");
    assert_eq!(plan.execs, lab.fixture.probes.len() + lab.fixture.host_probes.len(), "{what}");
}

#[test]
fn a_plan_counts_the_cases_and_probes_of_a_healthy_run() {
    for nodes in [1, 2, 3, 8, 9, 40] {
        for families in [[V4, V6], [V6, V4]] {
            assert_planned(&Lab::new(nodes, &families), &without_hosts());
        }
        let hosts = Lab::new(nodes, &[V4, V6]).with_hosts();
        assert_planned(&hosts, &FixtureOptions::default());
    }
    assert_planned(&Lab::new(3, &[V4]).under("single-stack-ipv4"), &without_hosts());
    assert_planned(&Lab::dual().under("smoke"), &without_hosts());
    let mesh = "3".parse().unwrap();
    let sparse = FixtureOptions { mesh, ..without_hosts() };
    assert_planned(&Lab::meshed(12, &IpFamily::ALL, mesh), &sparse);
}

#[test]
fn the_fixture_of_a_plan_is_that_of_a_healthy_cluster() {
    for nodes in [3, 12] {
        let mut lab = Lab::new(nodes, &[V4, V6]);
        let rendered = fixture::render(&without_hosts(), &lab.facts, "ab3de").unwrap();
        let outside = lab.fixture.egress.clone();
        lab.fixture = fixture::Fixture { egress: outside, ..rendered.expected(&lab.facts) };
        let run = lab.run();
        assert_eq!(run.names(Status::Fail), Vec::<String>::new());
        assert_eq!(run.names(Status::Inconclusive), Vec::<String>::new());
        assert_eq!(lab.fixture.unserved(), Vec::<&str>::new());
    }
}

#[test]
fn a_plan_names_what_is_created_and_which_nodes_are_left_out() {
    let mut lab = Lab::dual();
    lab.node("n3").unschedulable = true;
    let plan = plan(&lab, &FixtureOptions::default());
    let left_out: Vec<&str> = plan
        .nodes
        .iter()
        .filter_map(|node| Some(node.excluded.as_ref()?.reason.as_str()))
        .collect();
    assert_eq!(left_out, ["cordoned"]);
    // A busybox and a host-network busybox on each of two nodes.
    assert_eq!((plan.objects["Deployment"], plan.objects["Pod"]), (2, 4));
    assert_eq!((plan.objects["Namespace"], plan.objects["Lease"]), (2, 2));
    assert_eq!(plan.calls.creates, plan.objects.values().sum::<usize>());
    assert!(plan.seconds > 0 && plan.calls.reads > 0);
}

#[test]
fn a_plan_of_checks_that_need_nothing_created_creates_nothing() {
    let lab = Lab::dual();
    let checks = [crate::check::by_id("node::internal_ips").unwrap()];
    let plan = planned(&lab.facts, &lab.suite, &checks, &FixtureOptions::default()).unwrap();
    assert!(plan.objects.is_empty() && plan.nodes.is_empty());
    assert_eq!((plan.probes, plan.calls.creates, plan.calls.deletes), (0, 0, 0));
    assert!(plan.cases > 0);
}

#[test]
fn a_plan_refuses_what_a_run_would_refuse() {
    let lab = Lab::dual();
    let refused = |options: FixtureOptions| {
        let planned = planned(&lab.facts, &lab.suite, &lab.suite.checks(), &options);
        planned.unwrap_err().to_string()
    };
    let mesh = refused(FixtureOptions { mesh: "3".parse().unwrap(), ..without_hosts() });
    assert!(mesh.starts_with("--mesh 3 is too large"), "{mesh}");
    let nodes: NodeChoice = "4".parse().unwrap();
    let many = refused(FixtureOptions { nodes: Some(nodes), ..without_hosts() });
    assert!(many.starts_with("--nodes 4 asks for more nodes than there are"), "{many}");
    let full = FixtureOptions { mesh: MeshChoice::Full, ..without_hosts() };
    assert_eq!(plan(&lab, &full).mesh, None);
}
