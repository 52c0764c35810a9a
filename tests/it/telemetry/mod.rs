//! What a process exports, as an OTLP receiver gets it, and what upstreams see of its traces.

mod collector;
mod ends;
mod process;
mod receiver;

use http::StatusCode;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Outcome;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::json;

use crate::support::server::{self, Server, Step, header, whole};
use crate::support::wait::eventually;

use process::{CALLER, KEEPS_NOTHING, Process, TRACE, TRACED, upstream};
use receiver::{Receiver, Spans, hex, text, texts};

/// An upstream with one group.
async fn club() -> Server {
    Server::start(|_| server::json(&json!([{ "id": 1, "name": "Chess" }]))).await
}

/// One that answers its first walk, and never again.
async fn slow() -> Server {
    Server::play(|request| match request {
        0 => whole("[]"),
        _ => vec![Step::Hang],
    })
    .await
}

fn outcome(span: &Span) -> Outcome {
    let status = span.status.as_ref();
    status.map_or(Outcome::Unset, Status::code)
}

fn kinds(spans: &[&Span], expected: SpanKind) -> bool {
    spans.iter().all(|span| span.kind() == expected)
}

/// The spans of one source, from the request down to its exchanges.
fn chain<'a>(
    spans: &'a Spans,
    request: &Span,
    source: &str,
) -> (&'a Span, &'a Span, Vec<&'a Span>) {
    let below = spans.below(request);
    let own = below
        .into_iter()
        .find(|span| texts(&span.attributes)["groupgate.source"] == source)
        .expect("each source has a span");
    let walks = spans.below(own);
    let [walk] = walks[..] else {
        panic!("{} walks of {source}", walks.len());
    };
    (own, walk, spans.below(walk))
}

#[tokio::test]
async fn a_cold_request_over_five_upstreams_is_one_connected_trace_though_one_of_them_times_out() {
    let receiver = Receiver::start().await;
    let signed = "[upstreams.signed.auth]\ntype = 'aws_sigv4'\nregion = 'r'\nservice = 's'\n\
                  access_key = { env = 'KEY' }\nsecret_key = { env = 'SECRET' }";
    let clubs = [club().await, club().await, club().await, club().await];
    let slow = slow().await;
    let toml = [
        KEEPS_NOTHING.to_owned(),
        upstream("a", clubs[0].base_url(), ""),
        upstream("b", clubs[1].base_url(), ""),
        upstream("quiet", clubs[2].base_url(), "trace_context = false"),
        upstream("signed", clubs[3].base_url(), signed),
        upstream(
            "slow",
            slow.base_url(),
            "stale_if_error = '0s'\nlimits = { timeout = '300ms', retries = 1 }",
        ),
    ];
    let secrets = [("KEY", "AKID"), ("SECRET", "s3cret")];
    let process = Process::start(&toml.concat(), receiver.url(), &secrets).await;
    let reply = process.get("/groups?search=Chess", &TRACED).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(reply.json()["complete"], false);
    process.end().await;

    let spans = receiver.spans().of(TRACE);
    let request = spans.one("requests", |span| hex(&span.parent_span_id) == CALLER);
    assert_eq!(
        (request.name.as_str(), request.kind()),
        ("GET /groups", SpanKind::Server)
    );
    assert_eq!(
        (outcome(request), request.trace_state.as_str()),
        (Outcome::Unset, "vendor=opaque")
    );
    let attributes = texts(&request.attributes);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/groups"),
        ("url.path", "/groups"),
        ("url.scheme", "http"),
        ("server.address", "127.0.0.1"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("client.address", "127.0.0.1"),
        ("groupgate.request_id", reply.header("x-request-id")),
    ] {
        assert_eq!(attributes[key], value, "{key}");
    }
    assert!(!attributes.values().any(|value| value.contains("Chess")));
    // One for the request, and five with a walk and its exchanges: the slow one is asked twice.
    assert_eq!(spans.0.len(), 1 + 5 + 5 + 6);
    for (name, club) in ["a", "b", "quiet", "signed"].into_iter().zip(&clubs) {
        let (source, walk, exchanges) = chain(&spans, request, name);
        assert_eq!(
            (source.name.as_str(), walk.name.as_str()),
            ("source", "walk")
        );
        let attributes = texts(&source.attributes);
        assert_eq!(attributes["groupgate.source.state"], "fresh");
        assert_eq!(attributes["groupgate.cache.collapsed"], "false");
        let attributes = texts(&walk.attributes);
        assert_eq!(attributes["groupgate.source"], name);
        assert_eq!(attributes["groupgate.walk.groups"], "1");
        assert_eq!(attributes["groupgate.walk.pages"], "1");
        let [exchange] = exchanges[..] else {
            panic!("{} exchanges of {name}", exchanges.len());
        };
        assert!(kinds(&[exchange], SpanKind::Client) && kinds(&[source, walk], SpanKind::Internal));
        let attributes = texts(&exchange.attributes);
        assert_eq!(attributes["http.request.method"], "GET");
        assert_eq!(attributes["http.response.status_code"], "200");
        assert_eq!(attributes["server.address"], "127.0.0.1");
        assert_eq!(attributes["server.port"], club.address().port().to_string());
        let url = format!("{}/teams?kind=REDACTED", club.base_url());
        assert_eq!(attributes["url.full"], url);
        assert_eq!([source, walk, exchange].map(outcome), [Outcome::Unset; 3]);
        // What it saw is this very exchange.
        let saw = club.requests();
        let saw = saw
            .iter()
            .filter_map(|request| header(request, "traceparent"));
        let expected = format!("00-{TRACE}-{}-01", hex(&exchange.span_id));
        let count = saw.filter(|saw| *saw == expected).count();
        assert_eq!(count, usize::from(name != "quiet"), "{name}");
    }
    let asked = clubs[3].requests();
    let last = asked.last().unwrap();
    assert_eq!(header(last, "tracestate"), Some("vendor=opaque"));
    let authorization = header(last, "authorization").unwrap();
    assert!(
        authorization.contains("SignedHeaders=accept;host;x-amz-date,"),
        "{authorization}"
    );
    assert!(
        clubs[2]
            .requests()
            .iter()
            .all(|request| header(request, "traceparent").is_none())
    );

    let (source, walk, exchanges) = chain(&spans, request, "slow");
    let [first, second] = exchanges[..] else {
        panic!("{} exchanges", exchanges.len());
    };
    for span in [source, walk, first, second] {
        assert_eq!(outcome(span), Outcome::Error, "{span:?}");
        assert_eq!(texts(&span.attributes)["error.type"], "timeout");
    }
    assert_eq!(texts(&second.attributes)["http.request.resend_count"], "1");
    assert_eq!(
        texts(&source.attributes)["groupgate.source.state"],
        "failed"
    );
    let [retry] = &walk.events[..] else {
        panic!("{:?}", walk.events);
    };
    assert_eq!(retry.name, "retry");
    assert_eq!(texts(&retry.attributes)["error.type"], "timeout");
}

