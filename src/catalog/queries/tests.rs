//! Entries that come, are evicted and are asked again, over an upstream that nobody answers for.

use jiff::Timestamp;

use std::time::Duration;

use super::*;
use crate::app;
use crate::caller::Caller;
use crate::catalog::store::Store;
use crate::catalog::store::tests::stored;
use crate::catalog::{Catalog, Scope};
use crate::clock::WallClock;
use crate::config::testing::load_block;
use crate::error::ErrorKind;
use crate::observe::Observers;
use crate::plan::{Cache, Refresh};
use crate::problem::Problems;
use crate::tls::Tls;

/// An upstream that nobody answers for, asked by the search alone.
fn adapter() -> Arc<Adapter> {
    adapter_at("http://127.0.0.1:1")
}

fn adapter_at(base_url: &str) -> Arc<Adapter> {
    adapter_of(&BLOCK.replace("http://club.example", base_url))
}

fn adapter_of(block: &str) -> Arc<Adapter> {
    let loaded = load_block("club", block, &[]);
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(adapter.unwrap())
}

const BLOCK: &str = "
        base_url = 'http://club.example'
        list = 'by_query'
        request = { path = '/teams', query = { q = '{search}' } }
        records = '/'
        limits = { concurrency = 2, retries = 0 }
        pushdown.search = { matches = 'contains', in = ['name'], case = 'folded' }
        fields = { id = 'id', name = 'name' }
        ";

fn catalog() -> Catalog {
    catalog_of("http://127.0.0.1:1")
}

fn catalog_of(base_url: &str) -> Catalog {
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    let cache = Cache {
        capacity: 1024 * 1024,
        directory: None,
    };
    Catalog::new(
        vec![adapter_at(base_url)],
        &cache,
        &wall,
        Observers::default(),
    )
}

fn searching(text: &str) -> Conditions<'_> {
    Conditions {
        search: Some(text),
        ..Conditions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn entries_stay_within_their_budget_however_many_queries_come() {
    let catalog = catalog();
    let upstream = catalog.upstream("club").unwrap();
    let queries = upstream.queries.as_ref().unwrap();
    for turn in 0..2000 {
        let text = format!("a text of some length, and then a number: {turn}");
        queries
            .find(
                Asker::default(),
                &searching(&text),
                CacheMode::Cached,
                Instant::now(),
            )
            .await;
    }
    let budget = queries.resources.store.capacity() / ENTRIES_SHARE;
    let entries = queries.entries.get();
    entries.cache.run_pending_tasks();
    assert!(entries.cache.weighted_size() <= budget);
    let kept = entries.cache.entry_count();
    assert!((5..100).contains(&kept), "{kept} entries in {budget} bytes");
}

/// An upstream that takes requests and never answers.
async fn silent() -> (tokio::net::TcpListener, Catalog) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    (listener, catalog_of(&base_url))
}

#[tokio::test]
async fn a_query_whose_entry_is_evicted_while_its_walk_runs_joins_that_walk() {
    let (_listener, catalog) = silent().await;
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let queries = upstream.queries.as_ref().unwrap();
    let conditions = searching("sales");
    let find = |deadline| queries.find(Asker::default(), &conditions, CacheMode::Cached, deadline);
    find(Instant::now() + Duration::from_millis(1)).await;
    let pushed = queries.adapter.rules().unwrap().push(&conditions);
    let before = queries.underway.get(&pushed).expect("its walk runs");
    queries.entries.get().cache.invalidate_all();
    queries.entries.get().cache.run_pending_tasks();
    let found = find(Instant::now()).await;
    assert!(found.outcome.collapsed, "it walks again: {found:?}");
    let now = queries.entries.get().cache.get(&pushed).unwrap();
    assert!(Arc::ptr_eq(&before, &now));
    assert_eq!(queries.underway.all().len(), 1);
}

#[tokio::test]
async fn whoever_waits_for_a_query_whose_entry_is_evicted_is_told_when_the_settings_change() {
    let (_listener, catalog) = silent().await;
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let queries = upstream.queries.as_ref().unwrap();
    let conditions = searching("sales");
    let never = Instant::now() + Duration::from_hours(1);
    let waits = queries.find(Asker::default(), &conditions, CacheMode::Cached, never);
    let pushed = queries.adapter.rules().unwrap().push(&conditions);
    let ends = async {
        while queries.underway.get(&pushed).is_none() {
            tokio::task::yield_now().await;
        }
        queries.entries.get().cache.invalidate_all();
        queries.entries.get().cache.run_pending_tasks();
        upstream.retire(false);
    };
    let (found, ()) = tokio::join!(waits, ends);
    assert_eq!(found.outcome.detail, Some("reloaded"));
}

#[tokio::test(start_paused = true)]
async fn other_terms_reach_the_results_that_are_there() {
    let catalog = catalog();
    let upstream = catalog.upstream("club").unwrap();
    let queries = upstream.queries.as_ref().unwrap();
    let conditions = searching("sales");
    let found = queries.find(
        Asker::default(),
        &conditions,
        CacheMode::Cached,
        Instant::now(),
    );
    assert!(!found.await.required);
    let required = adapter_of(&format!(
        "required = true\nrefresh = 'background'\n{}",
        BLOCK.replace("http://club.example", "http://127.0.0.1:1")
    ));
    assert!(upstream.is_of(&required));
    upstream.go_by(&required);
    let pushed = required.rules().unwrap().push(&conditions);
    let entry = queries.entries.get().cache.get(&pushed).unwrap();
    assert!(entry.peek().required && upstream.required());
    // Nobody may ask the same again, whatever is said of whole lists.
    assert_eq!(entry.policy().terms().refresh, Refresh::OnDemand);
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_cannot_be_pushed_down_walks_the_whole_list() {
    let catalog = catalog();
    catalog.start(None);
    let whole = |catalog: &Catalog| catalog.running_walk("club", &Scope::Shared).is_some();
    assert!(!whole(&catalog), "it is not walked at start");
    let find = async |text: &'static str| {
        let conditions = searching(text);
        let (now, caller) = (Instant::now(), Caller::default());
        let found = catalog.find("club", &caller, &conditions, CacheMode::Cached, now);
        found.await.unwrap().state
    };
    find("sales").await;
    assert!(!whole(&catalog));
    find("two  spaces").await;
    assert!(whole(&catalog));
}

#[test]
fn a_store_for_queries_evicts_the_least_recently_used_and_refuses_what_never_fits() {
    let key = |text: &str| CatalogKey {
        upstream: "u".into(),
        shape: crate::plan::Shape::default(),
        account: crate::plan::Account::default(),
        scope: Scope::Shared,
        filters: adapter().rules().unwrap().push(&searching(text)),
    };
    let store = Store::evicting(16 * 1024);
    for turn in 0..100 {
        store.put(&key(&turn.to_string()), stored("x")).unwrap();
    }
    assert!(store.get(&key("99")).is_some());
    assert!(store.get(&key("0")).is_none());
    let large = store.put(&key("large"), stored(&"x".repeat(20 * 1024)));
    assert_eq!(large.unwrap_err().kind, ErrorKind::LimitExceeded);
    store.clear();
    assert!(store.get(&key("99")).is_none());
}
