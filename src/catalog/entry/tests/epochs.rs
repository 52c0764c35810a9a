//! The epoch moves with everything that an entry shows.

use tokio::time::{advance, sleep};

use super::scripted::{NOW, SECOND, Scripted, USUAL};
use crate::catalog::lookup::SourceState;
use crate::error::ErrorKind;

impl Scripted {
    fn epoch(&self) -> u64 {
        self.entry.resources.epoch.current()
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_change_moves_the_epoch_and_nothing_else_does() {
    let upstream = Scripted::usual()
        .then_groups(100)
        .then_groups(10)
        .then(SECOND, Err(ErrorKind::CircuitOpen))
        .then(SECOND, Err(ErrorKind::Unauthorized));
    let mut before = upstream.epoch();
    let mut has_moved = || {
        let now = upstream.epoch();
        std::mem::replace(&mut before, now) != now
    };
    upstream.get().await;
    assert!(has_moved(), "a new snapshot");
    for _ in 0..10 {
        upstream.get().await;
        upstream.entry.peek();
    }
    assert!(!has_moved(), "nothing but questions");
    advance(31 * SECOND).await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    assert!(upstream.entry.peek().pending_shrink.is_some());
    assert!(has_moved(), "a list that is held back");
    advance(5 * SECOND).await;
    upstream.get().await;
    sleep(2 * SECOND).await;
    let held = upstream.entry.peek();
    assert_eq!(held.error.unwrap().kind, ErrorKind::CircuitOpen);
    assert!(
        has_moved(),
        "a failure, for which the upstream is left alone"
    );
    let rest = held.changes_in.unwrap();
    assert_eq!(
        held.changes_in,
        upstream.entry.peek().error.unwrap().retry_after
    );
    advance(rest).await;
    assert!(!has_moved(), "time alone, which `changes_in` tells of");
    upstream.get().await;
    sleep(2 * SECOND).await;
    assert_eq!(upstream.entry.peek().state, SourceState::Failed);
    assert!(has_moved(), "an eviction");
    upstream.entry.forget();
    assert!(has_moved(), "an eviction that a query brought about");
    upstream.entry.retire(false);
    assert!(has_moved(), "other settings");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_comes_from_disk_moves_the_epoch() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Scripted::on_disk(directory.path(), NOW).then_groups(3);
    upstream.get().await;
    upstream.stop().await;
    let upstream = Scripted::on_disk(directory.path(), NOW);
    let before = upstream.epoch();
    upstream.entry.load().await;
    assert_ne!(upstream.epoch(), before);
    assert_eq!(upstream.entry.peek().fresh_for, USUAL.ttl);
}
