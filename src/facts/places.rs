//! Where nodes are in the list of them, found once: what asks for each of many nodes doesn't search
//! through all of them each time.

use std::{collections::HashMap, sync::OnceLock};

use super::Node;

/// Places in the list of nodes, by their names. They are only hints: whoever looks sees whether the
/// node still stands there.
#[derive(Debug, Default)]
pub struct Places(OnceLock<HashMap<String, usize>>);

impl Clone for Places {
    /// A copy of the facts may be changed: it finds its own.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Places {
    /// They say nothing of what the facts are.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

impl Places {
    /// The node of a name.
    pub(super) fn node<'f>(&self, all: &'f [Node], name: &str) -> Option<&'f Node> {
        let places = self.0.get_or_init(|| {
            all.iter().zip(0..).map(|(node, place)| (node.name.clone(), place)).collect()
        });
        let hint = places.get(name).and_then(|&place| all.get(place));
        hint.filter(|node| node.name == name).or_else(|| all.iter().find(|node| node.name == name))
    }
}
