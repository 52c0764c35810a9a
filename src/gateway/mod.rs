//! The gateway layer: one query over every upstream's snapshot.
//!
//! ```text
//! Query ▸ fan_out (every selected upstream, one deadline) ▸ view (filter, sort) ▸ page ▸ Listing
//! ```

pub mod query;
pub use query::Query;

pub mod cursor;

pub mod view;

pub mod listing;
pub use listing::Listing;

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::time::Instant;
use tower::Service;

use crate::config::Settings;
use crate::upstream::catalog::{Catalog, Demand, Scope};

use cursor::Keys;
use listing::SourceReport;

/// One query and how it is to be answered.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is asked for.
    pub query: Query,
    /// On whose behalf.
    pub scope: Scope,
    /// How fresh the answer must be.
    pub demand: Demand,
    /// Whether an incomplete answer is to be a problem (`Prefer: handling=strict`).
    pub strict: bool,
    /// The latest moment for an answer.
    pub deadline: Instant,
}

/// Why there is no listing.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// Too few sources contributed, or one that must was missing.
    #[error("{reason}")]
    Unavailable {
        /// What the answer lacked.
        reason: String,
        /// How each asked source stands.
        sources: Vec<SourceReport>,
    },
    /// As many views are being built as may be.
    #[error("too many queries are being sorted at once")]
    Overloaded,
}

/// Answers queries over the catalog.
#[derive(Debug, Clone)]
pub struct Gateway {
    catalog: Arc<Catalog>,
}

impl Gateway {
    /// A gateway over `catalog`.
    pub fn new(catalog: Arc<Catalog>, _settings: &Settings, _keys: Keys) -> Self {
        Self { catalog }
    }

    /// The catalog that it asks.
    pub const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The keys that sign cursors, needed to read a query.
    pub fn keys(&self) -> &Keys {
        unreachable!()
    }
}

impl Service<Ask> for Gateway {
    type Response = Listing;
    type Error = GatewayError;
    type Future = BoxFuture<'static, Result<Listing, GatewayError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), GatewayError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _ask: Ask) -> Self::Future {
        unreachable!()
    }
}
