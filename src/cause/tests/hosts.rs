//! Host-network pods see more and change no diagnosis.

use super::{assert_one, pages::examples};
use crate::{
    cause::Confidence,
    check::Status,
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
};

#[test]
fn a_node_that_does_not_reach_its_own_address_is_told_from_one_that_nobody_reaches() {
    for family in [V4, V6] {
        let lab = || {
            Lab::dual().with_hosts().with(Fault::OwnAddressDropped { on: "n2", family }).looked_at()
        };
        let words = ["Node n2 does not reach its own", family.as_str(), "a filter"];
        let cause = assert_one(&lab(), "own_address_unreached", &words);
        assert_eq!(cause.confidence, Confidence::Likely);
        let mut lab = lab();
        let setting = "net.ipv6.conf.lo.disable_ipv6".to_owned();
        lab.facts.snapshots[1].settings.insert(setting, "1".to_owned());
        let cause = assert_one(&lab, "own_address_unreached", &["Node n2"]);
        let proved = if family == V6 { Confidence::Proved } else { Confidence::Likely };
        assert_eq!(cause.confidence, proved);
    }
}

#[test]
fn with_host_network_pods_every_example_has_the_same_cause_and_nothing_is_left_unexplained() {
    let mut wrong = Vec::new();
    for (id, lab) in examples() {
        let (without, with) =
            (lab.clone().looked_at().run(), lab.clone().with_hosts().looked_at().run());
        if !with.rules().contains(&id)
            || (without.rules() != with.rules() && lab.fixture.host_probes.is_empty())
        {
            wrong.push(format!("{id}: {:?}, with hosts {:?}", without.rules(), with.rules()));
        }
        let explained: Vec<&String> =
            with.record.causes.iter().flat_map(|cause| &cause.explains).collect();
        let red = with.names(Status::Fail);
        let left: Vec<&String> = red.iter().filter(|name| !explained.contains(name)).collect();
        if !left.is_empty() {
            wrong.push(format!("{id} leaves {left:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
