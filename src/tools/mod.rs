//! What helps whoever describes an upstream: none of it takes part in answering `GET /groups`.
//!
//! [`probe`] shows one walk step by step, and records and replays it. [`infer`] proposes a block
//! of `gateway.toml` from a sample. [`demo`] emulates the five upstreams of the shipped file.

pub mod demo;
pub mod infer;
pub(crate) mod probe;
