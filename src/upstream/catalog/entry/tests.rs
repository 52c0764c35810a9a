//! What an entry serves and when it walks, over walks that a test scripts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use crate::upstream::adapter::AdapterDigest;
use crate::upstream::catalog::Scope;
use crate::upstream::snapshot::tests::group;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// What the next walks do: how long each takes, and what comes of it.
type Script = VecDeque<(Duration, Result<&'static str, ErrorKind>)>;

struct Scripted {
    entry: Arc<Entry>,
    walks: Arc<AtomicUsize>,
    script: Arc<Mutex<Script>>,
}

impl Scripted {
    fn new(freshness: Freshness, capacity: u64) -> Self {
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
                        .map(|name| {
                            let groups = vec![group("u", "1", name)];
                            (Snapshot::new("u".into(), groups), Counts::default())
                        })
                        .map_err(|kind| UpstreamError::new(kind, "scripted"))
                })
            })
        };
        let key = Key {
            upstream: "u".into(),
            adapter: AdapterDigest::default(),
            scope: Scope::Shared,
        };
        let terms = Terms {
            freshness,
            required: false,
        };
        let shelf = Arc::new(Shelf::reserved(capacity));
        let wall = WallClock::fixed("2026-11-21T09:30:00Z".parse().unwrap());
        Self {
            entry: Arc::new(Entry::new(key, terms, fetch, shelf, wall)),
            walks,
            script,
        }
    }

    fn usual() -> Self {
        Self::new(USUAL, 1 << 20)
    }

    fn then(self, takes: Duration, outcome: Result<&'static str, ErrorKind>) -> Self {
        self.script.lock().unwrap().push_back((takes, outcome));
        self
    }

    async fn ask(&self, demand: Demand) -> Held {
        self.entry.get(demand, Instant::now() + 10 * SECOND).await
    }

    async fn get(&self) -> Held {
        self.ask(Demand::Cached).await
    }

    fn walks(&self) -> usize {
        self.walks.load(Ordering::SeqCst)
    }
}

const USUAL: Freshness = Freshness {
    ttl: Duration::from_secs(30),
    stale_while_revalidate: Duration::from_mins(5),
    stale_if_error: Duration::from_hours(1),
    min_refresh: Duration::from_secs(5),
};

fn name(held: &Held) -> Option<&str> {
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
    assert_eq!(held.iter().filter(|held| !held.lookup.collapsed).count(), 1);
    assert_eq!(upstream.get().await.lookup, Lookup::HIT);
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
    assert_eq!(held.lookup.forwarded, Some("stale"));
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
    assert_eq!(held.lookup.detail, Some("deadline"));
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
        upstream
            .script
            .lock()
            .unwrap()
            .push_back((Duration::ZERO, Err(ErrorKind::Connect)));
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
        join_all((0..10).map(|_| upstream.ask(Demand::Revalidate))).await
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
    let held = upstream.ask(Demand::Revalidate).await;
    assert_eq!(name(&held), Some("a"));
    assert_eq!(held.lookup.detail, Some("min_refresh"));
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
    let room = Snapshot::new("u".into(), vec![group("u", "1", "a")]).bytes() as u64 + 10;
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
