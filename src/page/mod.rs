//! One response of an upstream: bytes in, groups out.
//!
//! ```text
//! bytes ▸ format (JSON or XML into one page) ▸ mapping (records into groups)
//! ```
//!
//! Nothing after [`mod@format`] knows the format of the response. Nothing here waits, and nothing knows
//! how the bytes were fetched.

pub mod ended_by;
pub mod fetched_page;
pub mod format;
pub mod mapping;
pub(crate) mod page_outcome;
pub mod position;
mod revalidation;
pub(crate) mod sole_header;
