//! Pods under NetworkPolicies.

use crate::{
    check::Status,
    fixture::PolicyRule,
    lab::{Fault, Lab, Run},
    net::IpFamily::{self, V4, V6},
    probe::{Aim, MISSING_PERMISSION, Observation},
};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

fn lab() -> Lab {
    Lab::dual().guarded().only(&["policy", "pod::reachable"])
}

fn case(run: &Run, family: IpFamily, node: &str) -> (Status, String) {
    let name = format!("policy::both_families/{}/{node}", family.slug());
    let verdict = &run.case(&name).verdict;
    (verdict.status(), verdict.detail().to_owned())
}

fn statuses(run: &Run, family: IpFamily) -> Vec<Status> {
    NODES.iter().map(|node| case(run, family, node).0).collect()
}

fn unguarded(nodes: &[&'static str], families: &[IpFamily]) -> Lab {
    let each = nodes.iter().flat_map(|on| families.iter().map(move |&family| (*on, family)));
    each.fold(lab(), |lab, (on, family)| lab.with(Fault::Unguarded { on, family }))
}

#[test]
fn policies_that_guard_both_families_pass() {
    let run = lab().run();
    for family in [V4, V6] {
        assert_eq!(statuses(&run, family), [Status::Pass; 3]);
    }
    assert_eq!(case(&run, V6, "n1").1, "denied and admitted as its policies say");
}

#[test]
fn policies_that_one_family_alone_heeds_are_red_in_the_other() {
    let run = unguarded(&NODES, &[V6]).run();
    assert_eq!(statuses(&run, V4), [Status::Pass; 3]);
    assert_eq!(statuses(&run, V6), [Status::Fail; 3]);
    let (_, detail) = case(&run, V6, "n2");
    assert_eq!(
        detail,
        "deny-all ingress is ignored; deny-all egress is ignored; ingress from ipBlock 0.0.0.0/0 admits \
         IPv6 too"
    );
    assert_eq!(run.rules(), ["policies_ignored"]);
    let what = &run.record.causes[0].what;
    assert_eq!(what, "NetworkPolicies are not enforced for IPv6 on any node.");
}

#[test]
fn a_node_that_heeds_no_policy_beside_others_that_do_is_red() {
    let run = unguarded(&["n2"], &[V4, V6]).run();
    for family in [V4, V6] {
        assert_eq!(statuses(&run, family), [Status::Pass, Status::Fail, Status::Pass]);
    }
    assert!(run.record.causes.iter().all(|cause| cause.what.ends_with("on n2.")));
}

#[test]
fn policies_that_nobody_enforces_are_skipped_with_the_reason() {
    let run = unguarded(&NODES, &[V4, V6]).run();
    for family in [V4, V6] {
        let (status, detail) = case(&run, family, "n3");
        assert_eq!(status, Status::Skip);
        assert!(detail.starts_with("NetworkPolicies are not enforced here"), "{detail}");
    }
    assert_eq!(run.names(Status::Fail), [""; 0]);
}

#[test]
fn one_family_alone_that_nobody_guards_is_skipped_too() {
    let lab = Lab::new(3, &[V6]).under("single-stack-ipv6").guarded().only(&["policy"]);
    assert_eq!(statuses(&lab.run(), V6), [Status::Pass; 3]);
    let off = NODES.iter().fold(lab, |lab, on| lab.with(Fault::Unguarded { on, family: V6 }));
    assert_eq!(statuses(&off.run(), V6), [Status::Skip; 3]);
}

#[test]
fn a_network_whose_blocks_admit_no_pod_in_either_family_is_not_judged_by_them() {
    let neither = lab()
        .with(Fault::BlockUnknown { family: V4 })
        .with(Fault::BlockUnknown { family: V6 })
        .run();
    for family in [V4, V6] {
        let (status, detail) = case(&neither, family, "n1");
        assert_eq!(status, Status::Pass);
        assert!(detail.ends_with("no ipBlock admits a pod here, in either family"), "{detail}");
    }
    let one = lab().with(Fault::BlockUnknown { family: V6 }).run();
    assert_eq!(statuses(&one, V4), [Status::Pass; 3]);
    let (status, detail) = case(&one, V6, "n1");
    assert_eq!(status, Status::Fail);
    assert_eq!(detail, "ingress from ipBlock ::/0 does not admit it: timed out 3 times");
}

#[test]
fn a_path_that_is_dead_without_any_policy_says_nothing_of_them() {
    let lab = NODES.iter().fold(lab(), |lab, at| {
        NODES
            .iter()
            .filter(|to| *to != at)
            .fold(lab, |lab, to| lab.with(Fault::NoRoute { at, to, family: V6 }))
    });
    let run = lab.run();
    assert_eq!(statuses(&run, V4), [Status::Pass; 3]);
    let (status, detail) = case(&run, V6, "n1");
    assert_eq!(status, Status::Skip);
    assert!(detail.starts_with("blocked by pod::reachable: without any policy"), "{detail}");
    assert!(!run.rules().contains(&"policies_ignored"), "{:?}", run.rules());
}

/// A run in which what is tried under these rules is lost for a reason.
fn lost(lab: &Lab, reason: &str, from: PolicyRule) -> Run {
    lab.judge(|probe| {
        let reason = Some(reason.to_owned());
        match probe.aim {
            Aim::Guarded { under, .. } if under >= from => {
                Some(Observation { attempts: Vec::new(), lost: reason })
            }
            _ => Some(lab.observe(probe)),
        }
    })
}

#[test]
fn policies_that_could_not_be_made_are_no_verdict_on_the_network() {
    let forbidden = format!("{MISSING_PERMISSION} create networkpolicies.networking.k8s.io");
    let run = lost(&lab(), &forbidden, PolicyRule::DenyIngress);
    assert_eq!(case(&run, V6, "n1"), (Status::Skip, forbidden));
    let run = lost(&lab(), "the exec was lost", PolicyRule::DenyIngress);
    assert_eq!(
        case(&run, V6, "n1"),
        (Status::Inconclusive, "the exec was lost (and 6 more)".into())
    );
}

#[test]
fn where_nobody_followed_the_first_policy_the_others_need_not_be_tried() {
    let off = unguarded(&NODES, &[V4, V6]);
    let run = lost(&off, crate::check::NOT_ENFORCED, PolicyRule::DenyEgress);
    for family in [V4, V6] {
        assert_eq!(statuses(&run, family), [Status::Skip; 3]);
    }
}
