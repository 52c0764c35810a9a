//! What helps whoever describes an upstream: none of it takes part in answering `GET /groups`.
//!
//! [`probe`] shows one walk step by step, and records and replays it. [`infer`] proposes a block
//! of `gateway.toml` from a sample. [`demo`] emulates the five upstreams of the shipped file. Each is a
//! cargo feature of its own name.
//! [`case`] is the file that a walk is recorded in.

#[cfg(feature = "probe")]
pub mod case;
#[cfg(feature = "demo")]
pub mod demo;
#[cfg(feature = "infer")]
pub mod infer;
#[cfg(any(feature = "demo", feature = "infer", feature = "probe"))]
mod lock;
#[cfg(feature = "probe")]
pub(crate) mod probe;
