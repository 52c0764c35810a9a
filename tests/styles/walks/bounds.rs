//! What a walk may cost at most. Reaching a bound is an error, never a shorter list.

use std::time::Duration;

use groupgate::clock::WallClock;
use groupgate::error::ErrorKind;
use groupgate::tools::demo::Options;
use rstest::rstest;
use tokio::time::Instant;

use crate::support::adapters::{GATEWAY, adapter, compile, failed, load_emulated, walked};
use crate::support::emulations::{PAGED, emulated, emulated_by, emulation};

#[rstest]
#[case::pages(("limits.pages", "4"), ("limits.pages", "6"), "limits.pages")]
#[case::groups(("limits.groups", "49"), ("limits.groups", "50"), "limits.groups")]
#[case::page_bytes(("limits.page_bytes", "1KiB"), ("limits.page_bytes", "1MiB"), "limits.page_bytes")]
#[case::walk_bytes(("limits.walk_bytes", "8KiB"), ("limits.walk_bytes", "1MiB"), "limits.walk_bytes")]
#[tokio::test]
async fn a_list_beyond_a_bound_is_an_error_that_names_it(
    #[case] narrow: (&str, &str),
    #[case] wide: (&str, &str),
    #[case] key: &str,
) {
    let emulations = emulated(50).await;
    for name in PAGED {
        let with = |bound| {
            let small_pages = [("pagination.limit", "10"), ("limits.page_bytes", "8KiB")];
            adapter(&emulations, name, &[small_pages[0], small_pages[1], bound])
        };
        let error = failed(&with(narrow)).await;
        assert_eq!(error.kind, ErrorKind::LimitExceeded, "{name}: {error}");
        assert!(error.detail.contains(key), "{name}: {error}");
        assert_eq!(walked(&with(wide)).await.groups.len(), 50, "{name}");
    }
}

#[tokio::test]
async fn more_announced_pages_than_allowed_are_not_even_asked_for() {
    let emulations = emulated(50).await;
    for name in ["publisher", "onlivesite", "tallyfy"] {
        let settings = [("pagination.limit", "10"), ("limits.pages", "4")];
        failed(&adapter(&emulations, name, &settings)).await;
        assert_eq!(emulation(&emulations, name).stats().pages, 1, "{name}");
    }
}

#[tokio::test]
async fn a_list_that_no_snapshot_could_hold_is_not_read_to_its_end() {
    let emulations = emulated(2000).await;
    for name in PAGED {
        let variables = [("GROUPGATE__CACHE__CAPACITY", "256KiB")];
        let loaded = load_emulated(GATEWAY, &emulations, &variables);
        let error = failed(&compile(&loaded, name, &WallClock::system())).await;
        assert_eq!(error.kind, ErrorKind::LimitExceeded, "{name}: {error}");
        assert!(error.detail.contains("cache.capacity"), "{name}: {error}");
        let pages = emulation(&emulations, name).stats().pages;
        assert!(pages < 10, "{name}: {pages}");
    }
}

#[tokio::test]
async fn a_walk_that_takes_too_long_is_a_timeout() {
    let emulations = emulated_by(Options {
        groups: 100,
        latency: Duration::from_millis(50),
        ..Options::default()
    })
    .await;
    for name in PAGED {
        let settings = [
            ("pagination.limit", "5"),
            ("limits.concurrency", "1"),
            ("limits.timeout", "200ms"),
            ("limits.walk", "200ms"),
        ];
        let adapter = adapter(&emulations, name, &settings);
        let start = Instant::now();
        let error = failed(&adapter).await;
        assert_eq!(error.kind, ErrorKind::Timeout, "{name}: {error}");
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(2), "{name}: {taken:?}");
    }
}
