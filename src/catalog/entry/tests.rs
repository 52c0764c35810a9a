//! What an entry serves and when it walks, over walks that a test scripts.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use rstest::rstest;
use tokio::time::{advance, sleep};

use crate::catalog::{Scope, refresh};
use crate::error::{ErrorKind, Fault};
use crate::plan::digest::{Account, Shape};
use crate::snapshot::tests::group;
use crate::upstream::pushdown::Pushed;

use super::*;
use crate::catalog::fetch::WalkResult;
use crate::snapshot::Snapshot;

const SECOND: Duration = Duration::from_secs(1);

/// What the next walks do: how long each takes, and the names of the groups that come of it.
type Script = VecDeque<(Duration, Result<Vec<String>, ErrorKind>)>;

struct Scripted {
    entry: Arc<Entry>,
    walks: Arc<AtomicUsize>,
    script: Arc<Mutex<Script>>,
}

impl Scripted {
    fn new(freshness: Freshness, capacity: u64) -> Self {
        Self::on_terms(
            EntryPolicy {
                freshness,
                ..POLICY
            },
            capacity,
        )
    }

    fn on_terms(policy: EntryPolicy, capacity: u64) -> Self {
        Self::in_place(policy, capacity, |_, _| None, NOW)
    }

    /// An entry at a certain time, whose snapshot is kept in a folder.
    fn on_disk(directory: &Path, now: &str) -> Self {
        let open = |key: &Key, wall: &WallClock| {
            let keys = std::slice::from_ref(key);
            Some(Disk::open(directory, keys, 1 << 20, wall))
        };
        Self::in_place(POLICY, 1 << 20, open, now)
    }

    fn in_place(
        policy: EntryPolicy,
        capacity: u64,
        disk: impl FnOnce(&Key, &WallClock) -> Option<Disk>,
        now: &str,
    ) -> Self {
        let walks = Arc::new(AtomicUsize::new(0));
        let script = Arc::new(Mutex::new(Script::new()));
        let fetch: Fetch = {
            let (walks, script) = (Arc::clone(&walks), Arc::clone(&script));
            Box::new(move |_| {
                walks.fetch_add(1, Ordering::SeqCst);
                let step = script.lock().unwrap().pop_front();
                Box::pin(async move {
                    let (takes, outcome) = step.expect("an unexpected walk");
                    sleep(takes).await;
                    outcome
                        .map(|names| WalkResult {
                            snapshot: snapshot(&names),
                            counts: Counts::default(),
                            pages: 1,
                        })
                        .map_err(|kind| UpstreamError::new(kind, "scripted"))
                })
            })
        };
        let key = Key {
            upstream: "u".into(),
            shape: Shape::default(),
            account: Account::default(),
            scope: Scope::Shared,
            pushed: Pushed::NONE,
        };
        let wall = WallClock::fixed(now.parse().unwrap());
        let resources = Arc::new(CatalogResources {
            store: Store::reserved(capacity),
            disk: disk(&key, &wall),
            wall,
            tasks: Arc::new(Tasks::new()),
            epoch: Arc::default(),
        });
        Self {
            entry: Arc::new(Entry::new(key, policy, fetch, resources)),
            walks,
            script,
        }
    }

    fn usual() -> Self {
        Self::new(USUAL, 1 << 20)
    }

    fn then(self, takes: Duration, outcome: Result<&'static str, ErrorKind>) -> Self {
        self.step(takes, outcome.map(|name| vec![name.to_owned()]));
        self
    }

    /// A walk of a second that brings so many groups.
    fn then_groups(self, groups: usize) -> Self {
        let names = (0..groups).map(|group| format!("{group:03}")).collect();
        self.step(SECOND, Ok(names));
        self
    }

    fn step(&self, takes: Duration, outcome: Result<Vec<String>, ErrorKind>) {
        self.script.lock().unwrap().push_back((takes, outcome));
    }

    /// Ends as a process does that is asked to stop.
    async fn stop(self) {
        self.entry.resources.tasks.close();
        self.entry.disk().unwrap().close().await;
    }

    /// Walks from now on whenever a walk is due that nobody asks for.
    fn kept(self) -> Self {
        let entry = Arc::clone(&self.entry);
        self.entry.resources.tasks.spawn(refresh::keep(entry));
        self
    }

    async fn ask(&self, mode: CacheMode) -> SourceLookup {
        self.entry.get(mode, Instant::now() + 10 * SECOND).await
    }

