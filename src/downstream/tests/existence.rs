//! What is not granted is answered like what does not exist: every endpoint, format and error, byte for byte.

use std::collections::BTreeSet;
use std::time::Duration;

use http::request::Builder;
use http::{Method, Request};
use tokio::time::Instant;

use super::visibility::{
    Listening, NOWHERE, answer_to, gateway_of, gateway_with, limited, seeing, upstream,
    with_and_without,
};
use crate::authentication::hash_of_key;
use crate::caller::{Caller, HiddenFields, HideableField, VisibleSources};
use crate::downstream::services::CatalogService as _;
use crate::hex::hex;

/// What is asked about sources of which `gamma` and `delta` are granted to nobody here. One of them answers, one is
/// down, and both are required.
const ADDRESSES: &[&str] = &[
    "/groups",
    "/groups?limit=3",
    "/groups?limit=all",
    "/groups?fields=name",
    "/groups?sort=-source,name",
    "/groups?sort=gamma",
    "/groups?search=gamma",
    "/groups?gamma=1",
    "/groups?deleted=include",
    "/groups?source=alpha",
    "/groups?source=gamma",
    "/groups?source=delta",
    "/groups?source=alpha,delta",
    "/groups?source=gama",
    "/groups?source=",
    "/groups?source=gamma&source=gamma",
    "/groups?id=gamma:1",
    "/groups?id=delta:1",
    "/groups?id=gamma:1&id=alpha:1",
    "/groups?id=gamma:1&source=alpha",
    "/groups?id=gamma",
    "/groups?id=gamma:1&member=x",
    "/groups?status=x",
    "/groups?attribute.department=sales",
    "/groups?attribute.level=high",
    "/groups?attribute.level=high&source=gamma",
    "/groups?cursor=AAAA",
    "/groups/alpha:1",
    "/groups/alpha:9",
    "/groups/gamma:1",
    "/groups/gamma:9",
    "/groups/delta:1",
    "/groups/gamma",
    "/groups/gamma%3A1",
    "/groups/gamma:%ff",
    "/groups/",
    "/groups/alpha:1?gamma=1",
    "/sources",
    "/sources?source=gamma",
    "/sources/gamma",
    "/openapi.json",
    "/docs",
    "/gamma",
];

