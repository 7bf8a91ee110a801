//! A record that is judged again says what its run said.

use super::rejudge;
use crate::{
    check::{Stage, Status},
    exit::Exit,
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
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
    assert_eq!(reached.verdict.detail(), "the record doesn't hold the probes of this case");
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
