//! A bounded map that forgets what was not asked for lately.
//!
//! Two generations: entries go into the young one; when that holds half of the bound, it becomes
//! the old one and the former old one is dropped whole. An old entry that is asked for becomes
//! young again. This costs no list, no clock and no scan.

use std::collections::HashMap;
use std::hash::Hash;

pub(crate) struct Generations<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_weight: usize,
    /// Weight at which the young generation becomes the old one: half of the bound.
    half: usize,
}

impl<K: Eq + Hash, V: Clone> Generations<K, V> {
    /// A map whose entries weigh `bound` together at most.
    pub(crate) fn new(bound: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_weight: 0, half: bound / 2 }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), weight);
        Some(value)
    }

    /// Adds or replaces an entry; one that weighs more than half of the bound is not kept.
    pub(crate) fn insert(&mut self, key: K, value: V, weight: usize) {
        self.remove(&key);
        if weight > self.half {
            return;
        }
        if self.young_weight + weight > self.half {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        self.young_weight += weight;
        self.young.insert(key, (value, weight));
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some((_, weight)) = self.young.remove(key) {
            self.young_weight -= weight;
        }
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bound_and_keeps_what_is_used() {
        let mut map = Generations::new(10);
        for key in 0..1000 {
            map.insert(key, key, 1);
            map.insert(-1, -1, 1);
            assert_eq!(map.get(&-1), Some(-1));
            let weight: usize = map.young.values().chain(map.old.values()).map(|(_, w)| w).sum();
            assert!(weight <= 10, "{weight}");
        }
        assert_eq!(map.get(&0), None);
        assert_eq!(map.get(&999), Some(999));
    }

    #[test]
    fn what_is_too_heavy_is_not_kept_and_replaces_nothing_stale() {
        let mut map = Generations::new(10);
        map.insert("a", 1, 5);
        map.insert("a", 2, 6);
        assert_eq!(map.get(&"a"), None);
    }
}
