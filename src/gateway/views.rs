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

use super::filter::Filter;
use super::matching_rows::MatchingRows;
use super::order::Sort;
use super::pool::{BlockingPool, Overloaded};
use super::view::View;

/// How many bytes of lists are looked through in about the time that it takes to hand them over.
const AT_ONCE: usize = 512 * 1024;

/// What they are called where caches are told apart.
const NAME: &str = "views";

/// Makes views, once for equal questions over equal content.
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
        // Looking ids up or short lists through is quicker than handing the work over or keeping it.
        let rows = if filter.ids.is_some() || bytes <= self.at_once {
            let begun = Instant::now();
            let rows = MatchingRows::new(&snapshots, filter, sort);
            let rows = rows.with_match_digests(&snapshots, &digested);
            self.observers.notify(&Event::ViewMade(begun.elapsed()));
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
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;
    use crate::gateway::query::Limit;
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

    /// Views that hand everything over.
    fn views(share: u64) -> Views {
        Views {
            at_once: 0,
            ..Views::new(share, Observers::default())
        }
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
        views.made.run_pending_tasks().await;
        views.made.entry_count()
    }

    #[tokio::test]
    async fn equal_questions_over_equal_content_are_sorted_once() {
        let views = views(1 << 20);
        let filter = Filter::default();
        let (first, second) = (snapshot(&["x", "y"]), snapshot(&["y", "x"]));
        assert_eq!(view(&views, &first, &filter).await.len(), 2);
        let view = view(&views, &second, &filter).await;
        let page = view.page(None, Limit::All);
        assert_eq!(view.rows(&page)[1].id(), "a:y");
        assert_eq!(kept(&views).await, 1);
    }

    #[tokio::test]
    async fn other_content_is_sorted_again() {
        let views = views(1 << 20);
        let filter = Filter::default();
        assert_eq!(view(&views, &snapshot(&["x"]), &filter).await.len(), 1);
        assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 2);
        assert_eq!(kept(&views).await, 2);
    }

    #[tokio::test]
    async fn what_is_kept_holds_no_snapshot_in_memory() {
        let views = views(1 << 20);
        let snapshot = snapshot(&["x"]);
        drop(view(&views, &snapshot, &Filter::default()).await);
        assert_eq!(kept(&views).await, 1);
        assert_eq!(Arc::strong_count(&snapshot), 1);
    }

    #[tokio::test]
    async fn lookups_by_id_are_not_kept() {
        let views = views(1 << 20);
        let filter = Filter {
            ids: Some(["a:x".to_owned()].into()),
            ..Filter::default()
        };
        assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 1);
        assert_eq!(kept(&views).await, 0);
    }

    #[tokio::test]
    async fn what_is_kept_never_outgrows_its_share() {
        let views = views(4 * 1024);
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
        let views = views(20 * 1024);
        let name = "x".repeat(8 * 1024);
        let snapshot = snapshot(&[&name]);
        for shorter in 0..10 {
            let filter = searching(name[shorter..].to_owned());
            assert_eq!(view(&views, &snapshot, &filter).await.len(), 1);
        }
        assert_eq!(kept(&views).await, 2);
    }

    #[tokio::test]
    async fn what_holds_no_rows_is_not_kept() {
        let views = views(1 << 20);
        let filter = searching("y".to_owned());
        let empty = view(&views, &snapshot(&["x"]), &filter).await;
        assert!(empty.is_empty());
        assert_eq!(kept(&views).await, 0);
    }

    #[tokio::test]
    async fn the_same_question_asked_many_times_at_once_is_sorted_once() {
        let mut views = views(1 << 20);
        // A second build at the same time would be turned away.
        views.pool = BlockingPool::sized(1, 0);
        let snapshot = snapshot(&["x", "y"]);
        let filter = Filter::default();
        let asked = (0..100).map(|_| view(&views, &snapshot, &filter));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().all(|view| view.len() == 2));
    }

    /// What comes of two equal questions, asked at once, whose turn must come within so many seconds,
    /// and how long they took. The only worker is busy for two seconds.
    async fn two_who_wait(first: u64, second: u64) -> [(Result<usize, Overloaded>, Duration); 2] {
        let mut views = views(1 << 20);
        views.pool = BlockingPool::sized(1, 1);
        let snapshot = snapshot(&["x"]);
        let worker = views.pool.workers.acquire().await.unwrap();
        let begun = Instant::now();
        let ask = async |seconds| {
            let (snapshots, deadline) = (vec![Arc::clone(&snapshot)], begun + seconds);
            let (filter, sort) = (Filter::default(), Sort::default());
            let view = views.view(snapshots, Vec::new(), &filter, &sort, deadline);
            (view.await.map(|view| view.len()), begun.elapsed())
        };
        let work = async {
            sleep(Duration::from_secs(2)).await;
            drop(worker);
        };
        let (first, second) = (Duration::from_secs(first), Duration::from_secs(second));
        let (first, second, ()) = tokio::join!(ask(first), ask(second), work);
        [first, second]
    }

    #[tokio::test(start_paused = true)]
    async fn who_can_wait_longer_is_not_turned_away_with_the_first() {
        let [first, second] = two_who_wait(1, 60).await;
        assert_eq!(first, (Err(Overloaded), Duration::from_secs(1)));
        assert_eq!(second.0, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_wait_as_long_as_the_first_is_turned_away_alone() {
        let [first, second] = two_who_wait(60, 1).await;
        assert_eq!(first.0, Ok(1));
        assert_eq!(second, (Err(Overloaded), Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn only_short_lists_are_looked_through_on_the_thread_that_asks() {
        let mut views = Views::new(1 << 20, Observers::default());
        views.pool = BlockingPool::sized(0, 0);
        for (name, is_short) in [("x".to_owned(), true), ("x".repeat(AT_ONCE), false)] {
            let (filter, sort) = (Filter::default(), Sort::default());
            let asked = views.view(vec![snapshot(&[&name])], Vec::new(), &filter, &sort, soon());
            assert_eq!(asked.await.is_ok(), is_short);
        }
    }

    #[tokio::test]
    async fn a_question_that_finds_the_pool_full_is_turned_away() {
        let mut views = views(1 << 20);
        views.pool = BlockingPool::sized(0, 0);
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
