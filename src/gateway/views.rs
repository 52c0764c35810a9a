//! The views that were made already, bounded in bytes.

use std::sync::Arc;

use bytesize::ByteSize;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::upstream::Snapshot;
use crate::upstream::snapshot::ContentHash;

use super::filter::Filter;
use super::order::Sort;
use super::pool::{Overloaded, Pool};
use super::view::{Arrangement, View};

/// Which part of the whole cache views may take: one part in so many.
const SHARE: u64 = 8;

/// Makes views, once for equal questions over equal content.
#[derive(Debug, Clone)]
pub(super) struct Views {
    arrangements: Cache<Key, Arc<Arrangement>>,
    pool: Pool,
}

/// What an arrangement depends on. It has no scope: callers who see the same content share it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    filter: Filter,
    sort: Sort,
    contents: Vec<(Arc<str>, ContentHash)>,
}

impl Views {
    /// Views that take their share of `capacity`.
    pub(super) fn new(capacity: ByteSize) -> Self {
        let arrangements = Cache::builder()
            .name("views")
            // The default policy may refuse a new entry when the cache is full.
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(kibibytes(capacity.as_u64() / SHARE))
            .weigher(|_, arrangement: &Arc<Arrangement>| {
                let weight = kibibytes(arrangement.bytes() as u64) + 1;
                u32::try_from(weight).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            arrangements,
            pool: Pool::new(),
        }
    }

    /// The view of `snapshots`, which stand in order of their sources.
    pub(super) async fn view(
        &self,
        snapshots: Vec<Arc<Snapshot>>,
        filter: &Filter,
        sort: &Sort,
    ) -> Result<View, Overloaded> {
        // Looking ids up is quicker than handing the work over, and would crowd the cache.
        if filter.ids.is_some() {
            return Ok(View::new(snapshots, filter, sort));
        }
        let key = Key {
            filter: filter.clone(),
            sort: sort.clone(),
            contents: snapshots
                .iter()
                .map(|snapshot| (Arc::clone(snapshot.source()), snapshot.hash()))
                .collect(),
        };
        let arrange = {
            let (snapshots, filter, sort) = (snapshots.clone(), filter.clone(), sort.clone());
            self.pool
                .run(move || Arc::new(Arrangement::new(&snapshots, &filter, &sort)))
        };
        // Equal questions wait for one answer. The first caller's future does the work, and if it is
        // dropped the next begins again: cheap here, where a build takes milliseconds and not, as a
        // walk does, minutes.
        let arrangement = self
            .arrangements
            .try_get_with(key, arrange)
            .await
            .map_err(|overloaded| *overloaded)?;
        Ok(View::arranged(snapshots, arrangement, sort.clone()))
    }
}

/// moka weighs in 32 bits, which bytes would overflow.
const fn kibibytes(bytes: u64) -> u64 {
    bytes / 1024
}
