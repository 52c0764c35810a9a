//! Scopes that come, give way to others and are asked again.

use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::app;
use crate::caller::{Credentials, Identity, Verified, VisibleSources};
use crate::catalog::upstream::UpstreamRuntime;
use crate::catalog::{Catalog, SourceState};
use crate::clock::WallClock;
use crate::config::testing::load_block;
use crate::observe::Observers;
use crate::plan::Cache;
use crate::problem::Problems;
use crate::tls::Tls;

/// How often it was asked.
type Asked = Arc<AtomicUsize>;

/// An upstream that answers so many requests, and then takes more and never answers.
async fn upstream(answers: usize) -> (String, Asked) {
    upstream_by(move |number| (number < answers).then(|| list_of(1, number))).await
}

/// An upstream that answers each request by its number. `None`: it never does.
async fn upstream_by(
    answer: impl Fn(usize) -> Option<Response<Full<Bytes>>> + Clone + Send + 'static,
) -> (String, Asked) {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Asked::default();
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let (count, answer) = (Arc::clone(&count), answer.clone());
            let list = service_fn(move |_: Request<Incoming>| {
                let answer = answer(count.fetch_add(1, Ordering::SeqCst));
                async move {
                    match answer {
                        Some(answer) => Ok::<_, Infallible>(answer),
                        None => std::future::pending().await,
                    }
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), list));
        }
    });
    (format!("http://{address}"), asked)
}

/// A list of so many groups, as the request of this number finds it.
fn list_of(groups: usize, number: usize) -> Response<Full<Bytes>> {
    let group = |id| json!({ "id": id, "name": format!("v{number}") });
    let list: Vec<_> = (1..=groups).map(group).collect();
    Response::new(Bytes::from(Value::from(list).to_string()).into())
}

fn catalog(base_url: &str, keys: &str) -> Catalog {
    let block = format!(
        "base_url = '{base_url}'
        request = {{ path = '/' }}
        records = '/'
        limits = {{ retries = 0 }}
        min_refresh = '0s'
        ttl = '1h'
        auth = {{ type = 'forward', headers = ['authorization'] }}
        fields = {{ id = 'id', name = 'name' }}
        {keys}
        "
    );
    let loaded = load_block("club", &block, &[]);
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let cache = Cache {
        capacity: 16 << 20,
        directory: None,
    };
    let adapters = vec![Arc::new(adapter.unwrap())];
    Catalog::new(adapters, &cache, &wall, Observers::default())
}

fn caller(number: u8) -> Caller {
    let value = format!("Bearer key-{number}").parse().unwrap();
    Caller {
        identity: Identity::Authenticated([number; 32]),
        credentials: Credentials::of(Verified {
            id: number.to_string(),
            claims: Value::Null,
            token: None,
            forwarded: HeaderMap::from_iter([(AUTHORIZATION, value)]),
        }),
        ..Caller::default()
    }
}

fn scopes(upstream: &UpstreamRuntime) -> &Scopes {
    upstream.scopes.as_ref().unwrap()
}

