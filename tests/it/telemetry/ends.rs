//! Spans and lines of what does not end as it began: requests whose callers hang up, exchanges that nobody waits for,
//! and rules that are changed.

use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Outcome;

use super::process::{CALLER, KEEPS_NOTHING, Process, TRACE, TRACED, upstream};
use super::receiver::{Receiver, hex, texts};
use super::{chain, club, outcome, slow};
use crate::support::server::{Server, Step, whole};
use crate::support::wait::eventually;

#[tokio::test]
async fn a_request_whose_caller_hangs_up_has_a_line_and_a_span() {
    let receiver = Receiver::start().await;
    let slow = slow().await;
    let toml = format!(
        "{KEEPS_NOTHING}{}",
        upstream("slow", slow.base_url(), "stale_if_error = '0s'")
    );
    let mut process = Process::start(&toml, receiver.url(), &[]).await;
    let before = slow.requests().len();
    let caller = process.begin("/groups").await;
    eventually("the walk is under way", async || {
        (slow.requests().len() > before).then_some(())
    })
    .await;
    drop(caller);
    let line = process.logged("request abandoned").await;
    assert_eq!(line["status"], 499);
    assert_eq!(line["trace_id"], TRACE);
    process.end().await;
    let spans = receiver.spans();
    let request = spans.one("the request", |span| hex(&span.parent_span_id) == CALLER);
    let attributes = texts(&request.attributes);
    assert_eq!(attributes["groupgate.answer"], "abandoned");
    assert_eq!(outcome(request), Outcome::Unset);
}

#[tokio::test]
async fn an_exchange_that_loses_against_its_hedge_is_cancelled() {
    let receiver = Receiver::start().await;
    let club = Server::play(|request| match request {
        1 => vec![Step::Hang],
        _ => whole(r#"[{ "id": 1, "name": "Chess" }]"#),
    })
    .await;
    let toml = format!(
        "{KEEPS_NOTHING}{}",
        upstream("club", club.base_url(), "hedge = { after = '1s' }")
    );
    let process = Process::start(&toml, receiver.url(), &[]).await;
    let reply = process.get("/groups", &TRACED).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    process.end().await;
    let spans = receiver.spans().of(TRACE);
    let request = spans.one("the request", |span| hex(&span.parent_span_id) == CALLER);
    let (_, walk, exchanges) = chain(&spans, request, "club");
    assert_eq!(walk.events[0].name, "hedge");
    let [first, second] = exchanges[..] else {
        panic!("{} exchanges", exchanges.len());
    };
    assert_eq!(
        [first, second].map(outcome),
        [Outcome::Error, Outcome::Unset]
    );
    assert_eq!(texts(&first.attributes)["error.type"], "cancelled");
}

#[tokio::test]
async fn a_refresh_that_is_asked_for_is_in_the_trace_of_who_asks() {
    let receiver = Receiver::start().await;
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let process = Process::start(&toml, receiver.url(), &[]).await;
    let reply = process.post("/refresh/club", &TRACED).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    process.end().await;
    let spans = receiver.spans().of(TRACE);
    let request = spans.one("the request", |span| hex(&span.parent_span_id) == CALLER);
    assert_eq!(request.name, "POST /refresh/{upstream}");
    let (_, walk, _) = chain(&spans, request, "club");
    assert_eq!(walk.name, "walk");
}

#[tokio::test]
async fn all_lines_of_a_request_in_no_trace_say_its_id_as_their_trace() {
    let club = club().await;
    let toml = upstream("club", club.base_url(), "");
    let mut process = Process::start(&toml, "", &[]).await;
    // One that waits for its source, and one that is ready.
    for _ in 0..2 {
        process.get("/groups", &[]).await;
        let line = process.logged("request answered").await;
        assert_eq!(line["trace_id"], line["request_id"]);
    }
    process.end().await;
}

#[tokio::test]
async fn another_access_log_holds_from_the_next_request_on() {
    let club = club().await;
    let toml = upstream("club", club.base_url(), "");
    let mut process = Process::start(&toml, "", &[]).await;
    process.get("/groups", &[]).await;
    let line = process.logged("request answered").await;
    assert_eq!(line["path"], "/groups");
    let rules = "[access_log]\nfields = ['status', 'route']\n";
    process.reload(&format!("{rules}{toml}")).await;
    process.get("/groups", &[]).await;
    let line = process.logged(r#""route":"/groups""#).await;
    assert_eq!(line["status"], 200);
    assert_eq!(line.get("path"), None);
    process.end().await;
}
