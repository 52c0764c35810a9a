//! What is on disk after a restart, and how long it serves.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use tokio::time::{Instant, advance, sleep};

use super::scripted::{NOW, SECOND, Scripted, USUAL, groups, key, snapshot};
use crate::catalog::cached::{CachedSnapshot, Upkeep};
use crate::catalog::keep_fresh::keep_fresh;
use crate::catalog::key::{CatalogKey, Scope};
use crate::catalog::lookup::SourceState;
use crate::catalog::tier::Tier;
use crate::clock::WallClock;
use crate::error::ErrorKind;
use crate::snapshot::Counts;

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
    upstream.entry.load().await;
    upstream.entry.warm();
    let asked = Instant::now();
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (100, SourceState::Stale));
    assert_eq!(held.as_of, Some(NOW.parse().unwrap()));
    assert!(!held.walked);
    assert_eq!(asked.elapsed(), Duration::ZERO);
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (100, SourceState::Stale));
    assert!(held.walked && held.error.is_some());
    sleep(5 * SECOND).await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (101, SourceState::Fresh));
}

#[rstest]
#[case::still_fresh("2026-11-21T09:30:29Z", SourceState::Fresh)]
#[case::no_longer_fresh("2026-11-21T09:30:30Z", SourceState::Stale)]
#[case::just_not_too_old("2026-11-21T10:30:29Z", SourceState::Stale)]
#[case::too_old("2026-11-21T10:30:30Z", SourceState::Pending)]
#[case::of_the_future("2026-11-21T09:29:59Z", SourceState::Stale)]
#[tokio::test(start_paused = true)]
async fn a_list_on_disk_is_as_fresh_as_the_end_of_its_walk_says(
    #[case] now: &str,
    #[case] state: SourceState,
) {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), now);
    upstream.entry.load().await;
    let held = upstream.entry.peek();
    assert_eq!(held.state, state);
    assert_eq!(
        groups(&held),
        if state == SourceState::Pending {
            0
        } else {
            100
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_from_disk_expires_while_the_upstream_goes_on_failing() {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), "2026-11-21T10:20:00Z")
        .then(Duration::ZERO, Err(ErrorKind::Connect))
        .then(Duration::ZERO, Err(ErrorKind::Connect));
    upstream.entry.load().await;
    upstream.entry.warm();
    sleep(600 * SECOND).await;
    assert_eq!(groups(&upstream.get().await), 100);
    advance(31 * SECOND).await;
    let held = upstream.get().await;
    assert_eq!((groups(&held), held.state), (0, SourceState::Failed));
}

#[tokio::test(start_paused = true)]
async fn the_first_walk_after_a_restart_is_held_against_the_list_from_before() {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), NOW).then_groups(1);
    upstream.entry.load().await;
    upstream.entry.warm();
    sleep(2 * SECOND).await;
    let held = upstream.entry.peek();
    // It is as fresh as its own walk says.
    assert_eq!((groups(&held), held.state), (100, SourceState::Fresh));
    assert_eq!(held.pending_shrink.unwrap().groups, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_refused_credential_showed_is_also_gone_from_disk() {
    let directory = kept_before().await;
    let upstream =
        Scripted::on_disk(directory.path(), NOW).then(SECOND, Err(ErrorKind::Unauthorized));
    upstream.entry.load().await;
    upstream.entry.warm();
    sleep(2 * SECOND).await;
    assert_eq!(groups(&upstream.entry.peek()), 0);
    upstream.stop().await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_about_to_be_removed_from_disk_is_not_read_again() {
    let directory = kept_before().await;
    let upstream = Scripted::on_disk(directory.path(), NOW);
    upstream.entry.load().await;
    assert_eq!(groups(&upstream.entry.peek()), 100);
    upstream.entry.forget();
    // The writer has had no turn yet, so the file is there.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    upstream.entry.load().await;
    assert_eq!(groups(&upstream.entry.peek()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_may_be_served_no_more_leaves_its_room_to_others() {
    let upstream = Scripted::new(USUAL, 1 << 20).then_groups(100);
    assert_eq!(groups(&upstream.get().await), 100);
    let keeper = tokio::spawn(keep_fresh(Arc::clone(&upstream.entry)));
    sleep(3629 * SECOND).await;
    assert_eq!(groups(&upstream.entry.peek()), 100);
    sleep(2 * SECOND).await;
    assert_eq!(upstream.entry.peek().snapshot.map(|list| list.len()), None);
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_is_ignored_and_replaced() {
    let directory = kept_before().await;
    let files = || std::fs::read_dir(directory.path()).unwrap();
    let path = files().next().unwrap().unwrap().path();
    std::fs::write(&path, "groupgate snapshot 1\n").unwrap();
    let upstream = Scripted::on_disk(directory.path(), NOW).then_groups(3);
    upstream.entry.load().await;
    assert_eq!(upstream.entry.peek().state, SourceState::Pending);
    assert_eq!(groups(&upstream.get().await), 3);
    upstream.stop().await;
    let upstream = Scripted::on_disk(directory.path(), NOW);
    upstream.entry.load().await;
    assert_eq!(groups(&upstream.entry.peek()), 3);
    assert_eq!(files().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_list_never_comes_to_disk() {
    let directory = tempfile::tempdir().unwrap();
    let wall = WallClock::fixed(NOW.parse().unwrap());
    let key = CatalogKey {
        scope: Scope::Caller([7; 32]),
        ..key()
    };
    let tier = Tier::open(Some(directory.path()), &wall);
    let cached = Arc::new(CachedSnapshot {
        snapshot: Arc::new(snapshot(&["a"])),
        counts: Counts::default(),
        as_of: wall.now(),
        walked_at: wall.now(),
        pages: 1,
        upkeep: Upkeep::default(),
        known_pages: None,
        marks: None,
        is_of_another_shape: false,
        ended_by: None,
        got_at: Instant::now(),
        age_then: Duration::ZERO,
    });
    tier.save(&key, &cached, USUAL);
    tier.close().await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
