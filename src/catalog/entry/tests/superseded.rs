//! What becomes of an entry whose settings are no longer in force.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scripted::{SECOND, Scripted, name};
use crate::catalog::lookup::{CacheMode, SourceState};
use crate::error::ErrorKind;

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_walk_that_ends_with_its_settings_is_told_at_once() {
    let upstream = Scripted::usual().then(60 * SECOND, Ok("a"));
    let begun = Instant::now();
    let retire = async {
        sleep(SECOND).await;
        upstream.entry.retire(false);
    };
    let (waited, queued, ()) =
        tokio::join!(upstream.get(), upstream.ask(CacheMode::Revalidate), retire);
    assert_eq!(begun.elapsed(), SECOND);
    for held in [waited, queued] {
        assert_eq!(held.state, SourceState::Pending);
        assert_eq!(held.outcome.detail, Some("reloaded"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_it_had_still_serves_those_who_ask_it_and_nothing_is_walked_again() {
    let upstream = Scripted::usual().then(SECOND, Ok("a"));
    upstream.get().await;
    upstream.entry.retire(false);
    assert!(
        upstream
            .entry
            .resources
            .store
            .get(upstream.entry.key())
            .is_none()
    );
    sleep(60 * SECOND).await;
    for mode in [CacheMode::Cached, CacheMode::Revalidate, CacheMode::Insist] {
        let held = upstream.ask(mode).await;
        assert_eq!((held.state, name(&held)), (SourceState::Stale, Some("a")));
    }
    upstream.entry.warm();
    upstream.entry.renew();
    assert_eq!(upstream.walks(), 1);
    assert_eq!(upstream.entry.due(0.0), None);
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_ends_late_changes_nothing() {
    let upstream = Scripted::usual().then(10 * SECOND, Err(ErrorKind::Unauthorized));
    let next = upstream.successor().then(SECOND, Ok("b"));
    let asks = upstream.get();
    let goes_on = async {
        sleep(SECOND).await;
        upstream.entry.retire(true);
        next.get().await
    };
    let (_, held) = tokio::join!(asks, goes_on);
    assert_eq!(name(&held), Some("b"));
    sleep(20 * SECOND).await;
    let held = next.entry.peek();
    assert_eq!((held.state, name(&held)), (SourceState::Fresh, Some("b")));
}

#[tokio::test(start_paused = true)]
async fn the_list_of_the_settings_before_is_stale_until_a_walk_of_the_present_ones_ends() {
    let upstream = Scripted::usual().then(SECOND, Ok("a"));
    let before = upstream.get().await;
    assert_eq!(before.state, SourceState::Fresh);
    sleep(Duration::from_millis(1)).await;
    let next = upstream.successor().then(SECOND, Ok("a"));
    upstream.entry.retire(true);
    next.entry.warm();
    let held = next.get().await;
    assert_eq!((held.state, name(&held)), (SourceState::Stale, Some("a")));
    sleep(2 * SECOND).await;
    let held = next.get().await;
    assert_eq!(held.state, SourceState::Fresh);
    let same = Arc::ptr_eq(&before.snapshot.unwrap(), &held.snapshot.unwrap());
    assert!(same, "the same content keeps the same memory");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_walk_that_cannot_begin_any_more() {
    let upstream = Scripted::usual();
    // A query may make an entry for an upstream that is retired at the same moment.
    upstream.entry.tasks.close();
    let begun = Instant::now();
    let held = upstream.get().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(
        (held.state, held.outcome.detail),
        (SourceState::Pending, Some("reloaded"))
    );
}
