//! How long connections are kept.

use rstest::rstest;
use tokio::time::{Duration, Instant};

use super::upstream::{self, adapter};
use crate::support::adapters::walked;

#[rstest]
#[case::one("")]
#[case::two("http = '2'")]
#[tokio::test]
async fn a_connection_is_used_again(#[case] key: &str) {
    let site = upstream::plain().await;
    let adapter = adapter(site.base_url(), key);
    for _ in 0..5 {
        walked(&adapter).await;
    }
    assert_eq!(site.connections(), 1);
}

#[rstest]
#[case::one("max_age = '30ms'")]
#[case::two("max_age = '30ms'\nhttp = '2'")]
#[tokio::test]
async fn a_connection_that_is_always_busy_is_replaced_when_it_is_old(#[case] keys: &str) {
    let site = upstream::plain().await;
    let adapter = adapter(site.base_url(), keys);
    let give_up = Instant::now() + Duration::from_secs(20);
    while site.connections() < 3 && Instant::now() < give_up {
        walked(&adapter).await;
    }
    assert_eq!(site.connections(), 3);
    assert!(site.requests().len() > 3, "it was used again before");
}

#[tokio::test]
async fn a_connection_that_may_not_idle_is_used_once() {
    let site = upstream::plain().await;
    let adapter = adapter(site.base_url(), "idle = '0s'");
    for _ in 0..3 {
        walked(&adapter).await;
    }
    assert_eq!(site.connections(), 3);
}
