//! From what the sources hold to one page: the part of the gateway that waits for no upstream.

use std::sync::Arc;

use tokio::time::Instant;

use crate::caller::HiddenFields;
use crate::metrics::CacheStanding;
use crate::observe::Observers;
use crate::plan::Plan;

use super::ask::{Ask, GatewayError};
use super::availability::{self, Needs};
use super::cursor::Keys;
use super::keyset::SeekKey;
use super::listing::{Listing, SourceReport, Spent};
use super::missing_sources::MissingSources;
use super::pool::Overloaded;
use super::query::{Limit, Query, Resume};
use super::views::Views;

/// Makes listings of what the sources hold.
#[derive(Debug, Clone)]
pub(super) struct Assembler {
    views: Views,
    keys: Keys,
    min_sources: usize,
}

impl Assembler {
    pub(super) fn new(plan: &Plan, keys: Keys, observers: Observers) -> Self {
        Self {
            views: Views::new(plan.cache.views(), observers),
            keys,
            min_sources: plan.min_sources,
        }
    }

    /// The assembler of the plan that comes after this one. Views stay if they may take as much.
    pub(super) fn succeed(&self, plan: &Plan, keys: Keys) -> Self {
        Self {
            views: self.views.resized(plan.cache.views()),
            keys,
            min_sources: plan.min_sources,
        }
    }

    /// How the views stand.
    pub(super) fn views(&self) -> CacheStanding {
        self.views.standing()
    }

    #[cfg(test)]
    pub(super) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The page that is asked for, from what the asked `sources` hold, if that is enough.
    pub(super) async fn assemble(
        &self,
        ask: &Ask,
        mut sources: Vec<SourceReport>,
    ) -> Result<Listing, GatewayError> {
        let query = &ask.query;
        let missing = tally(query, &mut sources);
        let needs = Needs {
            min_sources: self.min_sources,
            strict: ask.strict,
        };
        if let Err(unmet) = availability::check(&sources, &missing, needs) {
            return Err(GatewayError::Unavailable {
                reason: unmet.to_string(),
                sources,
            });
        }
        let contributing = || sources.iter().filter(|report| report.contributed());
        let snapshots = contributing().filter_map(|report| report.held.snapshot.clone());
        let snapshots = snapshots.collect();
        let by_query = contributing().enumerate();
        let by_query = by_query.filter(|(_, report)| report.held.by_query);
        let by_query = by_query.map(|(number, _)| number).collect();
        // Half of what is kept back for the answer may go by in the queue: sorting and rendering
        // need the rest.
        let turn = ask.wait_until + ask.deadline.saturating_duration_since(ask.wait_until) / 2;
        let begun = Instant::now();
        let view = self
            .views
            .view(snapshots, by_query, &query.filter, &query.sort, turn)
            .await
            .map_err(|Overloaded| GatewayError::Overloaded)?;
        let contributing = sources.iter_mut().filter(|report| report.contributed());
        for (number, report) in contributing.enumerate() {
            report.matched = view.match_digest(number);
        }
        let spent = Spent {
            view: begun.elapsed(),
            ..Spent::default()
        };
        let after = query.resume.as_ref().map(|resume| &resume.after);
        let page = view.page(after, query.limit);
        let visible = &ask.caller.visible;
        let complete = missing.is_empty();
        let next = view.last_row(&page).map(|last| {
            let hidden = visible
                .hidden_of(last.source())
                .unwrap_or(HiddenFields::ALL);
            let after = SeekKey::from(last).without(hidden);
            let resume = Resume { after, missing };
            self.keys.sign(&ask.caller, query, resume)
        });
        let signed_by = next.as_ref().and_then(|_| self.keys.id());
        let (next_cursor, next_query) = next.map(|next| (next.cursor, next.query)).unzip();
        let remaining = sources.iter().map(|report| report.held.fresh_for);
        let listing = Listing {
            view: Arc::new(view),
            page,
            next_cursor,
            next_query,
            signed_by,
            complete,
            max_age: remaining.min().unwrap_or_default(),
            visible: visible.clone(),
            seen: None,
            spent,
            sources,
        };
        // Of a whole list nobody is told a tag: it would be read twice.
        if listing.hides() && query.limit != Limit::All {
            return self.views.with_seen(listing, turn).await;
        }
        Ok(listing)
    }
}

/// What was missing from the sequence up to and with this page; each report is told what was missing
/// before. An answer is `complete` if nothing was.
fn tally(query: &Query, sources: &mut [SourceReport]) -> MissingSources {
    let resume = query.resume.as_ref();
    let mut missing = resume.map_or_else(MissingSources::default, |resume| resume.missing.clone());
    for report in sources {
        let source = &report.held.source;
        report.missed = missing.kind_of(source);
        if let Some(kind) = report.failure() {
            missing.note(source, kind);
        }
    }
    missing
}
