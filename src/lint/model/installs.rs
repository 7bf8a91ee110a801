//! What tools that install clusters are told.

use crate::{
    lint::source::{Span, Spanned},
    net::IpFamily,
};

use super::{Args, RangeList, Tool};

/// A cluster as one of these tools is told to install it.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Where its document begins.
    pub at: Span,
    /// The tool that reads it.
    pub tool: Tool,
    /// Its pod ranges, or those that the tool takes where none are given.
    pub pods: Option<RangeList>,
    /// Its Service ranges, or those that the tool takes where none are given.
    pub services: Option<RangeList>,
    /// The prefix lengths of nodes' pod ranges, as far as they differ from Kubernetes' defaults.
    pub masks: Vec<NodeMask>,
    /// Further settings that the tool's own rules read, by their path in the document.
    pub settings: Args,
}

/// The prefix length of each node's pod range in one family.
#[derive(Clone, Debug)]
pub struct NodeMask {
    /// The family.
    pub family: IpFamily,
    /// The length in bits.
    pub length: u8,
    /// Where it is set; nothing where it is the tool's default.
    pub set: Option<Spanned<String>>,
}
