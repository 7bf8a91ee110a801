//! Where things are in a list, by name, found once: what asks for each of many nodes doesn't search
//! through all of them each time.

use std::{collections::HashMap, sync::OnceLock};

/// Places in a list, by names. They are only hints: a look-up checks whether the wanted entry is still there.
#[derive(Debug, Default)]
pub struct Places(OnceLock<HashMap<String, usize>>);

impl Clone for Places {
    /// A copy may be changed: it finds its own.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Places {
    /// They say nothing of what the list is.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

impl Places {
    /// What has a name, of the list that is always asked for.
    pub(crate) fn one_named<'f, T>(
        &self,
        all: &'f [T],
        name: &str,
        name_of: impl Fn(&T) -> &str,
    ) -> Option<&'f T> {
        let places = self.0.get_or_init(|| {
            all.iter().zip(0..).map(|(one, place)| (name_of(one).to_owned(), place)).collect()
        });
        let hint = places.get(name).and_then(|&place| all.get(place));
        hint.filter(|one| name_of(one) == name)
            .or_else(|| all.iter().find(|one| name_of(one) == name))
    }
}