/// What it is called, and what is changed of a plain request.
type Way = (&'static str, fn(Builder) -> Builder);

/// In which ways each is asked.
fn ways() -> Vec<Way> {
    vec![
        ("plain", |request| request),
        ("again", |request| request),
        ("HEAD", |request| request.method(Method::HEAD)),
        ("POST", |request| request.method(Method::POST)),
        ("XML", |request| request.header("accept", "application/xml")),
        ("NDJSON", |request| {
            request.header("accept", "application/x-ndjson")
        }),
        ("CSV", |request| request.header("accept", "text/csv")),
        ("HTML", |request| request.header("accept", "text/html")),
        ("no format", |request| request.header("accept", "image/png")),
        ("no coding", |request| {
            request.header("accept-encoding", "*;q=0")
        }),
        ("strict", |request| {
            request.header("prefer", "handling=strict")
        }),
        ("a body", |request| {
            request.header("content-length", "100000")
        }),
        ("much", |request| request.header("x", "x".repeat(20_000))),
        ("any tag", |request| request.header("if-none-match", "*")),
        ("anew", |request| {
            request.header("cache-control", "no-cache")
        }),
    ]
}

/// The same two sources, granted in different ways.
fn callers() -> [Caller; 3] {
    let hiding = |fields: &[HideableField], other: &[HideableField]| {
        let named = [
            ("alpha".into(), HiddenFields::of(fields)),
            ("beta".into(), HiddenFields::of(other)),
        ];
        seeing(VisibleSources::granted(named.into(), None))
    };
    let [status, members] = [HideableField::Status, HideableField::Members];
    [
        limited(),
        hiding(&[status, members], &[status]),
        hiding(&[], &[members]),
    ]
}

#[tokio::test]
async fn what_is_not_granted_is_answered_like_what_does_not_exist() {
    let [with, without] = with_and_without().await;
    let mut statuses = BTreeSet::new();
    for (number, caller) in callers().into_iter().enumerate() {
        for address in ADDRESSES {
            for (way, ask) in ways() {
                let request = || ask(Request::get(*address).header("host", "here"));
                let hidden = answer_to(&with, caller.clone(), request()).await;
                let absent = answer_to(&without, caller.clone(), request()).await;
                assert_eq!(hidden, absent, "{address} {way}, caller {number}");
                let (status, headers, body) = hidden;
                statuses.insert(status.as_u16());
                let all = headers + &body;
                let is_named = |name| address.contains(name);
                assert!(is_named("gam") || !all.contains("gamma"), "{all}");
                assert!(is_named("delta") || !all.contains("delta"), "{all}");
                let is_asked = is_named("department");
                assert!(is_asked || !all.contains("department"), "{all}");
            }
        }
    }
    let long = format!("/groups?source=gamma&search={}", "x".repeat(9000));
    for gateway in [&with, &without] {
        let request = Request::get(&long).header("host", "here");
        let (status, _, body) = answer_to(gateway, limited(), request).await;
        statuses.insert(status.as_u16());
        assert!(!body.contains("gamma"), "{body}");
    }
    // Where a source fails or nobody is let in, others of these tests look.
    assert_eq!(
        Vec::from_iter(statuses),
        [200, 304, 400, 404, 405, 406, 413, 414, 431]
    );
}

/// A gateway with two sources that are granted to the caller with the key, and one that is asked on behalf of each caller
/// and granted to nobody; and one without that. Both have just been asked for everything.
async fn with_and_without_one_that_is_forwarded_to() -> [Listening; 2] {
    let forwards = "[upstreams.gamma.auth]\ntype = 'forward'\nheaders = ['x-gamma-token']";
    let both = with_and_without_one("gamma", forwards).await;
    tokio::time::pause();
    both
}

/// The same with one that never answers, and is being asked. Time goes on.
async fn with_and_without_one_that_is_slow() -> [Listening; 2] {
    let both = with_and_without_one("mute", "").await;
    for gateway in &both {
        gateway.catalog().start(None);
    }
    both
}

/// The same with one of this name, and more to say of it. Time goes on.
async fn with_and_without_one(name: &str, more_of_it: &str) -> [Listening; 2] {
    let up = upstream().await;
    let seen = [("alpha", &*up, false), ("beta", &*up, true)];
    let callers = format!(
        "callers.keys.one = {{ sha256 = '{}', grants = ['few'] }}
        grants.few.sources = ['alpha', 'beta']",
        hex(&hash_of_key(b"the-key").0)
    );
    let hidden = [(name, &*up, true)];
    let with = gateway_of(&callers, &[&seen[..], &hidden].concat(), more_of_it);
    let without = gateway_of(&callers, &seen, "");
    for gateway in [&with, &without] {
        answer_to(gateway, Caller::default(), keyed("/groups")).await;
    }
    [with, without]
}

/// A request with the key, and with what the hidden source is sent of a request.
fn keyed(address: &str) -> Builder {
    Request::get(address)
        .header("host", "here")
        .header("x-api-key", "the-key")
        .header("x-gamma-token", "a-token")
}

#[tokio::test]
async fn what_is_not_granted_shows_in_nothing_that_a_caller_with_a_key_is_told() {
    let [with, without] = with_and_without_one_that_is_forwarded_to().await;
    let (mut statuses, mut known) = (BTreeSet::new(), BTreeSet::new());
    for address in ADDRESSES {
        for (way, ask) in ways() {
            let hidden = answer_to(&with, Caller::default(), ask(keyed(address))).await;
            let absent = answer_to(&without, Caller::default(), ask(keyed(address))).await;
            assert_eq!(hidden, absent, "{address} {way}");
            let (status, headers, body) = hidden;
            statuses.insert(status.as_u16());
            if headers.contains("authorization, x-api-key") {
                known.insert(status.as_u16());
            } else {
                // What the edge refuses before it asks who it is.
                assert!([400, 413, 431].contains(&status.as_u16()), "{status}");
            }
            let all = headers + &body;
            assert!(address.contains("gam") || !all.contains("gamma"), "{all}");
        }
    }
    assert_eq!(
        Vec::from_iter(statuses),
        [200, 304, 400, 404, 405, 406, 413, 431]
    );
    // It is known by its key in all others, as it is told.
    assert!(
        known.is_superset(&BTreeSet::from([200, 304, 404, 405, 406])),
        "{known:?}"
    );
}

#[tokio::test]
async fn where_a_source_fails_that_is_granted_others_make_no_difference() {
    let up = upstream().await;
    let broken = [
        ("busy", &*up, true, 503),
        ("mute", &*up, true, 503),
        ("late", &*up, true, 504),
        ("nowhere", NOWHERE, true, 502),
    ];
    for (name, address, required, status) in broken {
        let seen = [("alpha", &*up, false), (name, address, required)];
        let hidden = [("gamma", &*up, true), ("delta", NOWHERE, true)];
        let deadline = "server.deadline = '300ms'";
        let with = gateway_with(deadline, &[&seen[..], &hidden[..]].concat());
        let without = gateway_with(deadline, &seen);
        let caller = seeing(VisibleSources::only(["alpha", name]));
        for gateway in [&with, &without] {
            let all = Request::get("/groups").header("host", "here");
            answer_to(gateway, Caller::default(), all).await;
        }
        let source = format!("/groups?source={name}");
        for address in ["/groups", "/groups?deleted=include", &source] {
            for strictness in ["lenient", "strict"] {
                let ask = async |gateway| {
                    let request = Request::get(address).header("host", "here");
                    let request = request.header("prefer", format!("handling={strictness}"));
                    let (status, headers, body) = answer_to(gateway, caller.clone(), request).await;
                    // When to come again is drawn by lot.
                    let mut headers: Vec<_> = headers.split(", ").map(str::to_owned).collect();
                    headers.retain(|header| !header.contains("retry-after"));
                    (status, headers, body)
                };
                let hidden = ask(&with).await;
                assert_eq!(hidden.0, status, "{address}: {}", hidden.2);
                assert_eq!(hidden, ask(&without).await, "{address} {strictness}");
            }
        }
    }
}

#[tokio::test]
async fn who_is_not_let_in_learns_nothing_of_any_source() {
    let callers = format!(
        "callers.keys.one = {{ sha256 = '{}', grants = ['few'] }}
        grants.few.sources = ['alpha']",
        "5f8b0f4dbb3e8b6b1d9d7a4d3b6a8c9de0f1a2b3c4d5e6f708192a3b4c5d6e7f"
    );
    let up = upstream().await;
    let with = gateway_with(&callers, &[("alpha", &up, false), ("gamma", &up, true)]);
    let without = gateway_with(&callers, &[("alpha", &up, false)]);
    tokio::time::pause();
    let mut statuses = BTreeSet::new();
    for address in ADDRESSES {
        for key in [None, Some("wrong")] {
            let request = || {
                let request = Request::get(*address).header("host", "here");
                match key {
                    Some(key) => request.header("x-api-key", key),
                    None => request,
                }
            };
            let hidden = answer_to(&with, Caller::default(), request()).await;
            let absent = answer_to(&without, Caller::default(), request()).await;
            assert_eq!(hidden, absent, "{address}, {key:?}");
            statuses.insert(hidden.0.as_u16());
        }
    }
    assert_eq!(Vec::from_iter(statuses), [401, 429]);
}

/// How many times as long the answers about one kind of source may take as those about the other.
const SPREAD: f64 = 1.25;

#[tokio::test]
#[expect(
    clippy::disallowed_types,
    reason = "what a caller measures is real time, and tokio's stands still here"
)]
async fn what_is_not_granted_takes_as_long_as_what_does_not_exist() {
    let [slow, without] = with_and_without_one_that_is_slow().await;
    let [gateway, _] = with_and_without_one_that_is_forwarded_to().await;
    let took = async |(gateway, address): (&Listening, &str), format: &str| {
        let request = keyed(address).header("accept", format);
        let begun = std::time::Instant::now();
        answer_to(gateway, Caller::default(), request).await;
        begun.elapsed()
    };
    let [json, xml, lines] = [
        "application/json",
        "application/xml",
        "application/x-ndjson",
    ];
    let of_one = |hidden, absent, format| ((&gateway, hidden), (&gateway, absent), format);
    for (hidden, absent, format) in [
        of_one("/groups/gamma:1", "/groups/gemma:1", json),
        of_one("/groups?source=gamma", "/groups?source=gemma", json),
        of_one("/groups?id=gamma:1", "/groups?id=gemma:1", json),
        of_one("/groups/gamma:1", "/groups/gemma:1", xml),
        of_one("/sources/gamma", "/sources/gemma", json),
        of_one("/groups?cursor=gamma", "/groups?cursor=gemma", json),
        // A ready page, and one that is made for each request.
        ((&slow, "/groups"), (&without, "/groups"), json),
        (
            (&slow, "/groups?limit=all"),
            (&without, "/groups?limit=all"),
            lines,
        ),
    ] {
        // The machine does other things meanwhile: medians of requests that take turns, and three tries.
        let (address, mut ratios) = (hidden.1, Vec::new());
        for _ in 0..3 {
            let (mut of_hidden, mut of_absent) = (Vec::new(), Vec::new());
            for _ in 0..2000 {
                of_hidden.push(took(hidden, format).await);
                of_absent.push(took(absent, format).await);
            }
            let [hidden, absent] = [of_hidden, of_absent].map(|mut times| {
                times.sort_unstable();
                times[times.len() / 2].as_secs_f64()
            });
            ratios.push((hidden / absent).max(absent / hidden));
            if ratios.last().is_some_and(|ratio| *ratio <= SPREAD) {
                break;
            }
        }
        let best = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(best <= SPREAD, "{address}: {ratios:?}");
    }
}

