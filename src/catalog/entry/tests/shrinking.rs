//! When a list that has become much shorter is believed.

use std::time::Duration;

use tokio::time::{Instant, advance, sleep};

use super::scripted::{SECOND, Scripted, TERMS, USUAL, groups};
use crate::catalog::lookup::{CacheMode, SourceState};
use crate::error::ErrorKind;
use crate::plan::{Freshness, ListTerms, Share};

#[tokio::test(start_paused = true)]
async fn a_list_that_has_lost_most_of_its_groups_is_held_back_until_a_second_walk_confirms_it() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(40)
        .then_groups(40)
        .kept();
    upstream.get().await;
    advance(31 * SECOND).await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    // Past its time to live it says so, and no failure is to blame.
    assert_eq!((groups(&held), held.state), (100, SourceState::Stale));
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
    assert_eq!((groups(&held), held.state), (40, SourceState::Fresh));
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
        .then_groups(11);
    upstream.get().await;
    sleep(6 * SECOND).await;
    let (first, second) = tokio::join!(upstream.ask(CacheMode::Revalidate), async {
        // Queued behind the running walk, so that it begins as soon as that has ended.
        sleep(SECOND / 2).await;
        let queued = upstream
            .entry
            .begin_or_queue(&mut upstream.entry.lock(), false)
            .0;
        queued.waiter().end(Instant::now() + 10 * SECOND).await;
        upstream.entry.peek()
    });
    assert_eq!(first.outcome.detail, Some("pending_shrink"));
    assert_eq!((groups(&first), first.state), (100, SourceState::Fresh));
    assert_eq!(
        (groups(&second), second.pending_shrink.unwrap().groups),
        (100, 11)
    );
    sleep(5 * SECOND).await;
    let held = upstream.ask(CacheMode::Revalidate).await;
    assert_eq!((groups(&held), held.pending_shrink), (11, None));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fills_up_again_is_no_confirmation_of_a_shorter_one() {
    let upstream = Scripted::usual()
        .then_groups(260)
        .then_groups(38)
        .then_groups(127)
        .then_groups(260)
        .kept();
    upstream.get().await;
    advance(31 * SECOND).await;
    upstream.get().await;
    sleep(8 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!(groups(&held), 260, "38 groups are not 127");
    assert_eq!(held.pending_shrink.unwrap().groups, 127);
    sleep(6 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.pending_shrink), (260, None));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_differs_from_the_one_held_back_waits_anew_however_early_its_walk_began() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(10)
        .then_groups(11)
        .then_groups(11)
        .then_groups(11)
        .kept();
    upstream.get().await;
    advance(31 * SECOND).await;
    let held = upstream.ask(CacheMode::Revalidate).await;
    assert_eq!(held.pending_shrink.unwrap().groups, 10);
    let since = held.pending_shrink.unwrap().since;
    // Before the moment from which a walk may confirm the 10.
    sleep(4 * SECOND).await;
    let held = upstream.ask(CacheMode::Revalidate).await;
    assert_eq!(held.pending_shrink.unwrap().groups, 11);
    for _ in 0..4 {
        sleep(SECOND).await;
        let held = upstream.get().await;
        assert_eq!(
            groups(&held),
            100,
            "both lists of 11 are of about one moment"
        );
        assert_eq!(held.pending_shrink.unwrap().since, since);
    }
    sleep(8 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.pending_shrink), (11, None));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_never_the_same_twice_is_held_back_until_the_one_before_expires() {
    let freshness = Freshness {
        ttl: 30 * SECOND,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: 30 * SECOND,
        ..USUAL
    };
    let mut upstream = Scripted::new(freshness, 1 << 20).then_groups(100);
    for turn in 0..40 {
        upstream = upstream.then_groups(10 + turn % 2);
    }
    let upstream = upstream.kept();
    upstream.get().await;
    let begun = Instant::now();
    loop {
        sleep(SECOND).await;
        let held = upstream.get().await;
        if groups(&held) != 100 {
            assert_eq!(held.pending_shrink, None);
            break;
        }
        assert!(
            begun.elapsed() < 70 * SECOND,
            "it is served longer than it may"
        );
    }
    assert!(begun.elapsed() > 50 * SECOND, "it was replaced too early");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_on_falling_apart_is_believed_once_two_walks_agree() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(40)
        .then_groups(0)
        .then_groups(0)
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
    assert_eq!((groups(&held), held.pending_shrink), (0, None));
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
    assert_eq!((groups(&held), held.state), (10, SourceState::Fresh));
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
    let terms = ListTerms {
        shrink_guard: Share::NONE,
        ..TERMS
    };
    let upstream = Scripted::on_terms(terms, 1 << 20)
        .then_groups(100)
        .then_groups(0);
    upstream.get().await;
    advance(331 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (0, SourceState::Fresh));
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
    assert_eq!((groups(&held), held.state), (100, SourceState::Stale));
    assert_eq!(held.error.unwrap().kind, ErrorKind::Connect);
    assert_eq!(held.pending_shrink.unwrap().groups, 10);
    sleep(10 * SECOND).await;
    assert_eq!(groups(&upstream.get().await), 10);
}
