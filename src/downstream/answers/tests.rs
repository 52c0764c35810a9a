//! What the answer cache keeps, for whom, and until when: asked through the whole edge, over upstreams
//! that count how often they are listed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::request::Builder;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rstest::rstest;
use tokio::time::{Instant, advance};
use tower::Service as _;

use super::*;
use crate::caller::{Caller, Identity, VisibleSources};
use crate::catalog::{CallerScopes, SourceLookup, SourceState as Standing};
use crate::config::testing::plan;
use crate::downstream::caching::{Basis, Countdown, EntityTag};
use crate::downstream::caller::Client;
use crate::downstream::generation::Generation;
use crate::downstream::layers::KeepsAnswers as _;
use crate::downstream::response::{Content, Response};
use crate::downstream::testing::{Fixed, exchange_as, failed, fresh, generation, get, text};
use crate::downstream::{layers, route};
use crate::error::ErrorKind;
use crate::observe::Observers;
use crate::observe::testing::Told;

/// An edge over upstreams that hold what they are given.
struct Edge {
    upstreams: Fixed,
    state: Arc<Generation<Fixed>>,
}

impl Edge {
    fn over(held: Vec<SourceLookup>) -> Self {
        let plan = plan("rate_limit.burst = 1000000\nserver.server_timing = true");
        let upstreams = Fixed::new(held);
        let state = generation(plan, upstreams.clone());
        Self {
            upstreams,
            state: Arc::new(state),
        }
    }

    async fn ask(&self, request: Builder) -> Response {
        self.ask_as(&Caller::default(), request).await
    }

    async fn ask_as(&self, caller: &Caller, request: Builder) -> Response {
        let exchange = exchange_as(caller.clone(), Arc::clone(&self.state), request);
        let Ok(response) = layers::data(route::route).call(&exchange).await;
        response
    }

    /// How often the upstreams were listed: once for each answer that was not there.
    fn listed(&self) -> usize {
        self.upstreams.listed.load(Ordering::Relaxed)
    }
}

