//! The gateway layer: one query over every upstream's snapshot.
//!
//! ```text
//! Query ▸ fan_out (every selected upstream, one deadline) ▸ view (filter, sort) ▸ page ▸ Listing
//! ```
//!
//! Only the fan-out waits for upstreams. What follows decides from snapshots in memory, so a page
//! of one sequence can be cut by any replica, from whatever its catalog holds.

pub mod query;
pub use query::Query;
mod canonical;
mod form;
mod parse;
mod suggest;

pub mod filter;
pub mod order;

pub mod cursor;
pub mod mark;
pub mod missed;

mod fan_out;

pub mod verdict;

mod pool;
pub mod view;
mod views;

mod composer;
pub mod listing;
pub use listing::Listing;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::time::Instant;
use tower::Service;

use crate::catalog::{CacheMode, Catalog, Scope};
use crate::config::Settings;
use crate::upstream::pushdown::Conditions;

use composer::Composer;
use cursor::Keys;
use fan_out::{fan_out, selected};
use filter::{source_id_of, source_of};
use listing::{Found, SourceReport};
use pool::Overloaded;
use verdict::{Outage, RETRY, retry_after};

/// One query and how it is to be answered.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is asked for.
    pub query: Query,
    /// On whose behalf.
    pub scope: Scope,
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

impl GatewayError {
    /// What kind of trouble it is, from which its HTTP status follows.
    pub fn outage(&self) -> Outage {
        match self {
            Self::Unavailable { sources, .. } => Outage::of(sources),
            Self::Overloaded => Outage::Waiting,
        }
    }

    /// When asking again may help, where that is known. Always known while the outage is
    /// [`Outage::Waiting`].
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { sources, .. } => retry_after(sources),
            Self::Overloaded => Some(RETRY),
        }
    }
}

impl From<Overloaded> for GatewayError {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}

/// Answers queries over the catalog.
#[derive(Debug, Clone)]
pub struct Gateway {
    catalog: Arc<Catalog>,
    composer: Composer,
}

impl Gateway {
    /// A gateway over `catalog`.
    pub fn new(catalog: Arc<Catalog>, settings: &Settings, keys: Keys) -> Self {
        Self {
            catalog,
            composer: Composer::new(settings, keys),
        }
    }

    /// The catalog that it asks.
    pub const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The keys that sign cursors, needed to read a query.
    pub const fn keys(&self) -> &Keys {
        self.composer.keys()
    }

    /// The group with this normalized id, waiting for its source until then. `None`: its source has none, or there is no such source.
    pub async fn group(
        &self,
        id: &str,
        scope: &Scope,
        mode: CacheMode,
        wait_until: Instant,
    ) -> Result<Option<Found>, GatewayError> {
        let source = source_of(id);
        let conditions = Conditions {
            id: source_id_of(id),
            ..Conditions::default()
        };
        let held = self
            .catalog
            .find(source, scope, &conditions, mode, wait_until)
            .await;
        held.map_or(Ok(None), |held| look_up(id, SourceReport::new(held)))
    }

    async fn list(&self, ask: Ask) -> Result<Listing, GatewayError> {
        let begun = Instant::now();
        let (catalog, ask) = (&self.catalog, &ask);
        let names = selected(&ask.query.filter, catalog.sources());
        let sources = fan_out(names, async |source: Arc<str>| {
            let conditions = ask.query.filter.conditions(&source);
            catalog
                .find(&source, &ask.scope, &conditions, ask.mode, ask.wait_until)
                .await
        })
        .await;
        let wait = begun.elapsed();
        let mut listing = self.composer.compose(ask, sources).await?;
        listing.spent.wait = wait;
        Ok(listing)
    }
}

fn look_up(id: &str, source: SourceReport) -> Result<Option<Found>, GatewayError> {
    let Some(snapshot) = source.held.snapshot.clone() else {
        return Err(GatewayError::Unavailable {
            reason: format!("the source `{}` is not available", source.held.source),
            sources: vec![source],
        });
    };
    Ok(snapshot.find(id).map(|index| Found {
        snapshot,
        index,
        source,
    }))
}

impl Service<Ask> for Gateway {
    type Response = Listing;
    type Error = GatewayError;
    type Future = BoxFuture<'static, Result<Listing, GatewayError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), GatewayError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let gateway = self.clone();
        Box::pin(async move { gateway.list(ask).await })
    }
}
