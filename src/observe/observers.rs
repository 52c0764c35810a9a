//! The list of observers.

use std::fmt;
use std::sync::Arc;

use super::event::{Event, WalkPart};

/// Something that wants to know what happens.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Takes note of an event. The request or walk that it is about waits meanwhile.
    fn observe(&self, event: &Event<'_>);

    /// Who is told of all that happens with the upstream of this name. `None`: it is no news for this
    /// observer.
    fn of_upstream(&self, _name: &Arc<str>) -> Option<Arc<dyn Observer>> {
        None
    }

    /// Who is told in its place of all that happens in one part of a walk, which is read beside others. `None`: it
    /// is told of it as of all else.
    fn within(&self, _part: WalkPart<'_>) -> Option<Arc<dyn Observer>> {
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
        self.each()
            .filter_map(|observer| observer.of_upstream(name))
            .collect()
    }

    /// These, and another one.
    #[must_use]
    pub fn and(&self, other: Arc<dyn Observer>) -> Self {
        self.each().cloned().chain([other]).collect()
    }

    /// Each of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Arc<dyn Observer>> {
        self.0.iter().flat_map(|observers| observers.iter())
    }

    /// Tells all observers about `event`.
    pub fn notify(&self, event: &Event<'_>) {
        for observer in self.each() {
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
