//! The upstream layer: whole, normalized group lists, kept fresh.
pub mod error;
pub use error::{ErrorKind, UpstreamError};
pub mod snapshot;
pub use snapshot::Snapshot;
pub mod auth;
pub mod catalog;
pub mod format;