const IN_TIME: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_scope_that_is_read_for_the_first_time_is_one_however_many_ask() {
    let (base_url, asked) = upstream(0).await;
    let catalog = catalog(&base_url, "");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, alice) = (scopes(&upstream), caller(1));
    let find = |deadline| scopes.get(&alice, CacheMode::Cached, deadline);
    find(Instant::now() + Duration::from_millis(1)).await;
    let found = find(Instant::now()).await;
    assert!(found.outcome.collapsed, "it walks again: {found:?}");
    assert_eq!(scopes.underway.all().len(), 1);
    // Nothing that is kept for others has given way to it.
    assert_eq!(scopes.standing().entries, 0);
    while asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_scope_whose_entry_gives_way_while_its_walk_runs_joins_that_walk() {
    let (base_url, asked) = upstream(1).await;
    let catalog = catalog(&base_url, "");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, alice) = (scopes(&upstream), caller(1));
    let digest = scopes.digest(&alice).unwrap();
    let listed = scopes.get(&alice, CacheMode::Cached, Instant::now() + IN_TIME);
    assert!(listed.await.snapshot.is_some());
    let find = |mode, deadline| scopes.get(&alice, mode, deadline);
    let soon = Instant::now() + Duration::from_millis(1);
    find(CacheMode::Insist, soon).await;
    let before = scopes.present(&digest).expect("its walk runs");
    scopes.entries.clear();
    let found = find(CacheMode::Cached, Instant::now()).await;
    assert!(found.snapshot.is_none(), "a list that gave way is gone");
    assert!(found.outcome.collapsed, "it walks again: {found:?}");
    assert!(Arc::ptr_eq(&before, &scopes.present(&digest).unwrap()));
    while asked.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn whoever_waits_for_a_scope_whose_entry_gave_way_is_told_when_the_settings_change() {
    let (base_url, asked) = upstream(1).await;
    let catalog = catalog(&base_url, "");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, alice) = (scopes(&upstream), caller(1));
    let never = Instant::now() + Duration::from_hours(1);
    scopes.get(&alice, CacheMode::Cached, never).await;
    let waits = scopes.get(&alice, CacheMode::Insist, never);
    let ends = async {
        while asked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        scopes.entries.clear();
        upstream.retire(false);
    };
    let (found, ()) = tokio::join!(waits, ends);
    assert_eq!(found.outcome.detail, Some("reloaded"));
    // Nothing is begun any more, for whomever.
    let found = scopes.get(&caller(2), CacheMode::Cached, never).await;
    assert_eq!(found.outcome.detail, Some("reloaded"));
}

#[tokio::test]
async fn a_scope_never_has_the_epoch_again_that_it_had_before_it_gave_way() {
    let (base_url, _) = upstream(usize::MAX).await;
    let catalog = catalog(&base_url, "scopes = 1");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, [alice, bob]) = (scopes(&upstream), [caller(1), caller(2)]);
    let digest = scopes.digest(&alice).unwrap();
    let mut epochs = vec![scopes.epoch(&digest)];
    for _ in 0..3 {
        for asks in [&alice, &bob] {
            let found = scopes.get(asks, CacheMode::Cached, Instant::now() + IN_TIME);
            assert!(found.await.snapshot.is_some());
            epochs.push(scopes.epoch(&digest));
        }
        assert_eq!(scopes.peek_for(&alice).state, SourceState::Pending);
    }
    let mut different = epochs.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), epochs.len(), "{epochs:?}");
}

#[tokio::test]
async fn what_nobody_asks_for_goes_by_itself() {
    let (base_url, _) = upstream(usize::MAX).await;
    let catalog = catalog(&base_url, "");
    catalog.start(None);
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, alice) = (scopes(&upstream), caller(1));
    let found = scopes.get(&alice, CacheMode::Cached, Instant::now() + IN_TIME);
    assert!(found.await.snapshot.is_some());
    tokio::time::pause();
    let digest = scopes.digest(&alice).unwrap();
    let after = async |minutes| {
        for _ in 0..minutes {
            tokio::time::advance(Duration::from_mins(1)).await;
            tokio::task::yield_now().await;
        }
    };
    after(50).await;
    // It is in use.
    scopes.epoch(&digest);
    after(50).await;
    assert!(scopes.peek_for(&alice).snapshot.is_some());
    after(62).await;
    let standing = scopes.standing();
    assert_eq!((standing.entries, standing.bytes), (0, 0), "{standing:?}");
}