fn two() -> Vec<SourceLookup> {
    let names: Vec<_> = (0..60).map(|number| format!("group {number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    vec![fresh("alpha", &names), fresh("beta", &["Legal"])]
}

fn whole(response: Response) -> Bytes {
    match response.into_body().content {
        Content::Full(bytes) => bytes,
        other @ (Content::Empty | Content::Streamed(_)) => panic!("{other:?}"),
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_again_is_not_made_again_and_not_copied() {
    let edge = Edge::over(two());
    let first = whole(edge.ask(get("/groups")).await);
    let again = edge.ask(get("/groups")).await;
    assert_eq!(header(&again, "server-timing"), "cache;desc=hit");
    assert_eq!(whole(again).as_ptr(), first.as_ptr());
    assert_eq!(edge.listed(), 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_changes_in_the_catalog_makes_every_answer_an_old_one() {
    let edge = Edge::over(two());
    for listed in 1..4 {
        edge.ask(get("/groups")).await;
        edge.ask(get("/groups")).await;
        assert_eq!(edge.listed(), listed);
        edge.upstreams.epoch.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_changes_while_an_answer_is_made_makes_it_an_old_one() {
    let edge = Edge::over(two());
    for listed in 1..4 {
        edge.ask(get("/groups?search=meanwhile")).await;
        assert_eq!(edge.listed(), listed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_at_the_moment_a_source_in_it_changes_its_state() {
    let edge = Edge::over(two());
    edge.ask(get("/groups")).await;
    // One millisecond before both go stale.
    advance(Duration::from_millis(12_799)).await;
    edge.ask(get("/groups")).await;
    assert_eq!(edge.listed(), 1);
    advance(Duration::from_millis(1)).await;
    edge.ask(get("/groups")).await;
    assert_eq!(edge.listed(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_caller_was_waited_for_is_not_given_what_ended_meanwhile() {
    let edge = Edge::over(two());
    edge.ask(get("/groups")).await;
    let waited = exchange_as(Caller::default(), Arc::clone(&edge.state), get("/groups"));
    advance(Duration::from_millis(12_800)).await;
    waited.note_wait();
    let Ok(_) = layers::data(route::route).call(&waited).await;
    assert_eq!(edge.listed(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_a_stale_source_lasts_a_second_so_that_its_refresh_begins() {
    let mut held = two();
    held[1].state = Standing::Stale;
    held[1].changes_in = None;
    let edge = Edge::over(held);
    for (after, listed) in [(0, 1), (999, 1), (1, 2)] {
        advance(Duration::from_millis(after)).await;
        edge.ask(get("/groups")).await;
        assert_eq!(edge.listed(), listed);
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_count_seconds_are_right_to_the_second_over_the_same_body() {
    let edge = Edge::over(two());
    let first = edge.ask(get("/groups")).await;
    assert_eq!(header(&first, "cache-control"), "max-age=12");
    let first = whole(first);
    for (after, max_age) in [(800, 12), (1, 11), (999, 11), (1, 10), (9_000, 1)] {
        advance(Duration::from_millis(after)).await;
        let later = edge.ask(get("/groups")).await;
        assert_eq!(
            header(&later, "cache-control"),
            format!("max-age={max_age}")
        );
        assert_eq!(
            header(&later, "cache-status"),
            format!("alpha; hit; ttl={max_age}, beta; hit; ttl={max_age}")
        );
        assert_eq!(whole(later).as_ptr(), first.as_ptr());
    }
    assert_eq!(edge.listed(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_format_and_coding_has_an_answer_of_its_own() {
    let edge = Edge::over(two());
    let kinds = || {
        [
            get("/groups"),
            get("/groups").header("accept", "application/xml"),
            get("/groups").header("accept-encoding", "gzip"),
            get("/groups").header("accept-encoding", "br"),
            get("/groups").header("accept-encoding", "zstd"),
            get("/groups").header("prefer", "handling=strict"),
            get("/groups?limit=50"),
        ]
    };
    let mut first = Vec::new();
    for request in kinds() {
        let response = edge.ask(request).await;
        let kind = response.headers().get("content-encoding").cloned();
        first.push((kind, whole(response)));
    }
    assert_eq!(edge.listed(), first.len());
    for (request, (coding, body)) in kinds().into_iter().zip(first) {
        let again = edge.ask(request).await;
        assert_eq!(again.headers().get("content-encoding"), coding.as_ref());
        assert_eq!(whole(again), body);
    }
    assert_eq!(edge.listed(), kinds().len());
}

#[tokio::test(start_paused = true)]
async fn one_entry_answers_get_head_and_whoever_has_the_answer_already() {
    let edge = Edge::over(two());
    let first = edge
        .ask(get("/groups").header("accept-encoding", "gzip"))
        .await;
    let tag = first.headers()["etag"].clone();
    let body = whole(first);

    let head = get("/groups").method(Method::HEAD);
    let head = edge.ask(head.header("accept-encoding", "gzip")).await;
    assert_eq!(header(&head, "content-length"), body.len().to_string());
    assert_eq!(header(&head, "content-encoding"), "gzip");
    assert_eq!(text(head).await, "");

    let known = get("/groups").header("if-none-match", tag.clone());
    let known = edge.ask(known.header("accept-encoding", "gzip")).await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(known.headers()["etag"], tag);
    assert!(!known.headers().contains_key("content-encoding"));
    assert_eq!(edge.listed(), 1);
}

#[rstest]
#[case(&["own"], StatusCode::NOT_MODIFIED)]
#[case(&["own", "\"another\""], StatusCode::NOT_MODIFIED)]
#[case(&["\"another\"", "own"], StatusCode::NOT_MODIFIED)]
#[case(&["\"another\"", "own", "\"a third\""], StatusCode::NOT_MODIFIED)]
#[case(&["\"another\"", "*"], StatusCode::NOT_MODIFIED)]
#[case(&["\"another\"", "\"a third\""], StatusCode::OK)]
#[tokio::test(start_paused = true)]
async fn each_line_counts_of_those_that_say_what_a_caller_has(
    #[case] known: &[&'static str],
    #[case] expected: StatusCode,
) {
    let edge = Edge::over(two());
    let own = edge.ask(get("/groups")).await.headers()["etag"].clone();
    let mut request = get("/groups");
    for tag in known {
        let tag = match *tag {
            "own" => own.clone(),
            other => HeaderValue::from_static(other),
        };
        request = request.header("if-none-match", tag);
    }
    assert_eq!(edge.ask(request).await.status(), expected);
    assert_eq!(edge.listed(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_a_walk_is_not_answered_with_what_was_there() {
    let edge = Edge::over(two());
    edge.ask(get("/groups")).await;
    edge.ask(get("/groups").header("cache-control", "no-cache"))
        .await;
    assert_eq!(edge.listed(), 2);
}

#[rstest]
#[case("/groups", StatusCode::BAD_GATEWAY, 2)]
#[case("/groups?limit=0", StatusCode::BAD_REQUEST, 0)]
#[tokio::test(start_paused = true)]
async fn no_error_is_kept(#[case] path: &str, #[case] status: StatusCode, #[case] listed: usize) {
    let edge = Edge::over(vec![fresh("alpha", &[]), failed("beta", ErrorKind::Dns)]);
    for _ in 0..2 {
        let request = get(path).header("prefer", "handling=strict");
        let response = edge.ask(request).await;
        assert_eq!(response.status(), status);
        assert_ne!(
            response.headers().get("server-timing"),
            Some(&HeaderValue::from_static("cache;desc=hit"))
        );
    }
    // The second time as the first.
    assert_eq!(edge.listed(), listed);
}

#[tokio::test(start_paused = true)]
async fn callers_who_see_different_sources_never_share_an_answer() {
    let edge = Edge::over(two());
    let limited = Caller {
        visible: VisibleSources::only(["beta"]),
        ..Caller::default()
    };
    for _ in 0..2 {
        let everything = text(edge.ask(get("/groups")).await).await;
        assert!(everything.contains("alpha") && everything.contains("beta"));
        let part = text(edge.ask_as(&limited, get("/groups")).await).await;
        assert!(!part.contains("alpha") && part.contains("beta"));
    }
    assert_eq!(edge.listed(), 2);
}

#[test]
fn callers_share_a_key_only_if_they_are_one_to_every_answer() {
    let key = |identity, visible| {
        let caller = Caller {
            identity,
            visible,
            ..Caller::default()
        };
        as_asked("/groups", &caller, &HeaderMap::new(), |asked| {
            asked.to_asked().key
        })
    };
    let keys = [
        key(Identity::Anonymous, VisibleSources::All),
        key(Identity::Anonymous, VisibleSources::only(["alpha"])),
        key(Identity::Anonymous, VisibleSources::only(["alpha", "beta"])),
        key(Identity::Anonymous, VisibleSources::only::<&str>([])),
        key(Identity::Authenticated([1; 32]), VisibleSources::All),
        key(Identity::Authenticated([2; 32]), VisibleSources::All),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "{key:?}");
    }
    let same = key(Identity::Anonymous, VisibleSources::only(["alpha"]));
    assert_eq!(same, keys[1]);
}

#[tokio::test(start_paused = true)]
async fn callers_of_one_connection_and_other_wishes_are_never_given_what_it_holds() {
    let cache = AnswerCache::new(ROOM * BODY as u64, Observers::default());
    let held = HeldAnswer::default();
    put(&cache, 1);
    let now = Instant::now();
    let is_given_to = |scopes: CallerScopes, target: &str, caller: &Caller, headers: &HeaderMap| {
        let (uri, wishes) = (target.parse().unwrap(), HeldWishes::default());
        let asked = AskedAnswerRef::read(caller, scopes, &uri, headers, &wishes).unwrap();
        let found = cache.get_over(&held, &asked, 0, now);
        // What is held is compared by what was asked, and what is kept by its key.
        let is_same = asked.to_asked().key == key(1);
        assert_eq!(asked.is_for(&key(1)), is_same, "{asked:?}");
        found.is_some()
    };
    let is_given = |caller: &Caller, headers: &HeaderMap| {
        is_given_to(CallerScopes::default(), &target(1), caller, headers)
    };
    let (anyone, plain) = (Caller::default(), HeaderMap::new());
    assert!(is_given(&anyone, &plain));
    let others = CallerScopes::of_no_upstream();
    assert!(!is_given_to(others, &target(1), &anyone, &plain));
    let another = CallerScopes::default();
    assert!(!is_given_to(another, &target(2), &anyone, &plain));
    let other_caller = |change: fn(&mut Caller)| {
        let mut caller = Caller::default();
        change(&mut caller);
        (caller, HeaderMap::new())
    };
    let other_wish = |name: &'static str, value| {
        let value = HeaderValue::from_static(value);
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
        (Caller::default(), headers)
    };
    for (caller, headers) in [
        other_caller(|caller| caller.identity = Identity::Authenticated([1; 32])),
        other_caller(|caller| caller.visible = VisibleSources::only(["alpha"])),
        other_wish("accept", "application/xml"),
        other_wish("accept-encoding", "gzip"),
        other_wish("prefer", "handling=strict"),
    ] {
        assert!(!is_given(&caller, &headers), "{caller:?} {headers:?}");
        assert!(is_given(&anyone, &plain));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_holds_is_counted_to_the_second() {
    let cache = AnswerCache::new(ROOM * BODY as u64, Observers::default());
    let held = HeldAnswer::default();
    cache.put(lasting(1, Duration::from_millis(12_800)));
    let mut told = Vec::new();
    for wait in [0, 750, 40, 20] {
        advance(Duration::from_millis(wait)).await;
        let answer = get_over(&cache, &held, 1, 0).unwrap();
        let answer = answer.respond(&HeaderMap::new());
        told.push(header(&answer, "cache-control").to_owned());
    }
    assert_eq!(
        told,
        ["max-age=12", "max-age=12", "max-age=12", "max-age=11"]
    );
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_connection_are_given_what_it_holds_also_behind_a_proxy() {
    let edge = Edge::over(two());
    let connection = Client::at([192, 0, 2, 1].into());
    let ask = async |client: Client| {
        let mut exchange = exchange_as(Caller::default(), Arc::clone(&edge.state), get("/groups"));
        Arc::get_mut(&mut exchange).unwrap().client = client.into();
        let Ok(response) = layers::data(route::route).call(&exchange).await;
        whole(response)
    };
    let behind = |last: u8| connection.behind([198, 51, 100, last].into());
    ask(behind(1)).await;
    let ready = ask(behind(2)).await;
    let answers = edge.state.answers();
    let _kept = answers.all();
    answers.forget();
    assert_eq!(ask(behind(3)).await.as_ptr(), ready.as_ptr());
    assert_eq!(edge.listed(), 1);
    ask(Client::at([192, 0, 2, 1].into())).await;
    assert_eq!(edge.listed(), 2);
}

/// How many answers fit the caches of these tests.
const ROOM: u64 = 50;

const BODY: usize = 20_000;

/// Puts an answer of its own under the query `number`.
fn put(cache: &AnswerCache, number: usize) {
    cache.put(answer(number));
}

fn answer(number: usize) -> Arc<Answer> {
    lasting(number, Duration::ZERO)
}

/// The same that may be kept for so long.
fn lasting(number: usize, max_age: Duration) -> Arc<Answer> {
    let (key, now) = (key(number), Instant::now());
    let nothing = Basis {
        complete: true,
        max_age,
        sources: &[],
    };
    let made = Made {
        epoch: 0,
        held_at: now,
        lasts: None,
        countdown: Countdown::new(nothing, &Caller::default(), now),
        audited: None,
    };
    let (tag, body) = (EntityTag::of_text(""), vec![0; BODY].into());
    let mut headers = HeaderMap::new();
    made.countdown.tell(&mut headers, now);
    Arc::new(Answer::new(made, tag, &key, headers, body))
}

fn target(number: usize) -> String {
    format!("/groups?search={number}")
}

fn key(number: usize) -> AnswerKey {
    let (caller, headers) = (Caller::default(), HeaderMap::new());
    as_asked(&target(number), &caller, &headers, |asked| {
        asked.to_asked().key
    })
}

/// What a connection that holds this is given by a cache.
fn get_over(
    cache: &AnswerCache,
    held: &HeldAnswer,
    number: usize,
    epoch: u64,
) -> Option<Arc<Answer>> {
    let (caller, headers) = (Caller::default(), HeaderMap::new());
    as_asked(&target(number), &caller, &headers, |asked| {
        cache.get_over(held, asked, epoch, Instant::now())
    })
}

fn as_asked<R>(
    target: &str,
    caller: &Caller,
    headers: &HeaderMap,
    work: impl FnOnce(&AskedAnswerRef<'_>) -> R,
) -> R {
    let (uri, held) = (target.parse().unwrap(), HeldWishes::default());
    let asked = AskedAnswerRef::read(caller, CallerScopes::default(), &uri, headers, &held);
    work(&asked.unwrap())
}

fn is_there(cache: &AnswerCache, number: usize) -> bool {
    cache.get(&key(number), 0, Instant::now()).is_some()
}

#[tokio::test(start_paused = true)]
async fn a_connection_holds_its_last_answer_for_a_moment_and_no_longer_than_it_is_right() {
    let caches = [(); 2].map(|()| AnswerCache::new(ROOM * BODY as u64, Observers::default()));
    let held = HeldAnswer::default();
    let ask = |cache: &AnswerCache, number, epoch| get_over(cache, &held, number, epoch);
    put(&caches[0], 1);
    let first = ask(&caches[0], 1, 0).unwrap();
    // It is not looked up, for it is not there.
    caches[0].forget();
    assert!(Arc::ptr_eq(&first, &ask(&caches[0], 1, 0).unwrap()));
    assert!(ask(&caches[0], 2, 0).is_none(), "another question");
    assert!(ask(&caches[0], 1, 1).is_none(), "what changed since then");
    assert!(ask(&caches[1], 1, 0).is_none(), "another generation");
    assert!(ask(&caches[0], 1, 0).is_some());
    advance(Duration::from_millis(100)).await;
    assert!(ask(&caches[0], 1, 0).is_none(), "too long ago");

    let (answer, now) = (answer(1), Instant::now());
    held.hold(&answer, 0, now);
    assert!(held.get(0, now).is_some());
    drop(answer);
    assert!(held.get(0, now).is_none(), "what nobody keeps is gone");
}

#[test]
fn answers_take_no_more_memory_than_their_share() {
    let share = ROOM * BODY as u64;
    let told = Told::default();
    let cache = AnswerCache::new(share, Arc::new(told.clone()).into());
    for number in 0..10 * ROOM as usize {
        put(&cache, number);
        is_there(&cache, number);
    }
    let bytes = cache.settled_bytes();
    assert!(bytes <= share, "{bytes}");
    // Far from empty, either.
    assert!(bytes > share / 2, "{bytes}");
    // Each that had to go is news.
    let kept = cache.standing().entries;
    let evicted = told.lines();
    assert_eq!(evicted.len() as u64, 10 * ROOM - kept);
    assert!(evicted.iter().all(|event| event == "Evicted(\"answers\")"));
}

#[test]
fn what_is_asked_once_does_not_push_out_what_is_asked_often() {
    let cache = AnswerCache::new(ROOM * BODY as u64, Observers::default());
    for often in 0..5 {
        put(&cache, often);
    }
    // Between any two requests for them, more others come than there is room for.
    for round in 1..20 {
        for often in 0..5 {
            for _ in 0..3 {
                assert!(is_there(&cache, often), "{often} gave way in round {round}");
            }
        }
        cache.settled_bytes();
        for once in 0..2 * ROOM as usize {
            put(&cache, round * 1000 + once);
            cache.settled_bytes();
        }
    }
}
