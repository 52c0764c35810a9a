//! How long requests take, at a cost that a ready answer does not notice.
//!
//! An instrument that is bound to its labels records a value in 180 instructions; one that has to look five labels
//! up takes 2,600, a tenth of a ready answer. Which one it is, a map of its own says, by where the words of the
//! labels lie: all of them are the program's own.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use hashbrown::HashTable;
use http::{Method, StatusCode};
use opentelemetry::metrics::{BoundHistogram, Histogram};
use opentelemetry::{KeyValue, Value};

use crate::observe::{AnswerTraits, known_method};

/// How many series are bound. Further ones are recorded by their labels.
const BOUND: usize = 1024;

/// The golden ratio as a fraction of 64 bits, which spreads what is multiplied by it.
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The durations of requests, by series.
pub(super) struct RequestDurations {
    histogram: Histogram<f64>,
    bound: RwLock<HashTable<(SeriesKey, BoundHistogram<f64>)>>,
}

/// The labels of a series: where each word lies, and how long it is. Two copies of one word come to the same
/// series by two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SeriesKey([(usize, usize); 5], StatusCode);

impl SeriesKey {
    /// A hash that is good enough for a few hundred keys which nobody else chooses.
    fn hash(&self) -> u64 {
        let mut hash = u64::from(self.1.as_u16());
        for (address, _) in self.0 {
            hash = (hash.rotate_left(23) ^ address as u64).wrapping_mul(ODD);
        }
        hash
    }
}

impl RequestDurations {
    pub(super) fn new(histogram: Histogram<f64>) -> Self {
        Self {
            histogram,
            bound: RwLock::default(),
        }
    }

    /// How many series are bound.
    #[cfg(test)]
    pub(super) fn bound_series(&self) -> usize {
        self.bound
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Records how long a request took.
    pub(super) fn record(
        &self,
        route: &'static str,
        method: &Method,
        status: StatusCode,
        traits: AnswerTraits,
        elapsed: Duration,
    ) {
        let seconds = elapsed.as_secs_f64();
        let method = known_method(method);
        let place = |word: Option<&'static str>| match word {
            Some(word) => (word.as_ptr().addr(), word.len()),
            None => (0, 0),
        };
        let AnswerTraits {
            format,
            cache,
            problem,
        } = traits;
        // `map` over an array is a call for each.
        let places = [
            place(Some(route)),
            place(Some(method)),
            place(format),
            place(cache),
            place(problem),
        ];
        let key = SeriesKey(places, status);
        let bound = self.bound.read().unwrap_or_else(PoisonError::into_inner);
        let (hash, is_same) = (key.hash(), |series: &(SeriesKey, _)| series.0 == key);
        if let Some((_, series)) = bound.find(hash, is_same) {
            return series.record(seconds);
        }
        let is_full = bound.len() >= BOUND;
        drop(bound);
        let mut labels = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
        ];
        let error = status.is_server_error().then(|| match problem {
            Some(problem) => Value::from(problem),
            None => Value::from(status.as_str().to_owned()),
        });
        let others = [
            ("error.type", error),
            (
                "problem",
                problem
                    .filter(|_| !status.is_server_error())
                    .map(Value::from),
            ),
            ("format", format.map(Value::from)),
            ("cache", cache.map(Value::from)),
        ];
        let others = others.into_iter();
        labels.extend(others.filter_map(|(name, word)| Some(KeyValue::new(name, word?))));
        if is_full {
            return self.histogram.record(seconds, &labels);
        }
        let series = self.histogram.bind(&labels);
        series.record(seconds);
        let mut bound = self.bound.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here meanwhile.
        if bound.find(hash, is_same).is_none() {
            bound.insert_unique(hash, (key, series), |(key, _)| key.hash());
        }
    }
}

impl fmt::Debug for RequestDurations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequestDurations")
            .finish_non_exhaustive()
    }
}

/// What stands for all that others choose freely.
pub(super) const OTHER: &str = "_OTHER";
