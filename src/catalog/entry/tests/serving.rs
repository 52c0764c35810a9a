//! What an entry serves, and when it walks for it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use super::scripted::{SECOND, Scripted, USUAL, name, snapshot};
use crate::catalog::lookup::{CacheMode, CacheOutcome, SourceState};
use crate::error::ErrorKind;
use crate::plan::Freshness;

#[tokio::test(start_paused = true)]
async fn however_many_wait_one_walk_runs() {
    let upstream = Scripted::usual().then(SECOND, Ok("a"));
    let held = join_all((0..100).map(|_| upstream.get())).await;
    assert!(
        held.iter()
            .all(|held| held.state == SourceState::Fresh && name(held) == Some("a"))
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
    assert_eq!(held.state, SourceState::Pending);
    assert_eq!(upstream.get().await.state, SourceState::Fresh);
    assert_eq!(upstream.walks(), 1);
}

/// What [`crate::catalog::keep_fresh`] does as soon as a walk has ended may come before its waiters.
#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_the_list_of_the_walk_though_it_expires_at_once() {
    let nothing = Freshness {
        ttl: Duration::ZERO,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        min_refresh: Duration::ZERO,
    };
    let upstream = Scripted::new(nothing, 1 << 20).then(SECOND, Ok("a"));
    let expire = async {
        upstream.entry.changed().await;
        upstream.entry.expire();
    };
    let ((), held) = tokio::join!(expire, upstream.get());
    assert_eq!((held.state, name(&held)), (SourceState::Fresh, Some("a")));
    assert!(upstream.entry.servable().is_none());
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
        assert_eq!((held.state, name(&held)), (SourceState::Stale, Some("a")));
        assert_eq!(held.fresh_for, Duration::ZERO);
    }
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (SourceState::Fresh, Some("b")));
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
    assert_eq!((held.state, name(&held)), (SourceState::Fresh, Some("b")));
    assert_eq!(held.outcome.forwarded, Some("stale"));
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
async fn a_snapshot_that_does_not_fit_is_an_error_and_the_one_before_stays() {
    let room = snapshot(&["a"]).bytes() as u64 + 10;
    let upstream = Scripted::new(USUAL, room)
        .then(SECOND, Ok("a"))
        .then(SECOND, Ok("a name that needs more room than there is"));
    assert_eq!(upstream.get().await.state, SourceState::Fresh);
    advance(400 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (SourceState::Stale, Some("a")));
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
    assert_eq!(upstream.get().await.state, SourceState::Fresh);
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (SourceState::Fresh, Some("b")));
}
