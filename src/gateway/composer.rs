//! From what the sources hold to one page: the part of the gateway that waits for no upstream.

use std::sync::Arc;

use tokio::time::Instant;

use crate::config::Settings;

use super::cursor::{Cursor, Keys};
use super::listing::{Listing, SourceReport, Spent};
use super::missed::Missed;
use super::query::Query;
use super::verdict::{Needs, verdict};
use super::views::Views;
use super::{Ask, GatewayError};

/// Makes listings of what the sources hold.
#[derive(Debug, Clone)]
pub(super) struct Composer {
    views: Views,
    keys: Keys,
    min_sources: usize,
}

impl Composer {
    pub(super) fn new(settings: &Settings, keys: Keys) -> Self {
        Self {
            views: Views::new(settings.cache.shares().views),
            keys,
            min_sources: settings.gateway.min_sources,
        }
    }

    pub(super) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The page that is asked for, from what the asked `sources` hold, if that is enough.
    pub(super) async fn compose(
        &self,
        ask: &Ask,
        mut sources: Vec<SourceReport>,
    ) -> Result<Listing, GatewayError> {
        let query = &ask.query;
        let missed = tally(query, &mut sources);
        let needs = Needs {
            min_sources: self.min_sources,
            strict: ask.strict,
        };
        if let Err(lack) = verdict(&sources, &missed, needs) {
            return Err(GatewayError::Unavailable {
                reason: lack.to_string(),
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
            .await?;
        let contributing = sources.iter_mut().filter(|report| report.contributed());
        for (number, report) in contributing.enumerate() {
            report.matched = view.matched(number);
        }
        let spent = Spent {
            view: begun.elapsed(),
            ..Spent::default()
        };
        let range = view.page(query.cursor.as_ref().map(Cursor::mark), query.limit);
        let complete = missed.is_empty();
        let next = range
            .clone()
            .last()
            .filter(|_| range.end < view.len())
            .map(|last| self.keys.sign(query, view.row(last).into(), missed));
        let (next_cursor, next_query) = next.map(|next| (next.cursor, next.query)).unzip();
        let remaining = sources.iter().map(|report| report.held.fresh_for);
        Ok(Listing {
            view: Arc::new(view),
            range,
            next_cursor,
            next_query,
            complete,
            max_age: remaining.min().unwrap_or_default(),
            spent,
            sources,
        })
    }
}

/// What the sequence has missed up to and with this page; each report is told what was missed
/// before. Nothing missed is what `complete` means.
fn tally(query: &Query, sources: &mut [SourceReport]) -> Missed {
    let mut missed = query
        .cursor
        .as_ref()
        .map(|cursor| cursor.missed().clone())
        .unwrap_or_default();
    for report in sources {
        let source = &report.held.source;
        report.missed = missed.kind_of(source);
        if let Some(kind) = report.failure() {
            missed.note(source, kind);
        }
    }
    missed
}
