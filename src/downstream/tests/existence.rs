//! What is not granted is answered like what does not exist: every endpoint, format and error, byte for byte.

use http::request::Builder;
use http::{Method, Request};

use super::visibility::{answer_to, limited, seeing, with_and_without};
use crate::caller::{Caller, HiddenFields, HideableField, VisibleSources};

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
    let mut statuses = std::collections::BTreeSet::new();
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
            }
        }
    }
    // None of the answers that there are is left out.
    assert_eq!(
        statuses.into_iter().collect::<Vec<_>>(),
        [200, 304, 400, 404, 405, 406]
    );
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
