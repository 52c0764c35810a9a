//! What observers are told of an entry, and what is remembered of its walks.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;

use super::scripted::{NOW, SECOND, Scripted, TERMS};
use crate::catalog::lookup::CacheMode;
use crate::catalog::policy::EntryPolicy;
use crate::catalog::resources::CatalogResources;
use crate::clock::WallClock;
use crate::error::ErrorKind;
use crate::observe::Observers;
use crate::observe::testing::Told;

fn observed() -> (Told, Scripted) {
    let told = Told::default();
    let observers = Observers::from(Arc::new(told.clone()));
    let wall = WallClock::fixed(NOW.parse().unwrap());
    let resources = CatalogResources::new(1 << 20, None, &wall).with_observers(observers);
    (
        told,
        Scripted::over(EntryPolicy::new(TERMS), Arc::new(resources)),
    )
}

#[tokio::test(start_paused = true)]
async fn who_waits_and_who_joins_is_told_and_what_becomes_of_the_walk() {
    let (told, upstream) = observed();
    let upstream = upstream.then(SECOND, Ok("a"));
    join_all((0..2).map(|_| upstream.get())).await;
    upstream.get().await;
    assert_eq!(
        told.lines(),
        [
            "ListAskedFor { outcome: \"miss\", collapsed: false }",
            "ListAskedFor { outcome: \"miss\", collapsed: true }",
            "WalkSettled { outcome: Replaced { ended_by: NoNext, groups: 1, skipped: 0, differing: 0 }, elapsed: 1s }",
            "ListAskedFor { outcome: \"hit\", collapsed: false }",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_with_nothing_to_serve_is_no_hit() {
    let (told, upstream) = observed();
    let upstream = upstream.then(SECOND, Err(ErrorKind::Dns));
    upstream.get().await;
    // It is left alone for a while.
    assert!(upstream.get().await.snapshot.is_none());
    let last = told.lines().pop().unwrap();
    assert_eq!(last, "ListAskedFor { outcome: \"none\", collapsed: false }");
}

#[tokio::test(start_paused = true)]
async fn walks_that_a_reload_ends_are_told_of_and_those_that_never_begin() {
    let (told, upstream) = observed();
    let upstream = upstream
        .then(10 * SECOND, Err(ErrorKind::Dns))
        .then(SECOND, Ok("a"));
    // It would begin after the first, and does not after a failure.
    let later = async {
        tokio::time::sleep(6 * SECOND).await;
        upstream.ask(CacheMode::Revalidate).await
    };
    tokio::join!(upstream.get(), later);
    tokio::time::advance(10 * SECOND).await;
    let retire = async {
        tokio::time::sleep(SECOND / 2).await;
        upstream.entry.retire(false);
    };
    tokio::join!(upstream.ask(CacheMode::Insist), retire);
    let settled = told.lines().into_iter();
    let settled = settled.filter(|line| line.starts_with("WalkSettled"));
    let settled: Vec<_> = settled.collect();
    let [failed, given_up, superseded] = &settled[..] else {
        panic!("{settled:#?}");
    };
    assert!(failed.contains("Failed("), "{failed}");
    assert_eq!(given_up, "WalkSettled { outcome: GivenUp, elapsed: 0ns }");
    let expected = "WalkSettled { outcome: Superseded, elapsed: 500ms }";
    assert_eq!(superseded, expected);
}

#[tokio::test(start_paused = true)]
async fn the_last_walks_are_remembered_the_latest_first_whatever_became_of_them() {
    let (_, upstream) = observed();
    upstream.step(SECOND, Err(ErrorKind::Dns));
    for groups in [60, 60, 60, 60, 1] {
        let names = (0..groups).map(|number| number.to_string()).collect();
        upstream.step(SECOND, Ok(names));
    }
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        upstream.ask(CacheMode::Insist).await;
        tokio::time::advance(10 * SECOND).await;
        let walks = serde_json::to_value(upstream.entry.history().walks()).unwrap();
        let walks = walks.as_array().unwrap().clone();
        let latest = &walks[0];
        outcomes.push(json!([
            latest["outcome"],
            latest["groups"],
            latest["seconds"],
            walks.len()
        ]));
    }
    let expected = [
        json!(["failed", null, 1.0, 1]),
        json!(["replaced", 60, 1.0, 2]),
        json!(["replaced", 60, 1.0, 3]),
        json!(["replaced", 60, 1.0, 4]),
        json!(["replaced", 60, 1.0, 5]),
        json!(["pending_shrink", 1, 1.0, 5]),
    ];
    assert_eq!(outcomes, expected);
}
