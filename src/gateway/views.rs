//! The views that were made already, bounded in bytes.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use moka::future::Cache;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use tokio::time::{Instant, timeout_at};

use crate::metrics::CacheStanding;
use crate::observe::{Event, Observers};
use crate::snapshot::{ContentHash, Snapshot};

use super::ask::GatewayError;
use super::filter::Filter;
use super::listing::Listing;
use super::matching_rows::MatchingRows;
use super::order::Sort;
use super::pool::{BlockingPool, Overloaded};
use super::view::View;

/// How many bytes of lists are looked through in about the time that it takes to hand them over.
const AT_ONCE: usize = 512 * 1024;

/// What they are called where caches are told apart.
const NAME: &str = "views";

/// Makes views, once for equal questions over equal content where that takes work.
#[derive(Debug, Clone)]
pub(super) struct Views {
    share: u64,
    /// How many bytes of lists are looked through on the thread that asks.
    at_once: usize,
    made: Cache<ViewKey, Arc<MatchingRows>>,
    pool: BlockingPool,
    observers: Observers,
}

/// What the matching rows depend on. No caller is in it: callers who see the same content share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ViewKey {
    filter: Filter,
    sort: Sort,
    contents: Vec<(Arc<str>, ContentHash)>,
    /// Of which snapshots it has match digests.
    digested: Vec<usize>,
}

/// Why rows are not kept.
#[derive(Debug, Clone)]
enum NotKept {
    /// There are none, so there is nothing to keep.
    Empty(Arc<MatchingRows>),
    /// They were not looked for.
    Overloaded(Overloaded),
}

impl ViewKey {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.filter.bytes()
            + size_of_val(&*self.contents)
            + size_of_val(&*self.digested)
    }
}

impl Views {
    /// Views that take so many bytes, of which `observers` are told.
    pub(super) fn new(share: u64, observers: Observers) -> Self {
        Self::over(share, BlockingPool::new(), observers)
    }

    /// How they stand.
    pub(super) fn standing(&self) -> CacheStanding {
        CacheStanding {
            name: NAME,
            bytes: self.made.weighted_size() * 1024,
            capacity: self.share,
            entries: self.made.entry_count(),
        }
    }

    /// The same if they take so many bytes, or else none yet, made by the same workers.
    pub(super) fn resized(&self, share: u64) -> Self {
        if share == self.share {
            return self.clone();
        }
        Self::over(share, self.pool.clone(), self.observers.clone())
    }

