//! Observers: told about callers' requests, about walks, and about the exchanges of walks.
//!
//! One [`Event`] type and one list ([`Observers`]). The edge has a list, and every walk has one. A walk
//! passes it down to its exchanges as a request extension, so every observer of a walk sees its pages
//! and their requests, in one order. Events borrow what they describe; an empty list costs nothing.

mod event;
pub use event::Event;

mod observers;
pub use observers::{Observer, Observers};

mod progress;
pub use progress::Progress;
