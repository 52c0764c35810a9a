//! The upstream layer: each upstream's whole group list, normalized and kept fresh.
//!
//! ```text
//! catalog (fresh? stale? walk?) ▸ walk ─┬─▸ template ▸ exchange ▸ transport ▸ (the upstream)
//!                                       │                              ▼
//!                                       └─◂ pager ◂ mapping ◂ judge ◂ format
//! ```
//!
//! An upstream is a style of paging × a style of auth × a format × a mapping, all declared; an
//! [`Adapter`] is one such declaration, compiled. This layer knows nothing of queries or HTTP
//! callers.

pub mod catalog;
pub use catalog::Catalog;

pub mod snapshot;
pub use snapshot::Snapshot;

pub mod walk;
pub mod watch;

pub mod adapter;
pub use adapter::Adapter;

pub mod turn;
pub use turn::Turn;

pub mod pager;
pub mod pushdown;
mod requests;
pub mod template;

pub mod exchange;
mod login;

pub mod auth;
pub mod client;
pub mod tls;
pub mod transport;
pub mod wire;

pub mod format;
pub mod judge;
pub mod mapping;

pub mod error;
pub use error::{ErrorKind, Fault, UpstreamError};
