//! What belongs together, found in one pass.

use std::{collections::HashMap, hash::Hash};

/// Items of one key together, groups and members in the order in which they came first. The work
/// grows with the items, however many groups they make.
pub(super) fn grouped<T, K: Clone + Eq + Hash>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Vec<(K, Vec<T>)> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for item in items {
        let key = key(&item);
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, members)) => members.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, hash::Hasher};

    use super::*;

    /// A key that counts how often it is compared.
    #[derive(Clone)]
    struct Counted<'a> {
        of: u32,
        compared: &'a Cell<usize>,
    }

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.compared.set(self.compared.get() + 1);
            self.of == other.of
        }
    }

    impl Eq for Counted<'_> {}

    impl Hash for Counted<'_> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.of.hash(state);
        }
    }

    #[test]
    fn groups_and_their_members_stay_in_the_order_in_which_they_came() {
        let groups = grouped([3, 1, 13, 2, 11, 23], |number| number % 10);
        assert_eq!(groups, [(3, vec![3, 13, 23]), (1, vec![1, 11]), (2, vec![2])]);
    }

    #[test]
    fn thousands_of_groups_are_not_each_compared_with_all_others() {
        const ITEMS: u32 = 5_000;
        let compared = Cell::new(0);
        let groups = grouped(0..ITEMS, |of| Counted { of: *of, compared: &compared });
        assert_eq!(groups.len(), 5_000);
        assert!(compared.get() < 10_000, "{} comparisons", compared.get());
    }
}
