//! How long an upstream that fails is left alone, and what is served meanwhile.

use std::time::Duration;

use tokio::time::{Instant, advance, sleep};

use super::scripted::{SECOND, Scripted, name};
use crate::catalog::lookup::{CacheMode, SourceState};
use crate::error::{ErrorKind, Fault};

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_serves_the_stale_one_until_its_time_is_over() {
    let upstream = Scripted::usual()
        .then(SECOND, Ok("a"))
        .then(SECOND, Err(ErrorKind::Connect))
        .then(SECOND, Err(ErrorKind::Connect));
    upstream.get().await;
    advance(400 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (SourceState::Stale, Some("a")));
    assert_eq!(held.error.unwrap().kind, ErrorKind::Connect);
    advance(3600 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((held.state, name(&held)), (SourceState::Failed, None));
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
    assert_eq!((held.state, name(&held)), (SourceState::Failed, None));
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
        assert_eq!((held.state, name(&held)), (SourceState::Stale, Some("a")));
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
        assert_eq!(held.state, SourceState::Failed);
        assert!(held.error.unwrap().retry_after.unwrap() <= 5 * SECOND);
    }
    assert_eq!(upstream.walks(), 1);
    advance(5 * SECOND).await;
    assert_eq!(upstream.get().await.state, SourceState::Failed);
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!(held.state, SourceState::Fresh);
    assert!(held.error.is_none());
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
        (SourceState::Failed, Some("failed"))
    );
    assert_eq!(held.error.unwrap().retry_after, Some(15 * SECOND));
    assert_eq!(upstream.walks(), 3);
    let upstream = upstream.then(SECOND, Ok("a"));
    let held = upstream.ask(CacheMode::Insist).await;
    assert_eq!((held.state, name(&held)), (SourceState::Fresh, Some("a")));
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_panics_is_a_failure_of_ours_and_nobody_waits_for_ever() {
    let held = Scripted::usual().get().await;
    assert_eq!(held.state, SourceState::Failed);
    let error = held.error.unwrap();
    assert_eq!(error.fault(), Fault::Gateway);
    assert!(error.detail.contains("the walk panicked: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_waits_behind_one_that_fails_is_not_begun_unless_somebody_insists() {
    for (mode, walks) in [(CacheMode::Revalidate, 1), (CacheMode::Insist, 2)] {
        let upstream = Scripted::usual()
            .then(8 * SECOND, Err(ErrorKind::RateLimited))
            .then(SECOND, Err(ErrorKind::RateLimited));
        let later = async {
            sleep(6 * SECOND).await;
            upstream.ask(mode).await
        };
        let (_, held) = tokio::join!(upstream.get(), later);
        assert_eq!(held.state, SourceState::Failed);
        assert_eq!(held.outcome.detail, Some("failed"));
        assert_eq!(upstream.walks(), walks);
    }
}
