//! Host-network pods see more and change no diagnosis.

use super::pages::examples;
use crate::check::Status;

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
