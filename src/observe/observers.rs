//! The list of observers.

use std::fmt;
use std::sync::Arc;

use super::event::Event;

/// Something that wants to know what happens.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Takes note of an event. The request or walk that it is about waits meanwhile.
    fn observe(&self, event: &Event<'_>);

    /// Who is told of all that happens with the upstream of this name. `None`: it is no news for this
    /// observer.
    fn of_upstream(&self, _name: &Arc<str>) -> Option<Arc<dyn Observer>> {
        None
    }
}

/// Observers, told about each event in this order. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Observers(Option<Arc<[Arc<dyn Observer>]>>);

impl Observers {
    /// Whether nobody is told anything.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Those who are told of all that happens with the upstream of this name.
    #[must_use]
    pub fn of_upstream(&self, name: &Arc<str>) -> Self {
        let observers = self.0.iter().flat_map(|observers| observers.iter());
        observers
            .filter_map(|observer| observer.of_upstream(name))
            .collect()
    }

    /// These, and another one.
    #[must_use]
    pub fn and(&self, other: Arc<dyn Observer>) -> Self {
        let observers = self.0.iter().flat_map(|observers| observers.iter());
        observers.cloned().chain([other]).collect()
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
