//! Series that are bound to their labels once.
//!
//! Looking a series up by its labels takes ten times as long as adding to it.

use std::fmt;
use std::sync::{PoisonError, RwLock};

/// How many series stay bound: the last ones.
const MOST: usize = 64;

/// The few series of an instrument, by what tells them apart.
pub(super) struct BoundSeries<K, S>(RwLock<Vec<(K, S)>>);

impl<K, S> BoundSeries<K, S> {
    /// Records in the series whose key `is_it`. One that is not there yet is what `bind` makes.
    pub(super) fn record(
        &self,
        is_it: impl Fn(&K) -> bool,
        bind: impl FnOnce() -> (K, S),
        record: impl FnOnce(&S),
    ) {
        let series = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bound)) = series.iter().find(|(key, _)| is_it(key)) {
            return record(bound);
        }
        drop(series);
        let (key, bound) = bind();
        record(&bound);
        let mut series = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here meanwhile.
        if !series.iter().any(|(key, _)| is_it(key)) {
            if series.len() >= MOST {
                series.remove(0);
            }
            series.push((key, bound));
        }
    }
}

impl<K: Copy + PartialEq, S> BoundSeries<K, S> {
    /// Records in the series of a key. One that is not there yet is what `bind` makes.
    pub(super) fn record_by(&self, key: K, bind: impl FnOnce() -> S, record: impl FnOnce(&S)) {
        self.record(|other| *other == key, || (key, bind()), record);
    }
}

impl<K, S> Default for BoundSeries<K, S> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K, S> fmt::Debug for BoundSeries<K, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BoundSeries")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_series_is_bound_once_and_once_more_after_many_others() {
        let series = BoundSeries::default();
        let bound = Cell::new(0);
        let record = |number: usize| {
            let mut recorded = None;
            series.record(
                |key| *key == number,
                || {
                    bound.set(bound.get() + 1);
                    (number, number * 10)
                },
                |value| recorded = Some(*value),
            );
            assert_eq!(recorded, Some(number * 10));
        };
        for _ in 0..3 {
            (0..MOST).for_each(record);
        }
        assert_eq!(bound.get(), MOST);
        (0..3).for_each(|_| record(MOST));
        assert_eq!(bound.get(), MOST + 1);
        record(0);
        assert_eq!(bound.get(), MOST + 2);
    }
}
