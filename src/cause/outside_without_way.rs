//! `outside_without_way`: this machine reaches no node in a family.

use super::{CauseRule, Evidence, Found, evidence::Origin, node_cut_off};
use crate::{check::Kind, net::IpFamily};

#[derive(Debug)]
pub(super) struct OutsideWithoutWay;

impl CauseRule for OutsideWithoutWay {
    fn id(&self) -> &'static str {
        "outside_without_way"
    }

    fn why(&self) -> &'static str {
        "Whether the cluster's NodePorts work in this family can't be tested from here. This does not mean that \
         they are broken."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let outside = || evidence.of(family).filter(|probed| matches!(probed.origin, Origin::Outside));
    let example = outside().find(|probed| probed.is_node_port() && probed.bad())?;
    if outside().any(|probed| probed.proves_a_way())
        || node_cut_off::is_lost_alone(evidence, family)
    {
        return None;
    }
    let unreachable = outside().all(|probed| probed.kind() == Some(Kind::Unreachable));
    let ip = example.probe.target.address()?.ip();
    let what = if unreachable {
        format!("This machine has no {family} route to any node of the cluster.")
    } else {
        format!("This machine gets no answer over {family} from any node of the cluster.")
    };
    let fix = if unreachable {
        format!("Give this machine an {family} address and a route to the nodes.")
    } else {
        format!("Let {family} through between this machine and the nodes.")
    };
    Some(Found {
        what,
        evidence: vec![
            format!("{ip}: {}", example.seen()),
            format!(
                "no node answered, neither at a NodePort nor at the kubelet's port, over {family}"
            ),
        ],
        reproduce: vec![format!("ip {} route get {ip}", crate::check::commands::flag(family))],
        fix: vec![
            fix,
            "Or run dualstack on a machine that reaches the nodes, or with --outside off."
                .to_owned(),
        ],
        probed: evidence
            .bad(|probed| probed.family == family && matches!(probed.origin, Origin::Outside)),
        ..Found::default()
    })
}
