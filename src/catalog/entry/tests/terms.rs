//! Other terms take the place of those in force: what is there stays, and serves on these.

use std::time::Duration;

use tokio::time::{advance, sleep};

use super::scripted::{SECOND, Scripted, TERMS, USUAL, name};
use crate::catalog::lookup::SourceState;
use crate::plan::{Freshness, ListTerms, Refresh};

/// The usual terms with this time to live.
fn with_ttl(seconds: u64) -> ListTerms {
    ListTerms {
        freshness: Freshness {
            ttl: Duration::from_secs(seconds),
            ..USUAL
        },
        ..TERMS
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_as_fresh_as_the_terms_in_force_say_and_nothing_is_asked_for_it() {
    let upstream = Scripted::usual().then(SECOND, Ok("a"));
    upstream.get().await;
    advance(31 * SECOND).await;
    let state = || upstream.entry.peek().state;
    assert_eq!(state(), SourceState::Stale);
    upstream.entry.go_by(with_ttl(3600));
    assert_eq!(state(), SourceState::Fresh);
    assert_eq!(name(&upstream.get().await), Some("a"));
    upstream.entry.go_by(with_ttl(20));
    assert_eq!(state(), SourceState::Stale);
    assert_eq!(upstream.walks(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_next_walk_is_due_and_when_a_list_is_let_go_of_follow_the_terms() {
    let upstream = Scripted::new(with_ttl(36_000).freshness, 1 << 20)
        .then(SECOND, Ok("a"))
        .then(SECOND, Ok("b"))
        .kept();
    upstream.get().await;
    sleep(100 * SECOND).await;
    // Somebody waits for the far end of the list already.
    upstream.entry.go_by(ListTerms {
        refresh: Refresh::Background,
        ..with_ttl(200)
    });
    sleep(100 * SECOND).await;
    assert_eq!(name(&upstream.entry.peek()), Some("b"));
    let at_once = Freshness {
        ttl: SECOND,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        ..USUAL
    };
    upstream.entry.go_by(ListTerms {
        freshness: at_once,
        ..TERMS
    });
    sleep(SECOND).await;
    assert_eq!(upstream.entry.peek().state, SourceState::Pending);
    assert_eq!(upstream.walks(), 2);
}
