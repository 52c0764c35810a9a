//! An observer that writes down what it is told.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Event, Observer};

/// Writes down what it is told, also of upstreams. Clones write into one list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    /// What it was told so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clone()
    }
}

impl Observer for Told {
    fn observe(&self, event: &Event<'_>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(format!("{event:?}"));
    }

    fn of_upstream(&self, _name: &Arc<str>) -> Option<Arc<dyn Observer>> {
        Some(Arc::new(self.clone()))
    }
}
