//! Walks that wait for their turn: they begin when it comes, not when they are asked for.

use tokio::time::{Instant, sleep};

use super::scripted::{NOW, SECOND, Scripted, TERMS, TURN, name};
use crate::catalog::lookup::{CacheMode, SourceState};
use crate::catalog::policy::EntryPolicy;

fn taking_turns() -> Scripted {
    let policy = EntryPolicy::new(TERMS).for_queries();
    Scripted::in_place(policy, 1 << 20, None, NOW)
}

#[tokio::test(start_paused = true)]
async fn whoever_demands_a_new_list_waits_for_a_walk_that_waits_for_its_turn() {
    let upstream = taking_turns().then(SECOND, Ok("a"));
    let (first, second) = tokio::join!(upstream.entry.get(CacheMode::Cached, later()), async {
        sleep(TURN / 2).await;
        upstream.entry.get(CacheMode::Revalidate, later()).await
    });
    assert_eq!((name(&first), name(&second)), (Some("a"), Some("a")));
    assert_eq!(upstream.walks(), 1, "it had not begun when the second came");
    assert_eq!(second.state, SourceState::Fresh);
    assert!(second.outcome.collapsed);
}

#[tokio::test(start_paused = true)]
async fn whoever_demands_a_new_list_after_the_turn_came_waits_for_the_walk_after_it() {
    let upstream = taking_turns()
        .then(10 * SECOND, Ok("a"))
        .then(SECOND, Ok("b"));
    let (first, second) = tokio::join!(upstream.entry.get(CacheMode::Cached, later()), async {
        // Longer ago than `min_refresh`.
        sleep(TURN + 6 * SECOND).await;
        upstream.entry.get(CacheMode::Revalidate, later()).await
    });
    assert_eq!((name(&first), name(&second)), (Some("a"), Some("b")));
    assert_eq!(upstream.walks(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_least_time_between_walks_counts_from_when_the_turn_came() {
    let upstream = taking_turns().then(SECOND, Ok("a")).then(SECOND, Ok("b"));
    upstream.entry.get(CacheMode::Cached, later()).await;
    // Two seconds after it began, a minute after it was asked for.
    sleep(SECOND).await;
    let held = upstream.entry.get(CacheMode::Revalidate, later()).await;
    assert_eq!(held.outcome.detail, Some("min_refresh"));
    sleep(4 * SECOND).await;
    let held = upstream.entry.get(CacheMode::Revalidate, later()).await;
    assert_eq!(name(&held), Some("b"));
}

fn later() -> Instant {
    Instant::now() + 10 * TURN
}