    async fn get(&self) -> SourceLookup {
        self.ask(CacheMode::Cached).await
    }

    fn walks(&self) -> usize {
        self.walks.load(Ordering::SeqCst)
    }
}

const NOW: &str = "2026-11-21T09:30:00Z";

const POLICY: EntryPolicy = EntryPolicy {
    freshness: USUAL,
    required: false,
    refresh: Refresh::OnDemand,
    persistent: true,
    shrink_guard: Share::HALF,
};

const USUAL: Freshness = Freshness {
    ttl: Duration::from_secs(30),
    stale_while_revalidate: Duration::from_mins(5),
    stale_if_error: Duration::from_hours(1),
    min_refresh: Duration::from_secs(5),
};

fn snapshot(names: &[impl AsRef<str>]) -> Snapshot {
    let numbered = names.iter().enumerate();
    let groups = numbered
        .map(|(number, name)| group("u", &number.to_string(), name.as_ref()))
        .collect();
    Snapshot::new("u".into(), groups)
}

fn groups(held: &SourceLookup) -> usize {
    held.snapshot.as_ref().map_or(0, |snapshot| snapshot.len())
}

fn name(held: &SourceLookup) -> Option<&str> {
    held.snapshot
        .as_ref()
        .map(|snapshot| snapshot.row(0).name())
}

