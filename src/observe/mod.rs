//! Observers: told about requests to upstreams and the walks they are part of.
//!
//! One [`Event`] type and one list ([`Observers`]). A walk passes its list down to its exchanges as
//! a request extension, so every observer of a walk sees its pages and their requests, in one order.
//! Events borrow what they describe; an empty list costs nothing.

mod event;
pub use event::Event;

mod observers;
pub use observers::{Observer, Observers};

mod progress;
pub use progress::Progress;
