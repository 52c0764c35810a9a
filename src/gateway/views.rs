//! The views that were made already, bounded in bytes.

use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::time::Instant;

use crate::snapshot::ContentHash;
use crate::snapshot::Snapshot;

use super::filter::Filter;
use super::order::Sort;
use super::pool::{Overloaded, Pool};
use super::view::{Arrangement, View};

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
    telling: Vec<usize>,
}

/// Why an arrangement is not kept.
#[derive(Debug, Clone)]
enum Unkept {
    /// It holds nothing, so there is nothing to keep.
    Empty(Arc<Arrangement>),
    /// There is none.
    Overloaded(Overloaded),
}

impl Key {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.filter.bytes()
            + size_of_val(&*self.contents)
            + size_of_val(&*self.telling)
    }
}

impl Views {
    /// Views that take so many bytes.
    pub(super) fn new(share: u64) -> Self {
        let arrangements = Cache::builder()
            .name("views")
            // The default policy may refuse a new entry when the cache is full.
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(kibibytes(share))
            .weigher(|key: &Key, arrangement: &Arc<Arrangement>| {
                let weight = kibibytes((key.bytes() + arrangement.bytes()) as u64) + 1;
                u32::try_from(weight).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            arrangements,
            pool: Pool::new(),
        }
    }

    /// The view of `snapshots`, which stand in order of their sources, `telling` what is in it of
    /// those with these numbers. Who would have to wait for a turn beyond `deadline` is turned away.
    pub(super) async fn view(
        &self,
        snapshots: Vec<Arc<Snapshot>>,
        telling: Vec<usize>,
        filter: &Filter,
        sort: &Sort,
        deadline: Instant,
    ) -> Result<View, Overloaded> {
        // Looking ids up is quicker than handing the work over, and would crowd the cache.
        if filter.ids.is_some() {
            let arrangement = Arrangement::new(&snapshots, filter, sort);
            let arrangement = arrangement.telling(&snapshots, &telling);
            return Ok(View::arranged(
                snapshots,
                Arc::new(arrangement),
                sort.clone(),
            ));
        }
        let key = Key {
            filter: filter.clone(),
            sort: sort.clone(),
            contents: snapshots
                .iter()
                .map(|snapshot| (Arc::clone(snapshot.source()), snapshot.hash()))
                .collect(),
            telling: telling.clone(),
        };
        let arrange = {
            let (snapshots, filter, sort) = (snapshots.clone(), filter.clone(), sort.clone());
            move || {
                let arrangement = Arrangement::new(&snapshots, &filter, &sort);
                Arc::new(arrangement.telling(&snapshots, &telling))
            }
        };
        let arrange = async {
            let arranged = self.pool.run(arrange, deadline).await;
            let arrangement = arranged.map_err(Unkept::Overloaded)?;
            if arrangement.is_empty() {
                return Err(Unkept::Empty(arrangement));
            }
            Ok(arrangement)
        };
        // Equal questions wait for one answer. The first caller's future does the work, and if it is
        // dropped the next begins again: cheap here, where a build takes milliseconds and not, as a
        // walk does, minutes.
        let arrangement = match self.arrangements.try_get_with(key, arrange).await {
            Ok(arrangement) => arrangement,
            Err(unkept) => match &*unkept {
                Unkept::Empty(arrangement) => Arc::clone(arrangement),
                Unkept::Overloaded(overloaded) => return Err(*overloaded),
            },
        };
        Ok(View::arranged(snapshots, arrangement, sort.clone()))
    }
}

/// moka weighs in 32 bits, which bytes would overflow.
const fn kibibytes(bytes: u64) -> u64 {
    bytes / 1024
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::snapshot::tests::group;

    fn snapshot(names: &[&str]) -> Arc<Snapshot> {
        let groups = names.iter().map(|name| group("a", name, name)).collect();
        Snapshot::new("a".into(), groups).into()
    }

    async fn view(views: &Views, snapshot: &Arc<Snapshot>, filter: &Filter) -> View {
        let snapshots = vec![Arc::clone(snapshot)];
        let view = views
            .view(snapshots, Vec::new(), filter, &Sort::default(), soon())
            .await;
        view.unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    fn searching(search: String) -> Filter {
        Filter {
            search: Some(search),
            ..Filter::default()
        }
    }

    async fn kept(views: &Views) -> u64 {
        views.arrangements.run_pending_tasks().await;
        views.arrangements.entry_count()
    }

    #[tokio::test]
    async fn equal_questions_over_equal_content_are_arranged_once() {
        let views = Views::new(1 << 20);
        let filter = Filter::default();
        let (first, second) = (snapshot(&["x", "y"]), snapshot(&["y", "x"]));
        assert_eq!(view(&views, &first, &filter).await.len(), 2);
        assert_eq!(view(&views, &second, &filter).await.row(1).id(), "a:y");
        assert_eq!(kept(&views).await, 1);
    }

    #[tokio::test]
    async fn other_content_is_arranged_anew() {
        let views = Views::new(1 << 20);
        let filter = Filter::default();
        assert_eq!(view(&views, &snapshot(&["x"]), &filter).await.len(), 1);
        assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 2);
        assert_eq!(kept(&views).await, 2);
    }

    #[tokio::test]
    async fn what_is_kept_holds_no_snapshot_in_memory() {
        let views = Views::new(1 << 20);
        let snapshot = snapshot(&["x"]);
        drop(view(&views, &snapshot, &Filter::default()).await);
        assert_eq!(kept(&views).await, 1);
        assert_eq!(Arc::strong_count(&snapshot), 1);
    }

    #[tokio::test]
    async fn lookups_by_id_are_not_kept() {
        let views = Views::new(1 << 20);
        let filter = Filter {
            ids: Some(["a:x".to_owned()].into()),
            ..Filter::default()
        };
        assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 1);
        assert_eq!(kept(&views).await, 0);
    }

    #[tokio::test]
    async fn what_is_kept_never_outgrows_its_share() {
        let views = Views::new(4 * 1024);
        let snapshot = snapshot(&["0123456789"]);
        for search in 0..10 {
            let filter = searching(search.to_string());
            assert_eq!(view(&views, &snapshot, &filter).await.len(), 1);
        }
        // Each takes a kibibyte at least.
        assert_eq!(kept(&views).await, 4);
    }

    #[tokio::test]
    async fn a_long_question_takes_room_however_short_its_answer() {
        let views = Views::new(20 * 1024);
        let name = "x".repeat(8 * 1024);
        let snapshot = snapshot(&[&name]);
        for shorter in 0..10 {
            let filter = searching(name[shorter..].to_owned());
            assert_eq!(view(&views, &snapshot, &filter).await.len(), 1);
        }
        assert_eq!(kept(&views).await, 2);
    }

    #[tokio::test]
    async fn an_arrangement_of_nothing_is_not_kept() {
        let views = Views::new(1 << 20);
        let filter = searching("y".to_owned());
        let empty = view(&views, &snapshot(&["x"]), &filter).await;
        assert!(empty.is_empty());
        assert_eq!(kept(&views).await, 0);
    }

    #[tokio::test]
    async fn the_same_question_asked_many_times_at_once_is_arranged_once() {
        let mut views = Views::new(1 << 20);
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
        let mut views = Views::new(1 << 20);
        views.pool = Pool::sized(0, 0);
        let snapshots = vec![snapshot(&["x"])];
        let refused = views
            .view(
                snapshots,
                Vec::new(),
                &Filter::default(),
                &Sort::default(),
                soon(),
            )
            .await;
        assert_eq!(refused.unwrap_err(), Overloaded);
    }
}