#[tokio::test(start_paused = true)]
async fn however_many_wait_one_walk_runs() {
    let upstream = Scripted::usual().then(SECOND, Ok("a"));
    let held = join_all((0..100).map(|_| upstream.get())).await;
    assert!(
        held.iter()
            .all(|held| held.state == State::Fresh && name(held) == Some("a"))
    );
    assert_eq!(upstream.walks(), 1);
    assert_eq!(
        held.iter().filter(|held| !held.outcome.collapsed).count(),
        1
    );
    assert_eq!(upstream.get().await.outcome, CacheOutcome::HIT);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_cancel_the_walk() {
    let upstream = Scripted::usual().then(15 * SECOND, Ok("a"));
    let held = upstream.get().await;
    assert_eq!(held.state, State::Pending);
    assert_eq!(upstream.get().await.state, State::Fresh);
    assert_eq!(upstream.walks(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_snapshot_is_served_while_one_refresh_runs() {
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(SECOND, Ok("b"));
    upstream.get().await;
    advance(31 * SECOND).await;
    for _ in 0..3 {
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
        assert_eq!(held.fresh_for, Duration::ZERO);
    }
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Fresh, Some("b")));
    assert_eq!(upstream.walks(), 2);
}

#[tokio::test(start_paused = true)]
async fn past_its_stale_time_a_caller_waits_for_the_refresh() {
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(SECOND, Ok("b"));
    upstream.get().await;
    advance(331 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Fresh, Some("b")));
    assert_eq!(held.outcome.forwarded, Some("stale"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_serves_the_stale_one_until_its_time_is_over() {
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(SECOND, Err(ErrorKind::Connect))
        .then(SECOND, Err(ErrorKind::Connect));
    upstream.get().await;
    advance(400 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
    assert_eq!(held.error.unwrap().kind, ErrorKind::Connect);
    advance(3600 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Failed, None));
    sleep(2 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_held_changes_when_it_says_and_otherwise_only_as_the_epoch_moves() {
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(SECOND, Err(ErrorKind::Connect));
    let epoch = || upstream.entry.resources.epoch.current();
    let before = epoch();
    upstream.get().await;
    let walked = epoch();
    assert_ne!(walked, before);
    let mut ages = Vec::new();
    while let Some(left) = upstream.entry.peek().changes_in {
        ages.push(left.as_secs());
        advance(left).await;
    }
    // The time to live, then what of `stale_while_revalidate` and `stale_if_error` comes after it.
    assert_eq!(ages, [30, 300, 3300]);
    assert_eq!(epoch(), walked);
    upstream.get().await;
    assert_ne!(
        epoch(),
        walked,
        "a walk that fails changes what is shown, too"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_evicts_what_it_showed() {
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(SECOND, Err(ErrorKind::Unauthorized));
    upstream.get().await;
    advance(400 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Failed, None));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_known_to_fail_takes_no_time_from_answers() {
    let hangs = 60 * SECOND;
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(hangs, Err(ErrorKind::Timeout))
        .then(hangs, Err(ErrorKind::Timeout));
    upstream.get().await;
    advance(400 * SECOND).await;
    let start = Instant::now();
    let held = upstream.get().await;
    assert_eq!(held.outcome.detail, Some("deadline"));
    assert_eq!(start.elapsed(), 10 * SECOND);
    sleep(100 * SECOND).await;
    for _ in 0..3 {
        let start = Instant::now();
        let held = upstream.get().await;
        assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
    sleep(SECOND).await;
    assert_eq!(upstream.walks(), 3);
}

#[tokio::test(start_paused = true)]
async fn each_failure_in_a_row_doubles_the_rest_up_to_a_bound() {
    let upstream = Scripted::usual();
    let mut rests = Vec::new();
    for _ in 0..7 {
        let upstream = &upstream;
        upstream.step(Duration::ZERO, Err(ErrorKind::Connect));
        upstream.get().await;
        sleep(Duration::from_millis(1)).await;
        let rest = upstream.get().await.error.unwrap().retry_after.unwrap();
        rests.push(rest.as_secs_f64().round() as u64);
        advance(rest).await;
    }
    assert_eq!(rests, [5, 10, 20, 40, 60, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_failed_rests_before_it_is_asked_again_and_then_heals() {
    let upstream = Scripted::usual()
        .then(SECOND, Err(ErrorKind::Connect))
        .then(SECOND, Ok("a"));
    for _ in 0..50 {
        let held = upstream.get().await;
        assert_eq!(held.state, State::Failed);
        assert!(held.error.unwrap().retry_after.unwrap() <= 5 * SECOND);
    }
    assert_eq!(upstream.walks(), 1);
    advance(5 * SECOND).await;
    assert_eq!(upstream.get().await.state, State::Failed);
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!(held.state, State::Fresh);
    assert!(held.error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_revalidation_waits_for_a_walk_begun_after_it_and_at_most_one_is_queued() {
    let upstream = Scripted::usual()
        .then(8 * SECOND, Ok("a"))
        .then(SECOND, Ok("b"));
    let later = async {
        sleep(6 * SECOND).await;
        join_all((0..10).map(|_| upstream.ask(CacheMode::Revalidate))).await
    };
    let (first, later) = tokio::join!(upstream.get(), later);
    assert_eq!(name(&first), Some("a"));
    assert!(later.iter().all(|held| name(held) == Some("b")));
    assert_eq!(upstream.walks(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_revalidation_right_after_a_walk_is_answered_from_the_cache_and_says_so() {
    let upstream = Scripted::usual().then(SECOND, Ok("a"));
    upstream.get().await;
    let held = upstream.ask(CacheMode::Revalidate).await;
    assert_eq!(name(&held), Some("a"));
    assert_eq!(held.outcome.detail, Some("min_refresh"));
    assert_eq!(upstream.walks(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_panics_is_a_failure_of_ours_and_nobody_waits_for_ever() {
    let held = Scripted::usual().get().await;
    assert_eq!(held.state, State::Failed);
    let error = held.error.unwrap();
    assert_eq!(error.fault(), Fault::Gateway);
    assert!(error.detail.contains("panicked"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_does_not_fit_is_an_error_and_the_one_before_stays() {
    let room = snapshot(&["a"]).bytes() as u64 + 10;
    let upstream = Scripted::new(USUAL, room)
        .then(SECOND, Ok("a"))
        .then(SECOND, Ok("a name that needs more room than there is"));
    assert_eq!(upstream.get().await.state, State::Fresh);
    advance(400 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
    assert_eq!(held.error.unwrap().kind, ErrorKind::LimitExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_brings_the_same_content_keeps_the_same_memory() {
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(SECOND, Ok("a"));
    let before = upstream.get().await.snapshot.unwrap();
    advance(400 * SECOND).await;
    let after = upstream.get().await.snapshot.unwrap();
    assert!(Arc::ptr_eq(&before, &after));
    assert_eq!(upstream.walks(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_time_to_live_every_caller_gets_a_fresh_walk() {
    let freshness = Freshness {
        ttl: Duration::ZERO,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        ..USUAL
    };
    let upstream = Scripted::new(freshness, 1 << 20)
        .then(SECOND, Ok("a"))
        .then(SECOND, Ok("b"));
    assert_eq!(upstream.get().await.state, State::Fresh);
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Fresh, Some("b")));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_has_lost_most_of_its_groups_is_held_back_until_a_second_walk_confirms_it() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(40)
        .then_groups(39)
        .kept();
    upstream.get().await;
    advance(31 * SECOND).await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    // Past its time to live it says so, and no failure is to blame.
    assert_eq!((groups(&held), held.state), (100, State::Stale));
    assert!(held.error.is_none());
    let pending_shrink = held.pending_shrink.unwrap();
    assert_eq!((pending_shrink.groups, pending_shrink.served), (40, 100));
    for _ in 0..20 {
        upstream.get().await;
    }
    assert_eq!(
        upstream.walks(),
        2,
        "a walk that comes too soon confirms nothing"
    );
    sleep(6 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (39, State::Fresh));
    assert_eq!(held.pending_shrink, None);
    assert_eq!(upstream.walks(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_whole_again_on_the_second_walk_was_never_served_short() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(0)
        .then_groups(101)
        .kept();
    upstream.get().await;
    advance(31 * SECOND).await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    assert_eq!(groups(&upstream.get().await), 100);
    sleep(6 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.pending_shrink), (101, None));
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_callers_demand_too_soon_after_one_that_is_held_back_confirms_nothing() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(10)
        .then_groups(11)
        .then_groups(12);
    upstream.get().await;
    sleep(6 * SECOND).await;
    let (first, second) = tokio::join!(upstream.ask(CacheMode::Revalidate), async {
        // Queued behind the running walk, so that it begins as soon as that has ended.
        sleep(SECOND / 2).await;
        let queued = upstream.entry.begin_or_queue(&mut upstream.entry.lock()).0;
        queued.end(Instant::now() + 10 * SECOND).await;
        upstream.entry.peek()
    });
    assert_eq!(first.outcome.detail, Some("pending_shrink"));
    assert_eq!((groups(&first), first.state), (100, State::Fresh));
    assert_eq!(
        (groups(&second), second.pending_shrink.unwrap().groups),
        (100, 11)
    );
    sleep(5 * SECOND).await;
    let held = upstream.ask(CacheMode::Revalidate).await;
    assert_eq!((groups(&held), held.pending_shrink), (12, None));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_on_falling_apart_is_believed_once_two_walks_agree() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(40)
        .then_groups(0)
        .then_groups(40)
        .kept();
    upstream.get().await;
    advance(31 * SECOND).await;
    upstream.get().await;
    sleep(8 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!(groups(&held), 100, "no walk agreed with another");
    assert_eq!(held.pending_shrink.unwrap().groups, 0);
    sleep(6 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.pending_shrink), (40, None));
}

#[tokio::test(start_paused = true)]
async fn a_list_in_doubt_keeps_nobody_waiting_once_the_one_before_may_be_served_no_more() {
    let freshness = Freshness {
        ttl: 7 * SECOND,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        ..USUAL
    };
    let upstream = Scripted::new(freshness, 1 << 20)
        .then_groups(100)
        .then_groups(10)
        .then_groups(10);
    upstream.get().await;
    advance(5 * SECOND).await;
    let held = upstream.ask(CacheMode::Revalidate).await;
    assert_eq!(
        (groups(&held), held.outcome.detail),
        (100, Some("pending_shrink"))
    );
    advance(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (10, State::Fresh));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_rests_is_left_alone_whoever_asks_but_an_operator() {
    let upstream = Scripted::usual();
    for _ in 0..3 {
        upstream.step(Duration::ZERO, Err(ErrorKind::RateLimited));
        upstream.ask(CacheMode::Insist).await;
        advance(5 * SECOND).await;
    }
    // It rests for 20 s after the third failure, of which 5 are over.
    let held = upstream.ask(CacheMode::Revalidate).await;
    assert_eq!(
        (held.state, held.outcome.detail),
        (State::Failed, Some("failed"))
    );
    assert_eq!(held.error.unwrap().retry_after, Some(15 * SECOND));
    assert_eq!(upstream.walks(), 3);
    let upstream = upstream.then(SECOND, Ok("a"));
    let held = upstream.ask(CacheMode::Insist).await;
    assert_eq!((held.state, name(&held)), (State::Fresh, Some("a")));
}

#[tokio::test(start_paused = true)]
async fn a_short_list_is_believed_when_the_one_before_may_be_served_no_more() {
    let upstream = Scripted::usual().then_groups(100).then_groups(10);
    upstream.get().await;
    advance(4000 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.pending_shrink), (10, None));
}

#[tokio::test(start_paused = true)]
async fn without_a_guard_every_list_is_believed() {
    let policy = EntryPolicy {
        shrink_guard: Share::NONE,
        ..POLICY
    };
    let upstream = Scripted::on_terms(policy, 1 << 20)
        .then_groups(100)
        .then_groups(0);
    upstream.get().await;
    advance(331 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (0, State::Fresh));
}

#[tokio::test(start_paused = true)]
async fn a_failure_between_the_two_walks_leaves_the_list_in_doubt_and_rests() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(10)
        .then(SECOND, Err(ErrorKind::Connect))
        .then_groups(10)
        .kept();
    upstream.get().await;
    advance(31 * SECOND).await;
    upstream.get().await;
    sleep(8 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (100, State::Stale));
    assert_eq!(held.error.unwrap().kind, ErrorKind::Connect);
    assert_eq!(held.pending_shrink.unwrap().groups, 10);
    sleep(10 * SECOND).await;
    assert_eq!(groups(&upstream.get().await), 10);
}

const BACKGROUND: EntryPolicy = EntryPolicy {
    refresh: Refresh::Background,
    ..POLICY
};

#[tokio::test(start_paused = true)]
async fn in_the_background_a_list_is_renewed_before_it_expires_though_nobody_asks() {
    let mut upstream = Scripted::on_terms(BACKGROUND, 1 << 20);
    for _ in 0..100 {
        upstream = upstream.then(SECOND, Ok("a"));
    }
    let upstream = upstream.kept();
    upstream.entry.warm();
    sleep(2 * SECOND).await;
    for _ in 0..600 {
        assert_eq!(upstream.entry.peek().state, State::Fresh);
        sleep(SECOND).await;
    }
    // A time to live of 30 s is renewed after 20 to 27, and a walk takes one.
    assert!(
        (22..=29).contains(&upstream.walks()),
        "{}",
        upstream.walks()
    );
}

#[tokio::test(start_paused = true)]
async fn in_the_background_a_caller_never_waits_for_a_list_that_is_there() {
    let freshness = Freshness {
        stale_while_revalidate: Duration::ZERO,
        ..USUAL
    };
    let policy = EntryPolicy {
        freshness,
        ..BACKGROUND
    };
    let upstream = Scripted::on_terms(policy, 1 << 20)
        .then(SECOND, Ok("a"))
        .then(60 * SECOND, Ok("b"))
        .kept();
    upstream.get().await;
    sleep(40 * SECOND).await;
    let asked = Instant::now();
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (State::Stale, Some("a")));
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn in_the_background_an_upstream_that_fails_is_left_to_rest_and_then_tried_again() {
    let mut upstream = Scripted::on_terms(BACKGROUND, 1 << 20);
    for _ in 0..5 {
        upstream = upstream.then(Duration::ZERO, Err(ErrorKind::Connect));
    }
    for _ in 0..50 {
        upstream = upstream.then(Duration::ZERO, Ok("a"));
    }
    let upstream = upstream.kept();
    upstream.entry.warm();
    let mut walks = Vec::new();
    for _ in 0..5 {
        sleep(5 * SECOND).await;
        walks.push(upstream.walks());
    }
    // Rests of 5, 10 and 20 s, each up to a fifth longer.
    assert!(walks[0] <= 2 && walks[4] <= 3, "{walks:?}");
    sleep(200 * SECOND).await;
    assert_eq!(upstream.entry.peek().state, State::Fresh);
}

#[tokio::test(start_paused = true)]
async fn replicas_that_were_started_together_walk_apart() {
    let start = || {
        let upstream = Scripted::on_terms(BACKGROUND, 1 << 20)
            .then(SECOND, Ok("a"))
            .then(SECOND, Ok("a"));
        upstream.entry.warm();
        upstream
    };
    let replicas: Vec<_> = (0..8).map(|_| start()).collect();
    sleep(2 * SECOND).await;
    let mut due: Vec<_> = replicas
        .iter()
        .map(|replica| replica.entry.due(rand::random()).unwrap())
        .collect();
    due.sort();
    due.dedup();
    assert_eq!(due.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn what_runs_behind_callers_ends_with_the_catalog() {
    let upstream = Scripted::on_terms(BACKGROUND, 1 << 20)
        .then(SECOND, Ok("a"))
        .then(60 * SECOND, Ok("b"))
        .kept();
    upstream.get().await;
    sleep(40 * SECOND).await;
    assert_eq!(upstream.walks(), 2);
    let entry = Arc::downgrade(&upstream.entry);
    upstream.entry.resources.tasks.close();
    drop(upstream);
    // The walk that was under way and the task that keeps the entry fresh held it.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert!(entry.upgrade().is_none());
}

/// A folder in which a list of a hundred groups is kept, which was read at [`NOW`].
async fn kept_before() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Scripted::on_disk(directory.path(), NOW).then_groups(100);
    assert_eq!(groups(&upstream.get().await), 100);
    upstream.stop().await;
    directory
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_list_from_before_is_served_as_stale_until_the_first_walk_succeeds() {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), "2026-11-21T09:45:00Z")
        .then(SECOND, Err(ErrorKind::Connect))
        .then_groups(101);
    upstream.entry.restore().await;
    upstream.entry.warm();
    let asked = Instant::now();
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (100, State::Stale));
    assert_eq!(held.as_of, Some(NOW.parse().unwrap()));
    assert!(!held.walked);
    assert_eq!(asked.elapsed(), Duration::ZERO);
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (100, State::Stale));
    assert!(held.walked && held.error.is_some());
    sleep(5 * SECOND).await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (101, State::Fresh));
}

#[rstest]
#[case::fresh_by_the_clock_and_stale_all_the_same("2026-11-21T09:30:01Z", 100)]
#[case::just_not_too_old("2026-11-21T10:30:29Z", 100)]
#[case::too_old("2026-11-21T10:30:30Z", 0)]
#[case::of_the_future("2026-11-21T09:29:59Z", 0)]
#[tokio::test(start_paused = true)]
async fn a_list_on_disk_serves_as_long_as_the_wall_clock_allows(
    #[case] now: &str,
    #[case] served: usize,
) {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), now);
    upstream.entry.restore().await;
    let held = upstream.entry.peek();
    assert_eq!(groups(&held), served);
    assert_ne!(held.state, State::Fresh);
}

#[tokio::test(start_paused = true)]
async fn a_list_from_disk_expires_while_the_upstream_goes_on_failing() {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), "2026-11-21T10:20:00Z")
        .then(Duration::ZERO, Err(ErrorKind::Connect))
        .then(Duration::ZERO, Err(ErrorKind::Connect));
    upstream.entry.restore().await;
    upstream.entry.warm();
    sleep(600 * SECOND).await;
    assert_eq!(groups(&upstream.get().await), 100);
    advance(31 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (0, State::Failed));
}

#[tokio::test(start_paused = true)]
async fn the_first_walk_after_a_restart_is_held_against_the_list_from_before() {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), NOW).then_groups(1);
    upstream.entry.restore().await;
    upstream.entry.warm();
    sleep(2 * SECOND).await;
    let held = upstream.entry.peek();
    assert_eq!((groups(&held), held.state), (100, State::Stale));
    assert_eq!(held.pending_shrink.unwrap().groups, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_refused_credential_showed_is_also_gone_from_disk() {
    let directory = kept_before().await;
    let upstream =
        Scripted::on_disk(directory.path(), NOW).then(SECOND, Err(ErrorKind::Unauthorized));
    upstream.entry.restore().await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    assert_eq!(groups(&upstream.entry.peek()), 0);
    upstream.stop().await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_is_ignored_and_replaced() {
    let directory = kept_before().await;
    let files = || std::fs::read_dir(directory.path()).unwrap();
    let path = files().next().unwrap().unwrap().path();
    std::fs::write(&path, "groupgate snapshot 1\n").unwrap();
    let upstream = Scripted::on_disk(directory.path(), NOW).then_groups(3);
    upstream.entry.restore().await;
    assert_eq!(upstream.entry.peek().state, State::Pending);
    assert_eq!(groups(&upstream.get().await), 3);
    upstream.stop().await;
    let upstream = Scripted::on_disk(directory.path(), NOW);
    upstream.entry.restore().await;
    assert_eq!(groups(&upstream.entry.peek()), 3);
    assert_eq!(files().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_list_never_comes_to_disk() {
    let directory = tempfile::tempdir().unwrap();
    let wall = WallClock::fixed(NOW.parse().unwrap());
    let key = Key {
        upstream: "u".into(),
        shape: Shape::default(),
        account: Account::default(),
        scope: Scope::Caller([7; 32]),
        pushed: Pushed::NONE,
    };
    let disk = Disk::open(directory.path(), &[], 1 << 20, &wall);
    let stored = Arc::new(CachedSnapshot {
        snapshot: Arc::new(snapshot(&["a"])),
        counts: Counts::default(),
        as_of: wall.now(),
        at: Instant::now(),
        pages: 1,
        restored: None,
    });
    disk.keep(&key, &stored, USUAL);
    disk.close().await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
