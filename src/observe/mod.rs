//! Observers: told about callers' requests, about walks, and about the exchanges of walks.
//!
//! One [`Event`] type and one list ([`Observers`]). The process has a list, each upstream has one of its own
//! that comes from it ([`Observers::of_upstream`]), and every walk adds its [`Timeline`] to that. A walk
//! passes its list down to its exchanges as a request extension, so every observer of a walk sees its pages
//! and their requests, in one order. Events borrow what they describe; an empty list costs nothing.

mod event;
pub use event::{
    ABANDONED, AnswerTraits, CompletionProgress, Event, ListChanges, SettledWalk, WalkPart,
};
pub(crate) use event::{ID_CHARS, known_method};

mod observers;
pub use observers::{Observer, Observers};

#[cfg(test)]
pub(crate) mod testing;

mod timeline;
pub use timeline::{PageNote, Timeline, TimelineNotes};