#[tokio::test]
async fn whoever_waits_for_the_walk_of_another_is_linked_to_it() {
    let receiver = Receiver::start().await;
    let slow = slow().await;
    let patient = "stale_if_error = '0s'\nlimits = { timeout = '3s', retries = 0 }";
    let toml = format!(
        "{KEEPS_NOTHING}{}",
        upstream("slow", slow.base_url(), patient)
    );
    let process = Process::start(&toml, receiver.url(), &[]).await;
    let before = slow.requests().len();
    let other = "00-11111111111111111111111111111111-2222222222222222-01";
    let (first, second) = tokio::join!(process.get("/groups", &TRACED), async {
        eventually("the walk is under way", async || {
            (slow.requests().len() > before).then_some(())
        })
        .await;
        process
            .get("/groups?limit=1", &[("traceparent", other)])
            .await
    });
    assert_eq!(
        [first.status, second.status],
        [StatusCode::GATEWAY_TIMEOUT; 2]
    );
    process.end().await;
    let spans = receiver.spans();
    let walk = spans.one("the awaited walk", |span| {
        span.name == "walk" && hex(&span.trace_id) == TRACE
    });
    let waiter = spans.one("the waiter", |span| {
        span.name == "source" && span.trace_id == [0x11; 16]
    });
    assert_eq!(
        texts(&waiter.attributes)["groupgate.cache.collapsed"],
        "true"
    );
    let [link] = &waiter.links[..] else {
        panic!("{:?}", waiter.links);
    };
    assert_eq!(
        (&link.trace_id, &link.span_id),
        (&walk.trace_id, &walk.span_id)
    );
    let request = spans.one("the failed request", |span| {
        hex(&span.parent_span_id) == CALLER
    });
    assert_eq!(outcome(request), Outcome::Error);
    assert_eq!(
        texts(&request.attributes)["error.type"],
        "sources-timed-out"
    );
}