#[tokio::test]
async fn an_entry_that_gave_way_keeps_what_is_read_for_whoever_asks_again_and_nothing_else() {
    let (base_url, asked) = upstream(usize::MAX).await;
    let catalog = catalog(&base_url, "");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, alice) = (scopes(&upstream), caller(1));
    let digest = scopes.digest(&alice).unwrap();
    let find = |mode, deadline| scopes.get(&alice, mode, deadline);
    let is_listed = || scopes.peek_for(&alice).snapshot.is_some();
    find(CacheMode::Cached, Instant::now() + IN_TIME).await;
    // It gives way while it is read again.
    find(CacheMode::Insist, Instant::now()).await;
    assert_eq!(scopes.underway.all().len(), 1);
    scopes.entries.clear();
    while scopes.last_walks().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(!is_listed() && scopes.standing().entries == 0);
    // And while somebody holds it.
    find(CacheMode::Cached, Instant::now() + IN_TIME).await;
    let held = scopes.present(&digest).unwrap();
    scopes.entries.clear();
    assert!(!is_listed());
    find(CacheMode::Cached, Instant::now() + IN_TIME).await;
    drop(held);
    assert!(is_listed() && scopes.standing().entries == 1);
}

#[tokio::test]
async fn the_list_of_a_ready_answer_is_in_use_and_another_goes_for_a_new_one() {
    let (base_url, _) = upstream_by(|number| Some(list_of(1000, number))).await;
    let catalog = catalog(&base_url, "");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, [alice, bob, carl]) = (scopes(&upstream), [1, 2, 3].map(caller));
    let read = async |caller: &Caller| {
        let found = scopes.get(caller, CacheMode::Cached, Instant::now() + IN_TIME);
        assert!(found.await.snapshot.is_some());
    };
    let is_listed = |caller: &Caller| scopes.peek_for(caller).snapshot.is_some();
    read(&alice).await;
    let one = scopes.resources.store.bytes();
    // Room for two lists and a half.
    scopes.resize(one * 3);
    read(&bob).await;
    scopes.epoch(&scopes.digest(&alice).unwrap());
    read(&carl).await;
    assert!(scopes.resources.store.bytes() <= one * 5 / 2);
    assert!(is_listed(&carl) && !is_listed(&bob));
    assert!(is_listed(&alice), "it was in use");
}

#[tokio::test]
async fn lists_and_their_entries_share_what_there_is_anew() {
    let (base_url, _) = upstream(usize::MAX).await;
    let catalog = catalog(&base_url, "");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let scopes = scopes(&upstream);
    let room = || {
        let (_, of_entries, _) = scopes.entries.standing();
        (scopes.resources.store.capacity(), of_entries)
    };
    let (of_lists, of_entries) = room();
    scopes.resize(u64::midpoint(of_lists, of_entries));
    let (less, less_of_entries) = room();
    assert!(less <= of_lists / 2 + 1 && less_of_entries <= of_entries / 2 + 1);
}

#[tokio::test]
async fn what_a_caller_would_be_asked_with_makes_no_difference_where_it_may_not_see_the_source() {
    let (base_url, _) = upstream(0).await;
    let catalog = catalog(&base_url, "");
    let scopes_of = |number, visible: &VisibleSources| {
        catalog.scopes_of(&Caller {
            visible: visible.clone(),
            ..caller(number)
        })
    };
    let [all, none] = [VisibleSources::All, VisibleSources::only::<&str>([])];
    assert_ne!(scopes_of(1, &all), scopes_of(2, &all));
    assert_eq!(scopes_of(1, &none), scopes_of(2, &none));
}

#[tokio::test]
async fn a_scope_is_kept_once_whatever_becomes_of_its_walks() {
    let (base_url, _) = upstream_by(|number| {
        let mut response = list_of(1, number);
        if number % 2 == 0 {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        Some(response)
    })
    .await;
    let catalog = catalog(&base_url, "");
    let upstream = Arc::clone(catalog.upstream("club").unwrap());
    let (scopes, alice) = (scopes(&upstream), caller(1));
    for is_listed in [false, true, true] {
        let found = scopes.get(&alice, CacheMode::Insist, Instant::now() + IN_TIME);
        assert_eq!(found.await.snapshot.is_some(), is_listed);
        scopes.drop_idle();
        assert_eq!(scopes.standing().entries, 1);
    }
}
