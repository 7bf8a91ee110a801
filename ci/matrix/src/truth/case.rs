//! What is read of the product's record. Nothing else here knows how it is written.

use std::collections::BTreeSet;

use dualstack::{
    check::{Status, Subject},
    net::IpFamily,
    record::Record,
};
use testbed::{path::Net, spec::Spec};

/// A case with its verdict.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name: `service::cluster_ip_reachable/ipv6/n1 -> n2`.
    pub name: String,
    /// The check's id.
    pub check: String,
    /// In which family; `None` where both are judged at once.
    pub family: Option<IpFamily>,
    /// What is judged.
    pub subject: Subject,
    /// What became of it.
    pub status: Status,
}

/// The cases of a run.
pub fn cases(record: &Record) -> Vec<Case> {
    let case = |judged: &dualstack::cause::Judged| Case {
        name: judged.case.name(),
        check: judged.case.check.clone(),
        family: judged.case.family,
        subject: judged.case.subject.clone(),
        status: judged.verdict.status(),
    };
    record.judged.iter().map(case).collect()
}

/// The nodes that took no part in a run, each with the reason.
pub fn passed_over(record: &Record) -> Vec<String> {
    let nodes = record.fixture.iter().flat_map(|fixture| &fixture.nodes);
    nodes.filter_map(|node| Some(format!("{} ({})", node.name, node.excluded.as_ref()?))).collect()
}

/// The names of the nodes that took no part in a run.
pub(super) fn left_out(record: &Record) -> Vec<&str> {
    let nodes = record.fixture.iter().flat_map(|fixture| &fixture.nodes);
    nodes.filter(|node| node.excluded.is_some()).map(|node| node.name.as_str()).collect()
}

/// The causes that a run named, each with the names of the cases it explains.
pub(super) fn causes(record: &Record) -> Vec<(String, Vec<String>)> {
    record.causes.iter().map(|cause| (cause.id.clone(), cause.explains.clone())).collect()
}

/// The cluster that a run saw, whose DNS servers are where its cases ask them.
pub(super) fn net(cases: &[Case], spec: &Spec) -> Net {
    let dns = cases.iter().filter(|case| case.check.starts_with("dns::"));
    let nodes: BTreeSet<String> = dns
        .filter_map(|case| match &case.subject {
            Subject::Pod { node, .. } => Some(node.clone()),
            _ => None,
        })
        .collect();
    Net::new(spec, nodes.into_iter().collect())
}