#[tokio::test]
async fn an_answer_stays_ready_whatever_becomes_of_a_source_that_is_not_granted() {
    let up = upstream().await;
    let gateway = gateway_with(
        "cache.min_refresh = '1ms'",
        &[
            ("alpha", &up, false),
            ("gamma", &up, false),
            ("delta", NOWHERE, false),
        ],
    );
    let is_ready = async |caller: Caller| {
        let request = Request::get("/groups").header("host", "here");
        let (status, headers, body) = answer_to(&gateway, caller, request).await;
        assert_eq!(status, 200, "{body}");
        headers.contains("cache;desc=hit")
    };
    let refresh = async |source| {
        let soon = Instant::now() + Duration::from_mins(1);
        gateway.gateway.refresh(source, soon).await;
    };
    let granted = || seeing(VisibleSources::only(["alpha", "gamma"]));
    for caller in [limited(), granted()] {
        // The first waits for lists, which are news to the second.
        is_ready(caller.clone()).await;
        is_ready(caller.clone()).await;
        assert!(is_ready(caller).await);
    }
    for hidden in ["gamma", "delta"] {
        refresh(hidden).await;
        assert!(is_ready(limited()).await, "{hidden}");
    }
    assert!(!is_ready(granted()).await, "it sees one of them");
    refresh("alpha").await;
    assert!(!is_ready(limited()).await);
}

#[tokio::test]
async fn pages_go_on_and_tags_stay_whatever_else_there_is() {
    let [with, without] = with_and_without().await;
    for caller in callers() {
        let mut address = "/groups?limit=1".to_owned();
        for _ in 0..4 {
            let request = || Request::get(&address).header("host", "here");
            let (_, headers, body) = answer_to(&with, caller.clone(), request()).await;
            let absent = answer_to(&without, caller.clone(), request()).await;
            assert_eq!((&headers, &body), (&absent.1, &absent.2));
            let page: serde_json::Value = serde_json::from_str(&body).unwrap();
            let Some(cursor) = page["next_cursor"].as_str() else {
                assert_eq!(page["groups"][0]["name"], "beta 2");
                break;
            };
            address = format!("/groups?cursor={cursor}");
        }
        assert!(address.contains("cursor"));
    }
}
