//! The gateway layer: one query over every upstream's snapshot.
//!
//! ```text
//! Query ▸ fan_out (every selected upstream, one deadline) ▸ view (filter, sort) ▸ page ▸ Listing
//! ```
//!
//! Only the fan-out waits for upstreams. What follows decides from snapshots in memory, so a page
//! of one sequence can be cut by any replica, from whatever its catalog holds. Which sources there are
//! depends on who asks, and nothing else does.

pub mod query;
pub use query::Query;
mod canonical;
mod parse;
mod query_string;
pub use parse::ParseContext;

mod arrange;
pub mod attributes;
pub use attributes::FilterableAttributes;
pub mod filter;
pub mod order;

pub mod cursor;
pub mod keyset;
pub mod missing_sources;

mod ask;
pub use ask::{Ask, GatewayError};
mod fan_out;

pub mod availability;

mod matching_rows;
mod merge;
pub(crate) mod pool;
pub mod view;
mod views;

mod assemble;
pub mod listing;
pub use listing::Listing;
pub mod seen_row;
mod validator;
pub use validator::{Representation, Validator};

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tower::Service;

use crate::caller::{Caller, HiddenFields};
use crate::catalog::{CacheMode, Catalog, SourceEntry};
use crate::metrics::CacheStanding;
use crate::plan::Plan;
use crate::upstream::pushdown::Conditions;

use assemble::Assembler;
use cursor::Keys;
use fan_out::{fan_out, selected};
use filter::{source_id_of, source_of};
use listing::{FoundGroup, SourceReport};

/// Answers queries over the catalog of one plan.
#[derive(Debug, Clone)]
pub struct Gateway {
    catalog: Arc<Catalog>,
    assembler: Assembler,
}

impl Gateway {
    /// A gateway over these upstreams.
    pub fn new(catalog: Catalog, plan: &Plan, keys: Keys) -> Self {
        let observers = catalog.observers().clone();
        Self {
            catalog: Arc::new(catalog),
            assembler: Assembler::new(plan, keys, observers),
        }
    }

    /// The gateway of the plan that comes after this one.
    #[must_use]
    pub fn succeed(&self, catalog: Catalog, plan: &Plan, keys: Keys) -> Self {
        Self {
            catalog: Arc::new(catalog),
            assembler: self.assembler.succeed(plan, keys),
        }
    }

    /// How the caches of lists and views stand.
    pub fn caches(&self) -> Vec<CacheStanding> {
        let mut caches = self.catalog.caches();
        caches.push(self.assembler.views());
        caches
    }

    /// The upstreams and their snapshots.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The group with this normalized id, waiting for its source until then. `None`: its source has
    /// none, or there is no such source for the caller.
    pub async fn group(
        &self,
        id: &str,
        caller: &Caller,
        mode: CacheMode,
        wait_until: Instant,
    ) -> Result<Option<FoundGroup>, GatewayError> {
        let catalog = &self.catalog;
        let name = source_of(id);
        let source = catalog
            .sources()
            .iter()
            .find(|source| &*source.name == name);
        let Some(source) = source.filter(|_| caller.visible.allows(name)) else {
            return Ok(None);
        };
        let conditions = Conditions {
            id: source_id_of(id),
            ..Conditions::default()
        };
        let outcome = catalog
            .find(&source.name, caller, &conditions, mode, wait_until)
            .await;
        let hidden = caller.visible.hidden_of(name).unwrap_or(HiddenFields::ALL);
        look_up(id, SourceReport::of(source, outcome), hidden)
    }

    async fn list(&self, ask: Ask) -> Result<Listing, GatewayError> {
        let begun = Instant::now();
        let (catalog, ask) = (&self.catalog, &ask);
        let (filter, caller) = (&ask.query.filter, &ask.caller);
        let selected = selected(filter, &caller.visible, catalog.sources());
        let sources = fan_out(selected, async |source: &SourceEntry| {
            let conditions = filter.conditions(&source.name);
            catalog
                .find(&source.name, caller, &conditions, ask.mode, ask.wait_until)
                .await
        })
        .await;
        let wait = begun.elapsed();
        let mut listing = self.assembler.assemble(ask, sources).await?;
        listing.spent.wait = wait;
        Ok(listing)
    }
}

fn look_up(
    id: &str,
    source: SourceReport,
    hidden: HiddenFields,
) -> Result<Option<FoundGroup>, GatewayError> {
    let Some(snapshot) = source.held.snapshot.clone() else {
        return Err(GatewayError::Unavailable {
            reason: format!("the source `{}` is unavailable", source.held.source),
            sources: vec![source],
        });
    };
    Ok(snapshot.find(id).map(|index| FoundGroup {
        snapshot,
        index,
        source,
        hidden,
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
