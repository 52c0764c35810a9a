//! Walks that nobody asks for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scripted::{SECOND, Scripted, TERMS, USUAL, name};
use crate::catalog::lookup::SourceState;
use crate::error::ErrorKind;
use crate::plan::{Freshness, ListTerms, Refresh};

const BACKGROUND: ListTerms = ListTerms {
    refresh: Refresh::Background,
    ..TERMS
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
        assert_eq!(upstream.entry.peek().state, SourceState::Fresh);
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
    let terms = ListTerms {
        freshness,
        ..BACKGROUND
    };
    let upstream = Scripted::on_terms(terms, 1 << 20)
        .then(SECOND, Ok("a"))
        .then(60 * SECOND, Ok("b"))
        .kept();
    upstream.get().await;
    sleep(40 * SECOND).await;
    let asked = Instant::now();
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (SourceState::Stale, Some("a")));
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
    assert_eq!(upstream.entry.peek().state, SourceState::Fresh);
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
    upstream.entry.tasks.close();
    drop(upstream);
    // The walk that was under way and the task that keeps the entry fresh held it.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert!(entry.upgrade().is_none());
}