    fn over(share: u64, pool: BlockingPool, observers: Observers) -> Self {
        let told = observers.clone();
        let made = Cache::builder()
            .name(NAME)
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    told.notify(&Event::Evicted(NAME));
                }
            })
            // The default policy may refuse a new entry when the cache is full.
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(kibibytes(share))
            .weigher(|key: &ViewKey, rows: &Arc<MatchingRows>| {
                let weight = kibibytes((key.bytes() + rows.bytes()) as u64) + 1;
                u32::try_from(weight).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            share,
            at_once: AT_ONCE,
            made,
            pool,
            observers,
        }
    }

    /// The view of `snapshots`, which stand in order of their sources, with match digests of those
    /// `digested`. Who would have to wait for a worker beyond `deadline` is turned away.
    pub(super) async fn view(
        &self,
        snapshots: Vec<Arc<Snapshot>>,
        digested: Vec<usize>,
        filter: &Filter,
        sort: &Sort,
        deadline: Instant,
    ) -> Result<View, Overloaded> {
        let bytes: usize = snapshots.iter().map(|snapshot| snapshot.bytes()).sum();
        let known = || match &*digested {
            [] => MatchingRows::known(&snapshots, filter, sort),
            _ => None,
        };
        // Looking ids up or short lists through is quicker than handing the work over or keeping it.
        let rows = if filter.ids.is_some() || bytes <= self.at_once {
            let begun = Instant::now();
            let rows = MatchingRows::new(&snapshots, filter, sort);
            let rows = rows.with_match_digests(&snapshots, &digested);
            self.observers.notify(&Event::ViewMade(begun.elapsed()));
            Arc::new(rows)
        } else if let Some(rows) = known() {
            // There is nothing to look for, and nobody waits for a thread that competes with walks for a core.
            Arc::new(rows)
        } else {
            let contents = snapshots.iter();
            let contents =
                contents.map(|snapshot| (Arc::clone(snapshot.source()), snapshot.hash()));
            let key = ViewKey {
                filter: filter.clone(),
                sort: sort.clone(),
                contents: contents.collect(),
                digested,
            };
            self.rows(&key, &snapshots, deadline).await?
        };
        Ok(View::over(snapshots, rows, sort.clone()))
    }

    /// The same listing with what stands for the groups as its caller sees them.
    pub(super) async fn with_seen(
        &self,
        listing: Listing,
        deadline: Instant,
    ) -> Result<Listing, GatewayError> {
        let work = move || {
            let seen = Some(listing.digest_seen()?);
            Ok(Listing { seen, ..listing })
        };
        let listing = self.pool.run(work, deadline).await;
        listing.map_err(|Overloaded| GatewayError::Overloaded)?
    }

    /// The rows that `key` asks for. Equal questions wait for one answer, each until its own
    /// `deadline`.
    ///
    /// The first caller's future does the work, and if it is dropped the next begins again: cheap
    /// here, where a build takes milliseconds and not, as a walk does, minutes.
    async fn rows(
        &self,
        key: &ViewKey,
        snapshots: &[Arc<Snapshot>],
        deadline: Instant,
    ) -> Result<Arc<MatchingRows>, Overloaded> {
        loop {
            let begun = AtomicBool::new(false);
            let build = async {
                begun.store(true, Ordering::Relaxed);
                self.build(key, snapshots, deadline).await
            };
            let mut rows = pin!(self.made.try_get_with_by_ref(key, build));
            let waited = timeout_at(deadline, &mut rows).await;
            let is_ours = begun.load(Ordering::Relaxed);
            let rows = match waited {
                Ok(rows) => rows,
                // Our own build minds the deadline itself, and has its worker by now.
                Err(_) if is_ours => rows.await,
                Err(_) => return Err(Overloaded),
            };
            match rows.as_ref().map_err(|error| &**error) {
                Ok(rows) | Err(NotKept::Empty(rows)) => {
                    let is_hit = !is_ours;
                    self.observers.notify(&Event::ViewAskedFor { is_hit });
                    return Ok(Arc::clone(rows));
                }
                Err(NotKept::Overloaded(overloaded)) if is_ours => return Err(*overloaded),
                // Another caller ran out of time, and we have not yet.
                Err(NotKept::Overloaded(_)) => {}
            }
        }
    }

    async fn build(
        &self,
        key: &ViewKey,
        snapshots: &[Arc<Snapshot>],
        deadline: Instant,
    ) -> Result<Arc<MatchingRows>, NotKept> {
        let (key, snapshots) = (key.clone(), snapshots.to_vec());
        let observers = self.observers.clone();
        let work = move || {
            let begun = Instant::now();
            let rows = MatchingRows::new(&snapshots, &key.filter, &key.sort);
            let rows = rows.with_match_digests(&snapshots, &key.digested);
            observers.notify(&Event::ViewMade(begun.elapsed()));
            Arc::new(rows)
        };
        let rows = self.pool.run(work, deadline).await;
        let rows = rows.map_err(NotKept::Overloaded)?;
        if rows.len() == 0 {
            return Err(NotKept::Empty(rows));
        }
        Ok(rows)
    }
}

/// moka weighs in 32 bits, which bytes would overflow.
const fn kibibytes(bytes: u64) -> u64 {
    bytes / 1024
}

#[cfg(test)]
mod tests;
