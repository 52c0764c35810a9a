//! What is hidden shows in nothing that comes with an answer.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use rstest::rstest;
use serde_json::Value;
use tower::Service as _;

use super::{both, state};
use crate::caller::{Caller, HiddenFields, HideableField, VisibleSources};
use crate::downstream::generation::Generation;
use crate::downstream::testing::{Fixed, exchange_as, get, text};
use crate::downstream::{layers, route};

/// From whom a field of the first source is hidden.
fn lacking(field: HideableField) -> Caller {
    let named = [
        ("alpha".into(), HiddenFields::of(&[field])),
        ("beta".into(), HiddenFields::NONE),
    ];
    Caller {
        visible: VisibleSources::granted(named.into(), None),
        ..Caller::default()
    }
}

async fn ask(
    state: &Arc<Generation<Fixed>>,
    caller: &Caller,
    request: http::request::Builder,
) -> (StatusCode, HeaderMap, String) {
    let exchange = exchange_as(caller.clone(), Arc::clone(state), request);
    let Ok(response) = layers::data(route::route).call(&exchange).await;
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, text(response).await)
}

#[rstest]
#[case("application/x-ndjson")]
#[case("text/csv")]
#[tokio::test]
async fn a_whole_list_of_which_something_is_hidden_has_no_tag(#[case] accept: &str) {
    let request = || get("/groups?limit=all").header("accept", accept);
    let [hiding, plain] = [lacking(HideableField::Email), Caller::default()];
    for (caller, has_tag) in [(&hiding, false), (&plain, true)] {
        let (status, headers, body) = ask(&state(both()), caller, request()).await;
        assert_eq!(
            (status, headers.contains_key("etag")),
            (StatusCode::OK, has_tag)
        );
        assert!(body.contains("Sales"), "{body}");
        let known = request().header("if-none-match", "*");
        let (status, ..) = ask(&state(both()), caller, known).await;
        assert_eq!(status == StatusCode::NOT_MODIFIED, has_tag);
    }
}

#[rstest]
#[case(HideableField::CreatedAt, 0)]
#[case(HideableField::UpdatedAt, 0)]
#[case(HideableField::Email, 3)]
#[tokio::test]
async fn no_time_is_counted_that_is_hidden(#[case] hidden: HideableField, #[case] counted: u64) {
    let mut held = both();
    for held in &mut held {
        held.counts.unparsed_timestamps = 3;
    }
    let (_, _, body) = ask(&state(held), &lacking(hidden), get("/sources")).await;
    let sources: Value = serde_json::from_str(&body).unwrap();
    let counts = ["/sources/0", "/sources/1"]
        .map(|at| sources.pointer(at).unwrap()["unparsed_timestamps"].as_u64());
    assert_eq!(counts, [Some(counted), Some(3)]);
}

#[rstest]
#[case(HideableField::Members, None)]
#[case(HideableField::Admins, None)]
#[case(HideableField::Guests, None)]
#[case(HideableField::Email, Some(3))]
#[tokio::test]
async fn nobody_is_counted_in_lists_that_are_hidden(
    #[case] hidden: HideableField,
    #[case] counted: Option<u64>,
) {
    let mut held = both();
    for held in &mut held {
        held.counts.unread_people = 3;
        held.counts.unmarked_people = 3;
        held.counts.repeated_people = 3;
        held.counts.unknown_people = 3;
    }
    let (_, _, body) = ask(&state(held), &lacking(hidden), get("/sources")).await;
    let sources: Value = serde_json::from_str(&body).unwrap();
    for key in [
        "unread_people",
        "unmarked_people",
        "repeated_people",
        "unknown_people",
    ] {
        let counts =
            ["/sources/0", "/sources/1"].map(|at| sources.pointer(at).unwrap()[key].as_u64());
        assert_eq!(counts, [counted, Some(3)]);
    }
}
