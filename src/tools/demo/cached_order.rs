//! A list's order, computed once for all pages of a walk.

use std::sync::{Arc, Mutex};

use crate::tools::lock::lock;

/// Remembers the last order that was asked for, as indices of groups.
///
/// A walk asks for the same order on every page, and sorting a million names takes seconds.
#[derive(Debug)]
pub(super) struct CachedOrder<K>(Mutex<Option<(K, Arc<[u32]>)>>);

impl<K> Default for CachedOrder<K> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: PartialEq> CachedOrder<K> {
    /// The order for `key`. Callers that come while it is computed wait for it.
    pub(super) fn get(&self, key: K, compute: impl FnOnce(&K) -> Vec<u32>) -> Arc<[u32]> {
        let mut last = lock(&self.0);
        if let Some((known, order)) = last.as_ref()
            && *known == key
        {
            return Arc::clone(order);
        }
        let order: Arc<[u32]> = compute(&key).into();
        *last = Some((key, Arc::clone(&order)));
        order
    }
}

/// The indices of so many groups, in the order of creation.
pub(super) fn indices(groups: usize) -> std::ops::Range<u32> {
    0..u32::try_from(groups).unwrap_or(u32::MAX)
}

/// The part of `order` that one page holds: empty past the end.
pub(super) fn page(order: &[u32], offset: usize, limit: usize) -> &[u32] {
    let start = offset.min(order.len());
    let end = start.saturating_add(limit).min(order.len());
    &order[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_computed_once_for_each_change_of_key() {
        let order = CachedOrder::default();
        let mut times = 0;
        for key in [1, 1, 2, 1] {
            let indices = order.get(key, |key| {
                times += 1;
                vec![*key]
            });
            assert_eq!(*indices, [key]);
        }
        assert_eq!(times, 3);
    }

    #[test]
    fn a_page_past_the_end_is_empty() {
        assert_eq!(page(&[1, 2, 3], 1, 5), [2, 3]);
        assert!(page(&[1, 2, 3], 3, 5).is_empty());
        assert!(page(&[1, 2, 3], usize::MAX, usize::MAX).is_empty());
    }
}
