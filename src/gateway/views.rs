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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::snapshot::tests::group;

    fn snapshot(names: &[&str]) -> Arc<Snapshot> {
        let groups = names.iter().map(|name| group("a", name, name)).collect();
        Snapshot::new("a".into(), groups).into()
    }

    async fn view(views: &Views, snapshot: &Arc<Snapshot>, filter: &Filter) -> View {
        let snapshots = vec![Arc::clone(snapshot)];
        let view = views.view(snapshots, filter, &Sort::default()).await;
        view.unwrap()
    }

    async fn kept(views: &Views) -> u64 {
        views.arrangements.run_pending_tasks().await;
        views.arrangements.entry_count()
    }

    #[tokio::test]
    async fn equal_questions_over_equal_content_are_arranged_once() {
        let views = Views::new(ByteSize::mib(8));
        let filter = Filter::default();
        let (first, second) = (snapshot(&["x", "y"]), snapshot(&["y", "x"]));
        assert_eq!(view(&views, &first, &filter).await.len(), 2);
        assert_eq!(view(&views, &second, &filter).await.row(1).id(), "a:y");
        assert_eq!(kept(&views).await, 1);
    }

    #[tokio::test]
    async fn other_content_is_arranged_anew() {
        let views = Views::new(ByteSize::mib(8));
        let filter = Filter::default();
        assert_eq!(view(&views, &snapshot(&["x"]), &filter).await.len(), 1);
        assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 2);
        assert_eq!(kept(&views).await, 2);
    }

    #[tokio::test]
    async fn what_is_kept_holds_no_snapshot_in_memory() {
        let views = Views::new(ByteSize::mib(8));
        let snapshot = snapshot(&["x"]);
        drop(view(&views, &snapshot, &Filter::default()).await);
        assert_eq!(kept(&views).await, 1);
        assert_eq!(Arc::strong_count(&snapshot), 1);
    }

    #[tokio::test]
    async fn lookups_by_id_are_not_kept() {
        let views = Views::new(ByteSize::mib(8));
        let filter = Filter {
            ids: Some(["a:x".to_owned()].into()),
            ..Filter::default()
        };
        assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 1);
        assert_eq!(kept(&views).await, 0);
    }

    #[tokio::test]
    async fn what_is_kept_never_outgrows_its_share() {
        let share = ByteSize::kib(4 * SHARE);
        let views = Views::new(share);
        let snapshot = snapshot(&["x"]);
        for search in 0..32 {
            let filter = Filter {
                search: Some(search.to_string()),
                ..Filter::default()
            };
            view(&views, &snapshot, &filter).await;
        }
        // Each takes a kibibyte at least.
        assert_eq!(kept(&views).await, 4);
    }

    #[tokio::test]
    async fn the_same_question_asked_many_times_at_once_is_arranged_once() {
        let mut views = Views::new(ByteSize::mib(8));
        // A second build at the same time would be turned away.
        views.pool = Pool::sized(1, 0);
        let snapshot = snapshot(&["x", "y"]);
        let filter = Filter::default();
        let asked = (0..100).map(|_| view(&views, &snapshot, &filter));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().all(|view| view.len() == 2));
    }

    #[tokio::test]
    async fn a_question_that_finds_the_pool_full_is_turned_away() {
        let mut views = Views::new(ByteSize::mib(8));
        views.pool = Pool::sized(0, 0);
        let snapshots = vec![snapshot(&["x"])];
        let refused = views
            .view(snapshots, &Filter::default(), &Sort::default())
            .await;
        assert_eq!(refused.unwrap_err(), Overloaded);
    }
}
