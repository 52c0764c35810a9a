//! How much an upstream is asked for, and how much it may send.

use bytesize::ByteSize;

use super::{Rate, Span};

/// The most that `limits.depth` may say. It holds a tree of 64 records with three levels each, and
/// what is read and written in a recursion fits on a worker's stack, in debug builds too.
pub(crate) const DEEPEST: u32 = 192;

/// How much an upstream is asked for, and how much it may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The maximum request rate, if there is one.
    pub rate: Option<Rate>,
    /// Whether the upstream's own rate limit headers are heeded.
    pub pacing: bool,
    /// How many requests may be in flight at once.
    pub concurrency: u32,
    /// How long one attempt of one request may take.
    pub timeout: Span,
    /// How long connecting may take.
    pub connect_timeout: Span,
    /// How long the head of a response may take, where that is less than `timeout`.
    pub head_timeout: Option<Span>,
    /// How long a response body may pause.
    pub idle_timeout: Span,
    /// How often a request is retried.
    pub retries: u32,
    /// How long a whole walk may take.
    pub walk: Span,
    /// How many pages a walk may fetch.
    pub pages: u32,
    /// How many records a walk may fetch.
    pub groups: u32,
    /// The maximum size of one page.
    pub page_bytes: ByteSize,
    /// How deeply a response may nest.
    pub depth: u32,
    /// The maximum size of all pages of a walk together.
    pub walk_bytes: ByteSize,
}

impl Default for Limits {
    /// What holds where `limits` says nothing.
    fn default() -> Self {
        Self {
            rate: None,
            pacing: true,
            concurrency: 4,
            timeout: Span::seconds(5),
            connect_timeout: Span::seconds(3),
            head_timeout: None,
            idle_timeout: Span::seconds(30),
            retries: 2,
            walk: Span::seconds(5 * 60),
            pages: 20_000,
            groups: 2_000_000,
            page_bytes: ByteSize::mib(64),
            depth: 128,
            walk_bytes: ByteSize::gib(1),
        }
    }
}
