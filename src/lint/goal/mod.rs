//! `--goal dual-stack`: what this very cluster still needs to have both families, in order, and what
//! it can't become without being built anew.
//!
//! A plan is a pure function of the model: the documents of files, or those of the live cluster.

mod changes;
mod kubeadm;
mod kubespray;
mod lacks;
mod plugins;
mod ranges;
mod render;
mod steps;
mod tools;
mod written;

pub(super) use render::render;
pub use steps::{Change, Goal, Plan, Step};

use super::{model::Model, source::Sources};
use written::Writer;

/// The plan for a cluster, or nothing where its documents don't say what families it has.
pub(super) fn plan(model: &Model, sources: &Sources) -> Option<Plan> {
    let lacks = lacks::lacks(model)?;
    let changes = if model.asked.live {
        Vec::new()
    } else {
        changes::changes(model, &lacks, Writer(sources))
    };
    let tool = tools::of(model);
    let cluster = lacks.describe(model, tool.as_str());
    let mut sources = vec![tools::CONCEPT];
    if lacks.is_nothing() {
        let (fixed, steps) = (Vec::new(), Vec::new());
        return Some(Plan { cluster, rebuild: None, fixed, changes, steps, sources });
    }
    if let Some((why, page)) = tool.rebuild() {
        sources.push(page);
        let (fixed, rebuild) = (Vec::new(), Some((why, page)));
        let steps = tool.steps(model, &lacks);
        return Some(Plan { cluster, rebuild, fixed, changes, steps, sources });
    }
    sources.extend(kubeadm::SOURCES);
    let fixed = kubeadm::fixed(model, &lacks);
    let steps = kubeadm::steps(model, &lacks);
    Some(Plan { cluster, rebuild: None, fixed, changes, steps, sources })
}

#[cfg(test)]
mod applied;
#[cfg(test)]
mod proposed;
#[cfg(test)]
mod tests;
