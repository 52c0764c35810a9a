//! The list of observers.

use std::fmt;
use std::sync::Arc;

use super::event::Event;

/// Something that wants to know what happens.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Takes note of an event. The request or walk that it is about waits meanwhile.
    fn observe(&self, event: &Event<'_>);
}

/// Observers, told about each event in this order. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Observers(Option<Arc<[Arc<dyn Observer>]>>);

impl Observers {
    /// Whether nobody is told anything.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Tells all observers about `event`.
    pub fn notify(&self, event: &Event<'_>) {
        for observer in self.0.iter().flat_map(|observers| observers.iter()) {
            observer.observe(event);
        }
    }
}

impl FromIterator<Arc<dyn Observer>> for Observers {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Observer>>>(observers: I) -> Self {
        let observers: Arc<[_]> = observers.into_iter().collect();
        Self((!observers.is_empty()).then_some(observers))
    }
}

impl<O: Observer + 'static> From<Arc<O>> for Observers {
    fn from(observer: Arc<O>) -> Self {
        Self::from_iter([observer as Arc<dyn Observer>])
    }
}