#[tokio::test]
async fn a_ready_answer_is_in_the_trace_of_its_caller_and_a_walk_that_nobody_waits_for_in_its_own()
{
    let receiver = Receiver::start().await;
    let club = club().await;
    let toml = upstream("club", club.base_url(), "ttl = '1h'");
    let process = Process::start(&toml, receiver.url(), &[]).await;
    process.get("/groups", &[]).await;
    let agent = "a".repeat(2000);
    let headers = [&TRACED[..], &[("user-agent", &*agent)]].concat();
    let reply = process.get("/groups", &headers).await;
    assert_eq!(reply.header("server-timing"), "cache;desc=hit");
    process.end().await;
    let spans = receiver.spans();
    let first = spans.one("the first walk", |span| span.name == "walk");
    assert!(first.parent_span_id.is_empty());
    let spans = spans.of(TRACE);
    let [ready] = &spans.0[..] else {
        panic!("{spans:#?}");
    };
    assert_eq!(ready.name, "GET /groups");
    assert_eq!(hex(&ready.parent_span_id), CALLER);
    let attributes = texts(&ready.attributes);
    assert_eq!(attributes["groupgate.answer"], "ready");
    assert_eq!(attributes["user_agent.original"], agent[..1024]);
    assert_eq!(attributes["http.response.status_code"], "200");
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_is_not_exported_and_goes_on_all_the_same() {
    let receiver = Receiver::start().await;
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let variables = [
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let mut process = Process::start(&toml, receiver.url(), &variables).await;
    process.get("/groups", &TRACED).await;
    let line = process.logged("request answered").await;
    assert_eq!(line["trace_id"], TRACE);
    process.end().await;
    assert_eq!(receiver.requests(), 0);
    let requests = club.requests();
    let last = header(requests.last().unwrap(), "traceparent").unwrap();
    assert!(last.starts_with(&format!("00-{TRACE}-")), "{last}");
    assert!(last.ends_with("-00"), "{last}");
    assert_eq!(
        header(requests.last().unwrap(), "tracestate"),
        Some("vendor=opaque")
    );
}

#[tokio::test]
async fn without_a_collector_upstreams_are_told_of_the_callers_trace() {
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let process = Process::start(&toml, "", &[]).await;
    process.get("/groups", &TRACED).await;
    let requests = club.requests();
    assert_eq!(
        header(requests.last().unwrap(), "traceparent"),
        Some(TRACED[0].1)
    );
    let quiet = Process::start(&toml, "", &[("OTEL_PROPAGATORS", "none")]).await;
    quiet.get("/groups", &TRACED).await;
    let requests = club.requests();
    assert_eq!(header(requests.last().unwrap(), "traceparent"), None);
    process.end().await;
    quiet.end().await;
}

#[tokio::test]
async fn log_records_are_exported_with_the_trace_that_they_belong_to() {
    let receiver = Receiver::start().await;
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let mut process = Process::start(&toml, receiver.url(), &[]).await;
    process.get("/groups", &TRACED).await;
    let line = process.logged(TRACE).await;
    assert_eq!(
        (&line["message"], &line["trace_id"]),
        (&json!("walk finished"), &json!(TRACE))
    );
    assert_eq!(line["span_id"].as_str().unwrap().len(), 16);
    process.end().await;
    let records = receiver.logs();
    let record = |message: &str| {
        let of_trace = |trace: &[u8]| hex(trace) == TRACE;
        let found = records
            .iter()
            .find(|record| text(record.body.as_ref()) == message && of_trace(&record.trace_id));
        found.unwrap_or_else(|| panic!("no record is `{message}`: {records:#?}"))
    };
    assert_eq!(hex(&record("walk finished").span_id), line["span_id"]);
    let metrics = receiver.metrics();
    let is_there = |wished: &str| metrics.iter().any(|name| name == wished);
    assert!(is_there("http.server.request.duration"), "{metrics:?}");
    let attributes = texts(&record("request answered").attributes);
    assert_eq!(attributes["path"], "/groups");
}

#[tokio::test]
async fn a_collector_that_does_not_answer_costs_a_line_in_the_log_and_no_answer() {
    let dead = Server::play(|_| vec![Step::Hang]).await;
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let variables = [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let mut process = Process::start(&toml, dead.base_url(), &variables).await;
    for _ in 0..50 {
        let reply = process.get("/groups", &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
    let line = process.logged("telemetry cannot be exported").await;
    assert_eq!(line["collector"], format!("{}/v1/traces", dead.base_url()));
    process.end().await;
}
