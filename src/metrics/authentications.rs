//! How requests were authenticated, at a cost that a ready answer does not notice.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundCounter, Counter};

/// The requests by what was found out of who sent them. Every outcome is a word of ours, so there are few.
pub(super) struct Authentications {
    counter: Counter<u64>,
    bound: RwLock<BTreeMap<&'static str, BoundCounter<u64>>>,
}

impl Authentications {
    pub(super) fn new(counter: Counter<u64>) -> Self {
        Self {
            counter,
            bound: RwLock::default(),
        }
    }

    /// Counts one.
    pub(super) fn count(&self, outcome: &'static str) {
        let bound = self.bound.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = bound.get(outcome) {
            return series.add(1);
        }
        drop(bound);
        let mut bound = self.bound.write().unwrap_or_else(PoisonError::into_inner);
        let labels = [KeyValue::new("outcome", outcome)];
        let series = bound.entry(outcome);
        series.or_insert_with(|| self.counter.bind(&labels)).add(1);
    }
}

impl fmt::Debug for Authentications {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authentications")
            .finish_non_exhaustive()
    }
}
