//! What the gateway is asked for, and why it may not answer.

use thiserror::Error;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::catalog::CacheMode;

use super::listing::SourceReport;
use super::query::Query;

/// One query, who asks it, and how it is to be answered.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is asked for.
    pub query: Query,
    /// Who asks.
    pub caller: Caller,
    /// How fresh the answer must be.
    pub mode: CacheMode,
    /// Whether an incomplete answer is to be a problem (`Prefer: handling=strict`).
    pub strict: bool,
    /// Until when sources are waited for.
    pub wait_until: Instant,
    /// The latest moment for an answer, by which what they gave is to be sorted.
    pub deadline: Instant,
}

/// Why there is no listing.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// Too few sources contributed, or a required one was missing.
    #[error("{reason}")]
    Unavailable {
        /// What the answer lacked.
        reason: String,
        /// How each asked source stands.
        sources: Vec<SourceReport>,
    },
    /// A row cannot be read back. It takes a defect of ours.
    #[error("a row has no JSON")]
    Row(#[from] serde_json::Error),
    /// As many views are being built as may be.
    #[error("too many answers are being prepared at once")]
    Overloaded,
}
