//! The upstream layer: how one upstream is asked, page by page.
//!
//! ```text
//! walk ─┬─▸ pager ▸ template ▸ exchange (login) ▸ transport ▸ client ▸ (the upstream)
//!       │                                            ▼
//!       └─◂ pager ◂ page (format ▸ mapping) ◂ classify
//! ```
//!
//! An upstream is a style of paging × a style of auth × a format × a mapping, all declared; an
//! [`Adapter`] is one such declaration, compiled. This layer knows nothing of queries or HTTP
//! callers.

pub mod walk;

pub mod adapter;
pub use crate::page::fetched_page::FetchedPage;
pub use adapter::Adapter;

mod asked_since;
mod fingerprint;
pub mod links;
pub mod outer_values;
pub mod pager;
mod pages;
pub mod pushdown;
mod repeated_walks;
mod requests;
mod revalidated;
pub mod template;

pub mod exchange;
pub mod extensions;
pub(crate) mod known_pages;
mod login;
mod refusal;

pub mod auth;
pub mod client;
pub mod transport;

pub mod classify;
pub(crate) mod masks;
pub(crate) mod off_thread;
pub mod on_behalf;
