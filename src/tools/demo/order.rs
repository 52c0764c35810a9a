//! A list's order, worked out once for all pages of a walk.

use std::sync::{Arc, Mutex};

use super::lock;

/// Remembers the last order that was asked for: the indices of the records in it.
///
/// A walk asks for the same order on every page, and sorting a million names takes seconds.
#[derive(Debug)]
pub(super) struct Order<K>(Mutex<Option<(K, Arc<[u32]>)>>);

impl<K> Default for Order<K> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: PartialEq> Order<K> {
    /// The order for `key`. Callers that come while it is worked out wait for it.
    pub(super) fn get(&self, key: K, work_out: impl FnOnce(&K) -> Vec<u32>) -> Arc<[u32]> {
        let mut last = lock(&self.0);
        if let Some((known, order)) = last.as_ref()
            && *known == key
        {
            return Arc::clone(order);
        }
        let order: Arc<[u32]> = work_out(&key).into();
        *last = Some((key, Arc::clone(&order)));
        order
    }
}

/// The indices of so many records, in their own order.
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
    fn an_order_is_worked_out_once_for_each_change_of_key() {
        let order = Order::default();
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
