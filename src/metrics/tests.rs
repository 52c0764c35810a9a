//! Every metric, by value, from the events that it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::{Method, StatusCode};

use super::*;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::SettledWalk;
use crate::page::ended_by::EndedBy;
use crate::page::position::Position;
use crate::reload::{ReloadOutcome, ReloadTrigger};

mod limits;
mod states;
use states::state;

/// The value of each series, by its name and labels as they are written.
fn series(metrics: &Metrics) -> BTreeMap<String, f64> {
    let text = metrics.text().unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// Checks what is told of everything, series by series.
fn assert_told(expected: &[(&str, f64)]) {
    let told = series(&metrics());
    for (name, expected) in expected {
        let value = told.get(*name).copied();
        let is_right = value.is_some_and(|value| (value - expected).abs() < 1e-9);
        assert!(is_right, "{name}: {value:?}, and not {expected}: {told:#?}");
    }
}

fn answered<'a>(
    method: &'a Method,
    route: &'static str,
    status: u16,
    traits: AnswerTraits,
) -> Event<'a> {
    Event::RequestAnswered {
        method,
        path: "/what/a/caller/chose",
        id: "the-id",
        trace: None,
        route,
        status: StatusCode::from_u16(status).unwrap(),
        traits,
        elapsed: Duration::from_millis(30),
    }
}

/// Metrics of which each has been told something.
fn metrics() -> Metrics {
    let metrics = Metrics::default();
    metrics.read_state_by(|| Some(state()));
    let ready = AnswerTraits {
        format: Some("json"),
        cache: Some("ready"),
        problem: None,
    };
    let made = AnswerTraits {
        cache: Some("miss"),
        ..ready
    };
    let refused = AnswerTraits {
        problem: Some("overloaded"),
        ..AnswerTraits::default()
    };
    let malformed = AnswerTraits {
        problem: Some("invalid-parameter"),
        ..AnswerTraits::default()
    };
    for (method, status, traits) in [
        (&Method::GET, 200, ready),
        (&Method::GET, 200, ready),
        (&Method::GET, 200, made),
        (&Method::HEAD, 503, refused),
        (&Method::GET, 503, AnswerTraits::default()),
        (&"BREW".parse().unwrap(), 400, malformed),
    ] {
        metrics.observe(&answered(method, "/groups", status, traits));
    }
    for outcome in ["key", "key", "invalid"] {
        metrics.observe(&Event::Authenticated(outcome));
    }
    let name: Arc<str> = "club".into();
    let club = metrics.of_upstream(&name).unwrap();
    let error = UpstreamError::new(ErrorKind::Timeout, "late");
    let home = Some(("club.example", 443));
    for (server, outcome) in [
        (home, Ok(StatusCode::OK)),
        (None, Ok(StatusCode::OK)),
        (home, Ok(StatusCode::BAD_GATEWAY)),
        (home, Ok(StatusCode::from_u16(299).unwrap())),
        (home, Ok(StatusCode::from_u16(777).unwrap())),
        (home, Ok(StatusCode::from_u16(999).unwrap())),
        (home, Err(ErrorKind::Connect)),
    ] {
        club.observe(&Event::AttemptEnded {
            method: &Method::GET,
            server,
            outcome,
            elapsed: Duration::from_millis(300),
        });
    }
    let retried = Event::Retried {
        position: Some(&Position::Start),
        error: &error,
    };
    let settled = |outcome| Event::WalkSettled {
        outcome,
        elapsed: Duration::from_secs(2),
    };
    for event in [
        retried,
        Event::Hedged,
        Event::SlotAwaited(Duration::from_millis(400)),
        Event::LoginEnded(Ok(())),
        Event::LoginEnded(Err(&error)),
        Event::WalkRestarted(&error),
        settled(SettledWalk::Failed(&error)),
        settled(SettledWalk::Replaced {
            ended_by: EndedBy::Total,
            groups: 7,
            skipped: 2,
            differing: 4,
        }),
        settled(SettledWalk::PendingShrink {
            ended_by: EndedBy::NoNext,
            groups: 1,
            skipped: 3,
        }),
        settled(SettledWalk::Superseded),
        settled(SettledWalk::GivenUp),
        Event::ListAskedFor {
            outcome: "hit",
            collapsed: false,
        },
        Event::ListAskedFor {
            outcome: "miss",
            collapsed: true,
        },
    ] {
        club.observe(&event);
    }
    for event in [
        Event::ViewAskedFor { is_hit: true },
        Event::ViewAskedFor { is_hit: false },
        Event::ViewMade(Duration::from_millis(3)),
        Event::Evicted("answers"),
        Event::TokenChecked("expired"),
        Event::KeySetFetched("unreachable"),
        Event::Reloaded {
            trigger: ReloadTrigger::Signal,
            outcome: ReloadOutcome::Failed,
            generation: 1,
        },
    ] {
        metrics.observe(&event);
    }
    metrics
}

#[test]
fn every_event_is_counted_where_it_belongs() {
    assert_told(&[
        (
            r#"http_server_request_duration_seconds_count{cache="ready",format="json",http_request_method="GET",http_response_status_code="200",http_route="/groups"}"#,
            2.0,
        ),
        (
            r#"http_server_request_duration_seconds_sum{cache="ready",format="json",http_request_method="GET",http_response_status_code="200",http_route="/groups"}"#,
            0.06,
        ),
        (
            r#"http_server_request_duration_seconds_bucket{cache="ready",format="json",http_request_method="GET",http_response_status_code="200",http_route="/groups",le="0.025"}"#,
            0.0,
        ),
        (
            r#"http_server_request_duration_seconds_bucket{cache="ready",format="json",http_request_method="GET",http_response_status_code="200",http_route="/groups",le="0.05"}"#,
            2.0,
        ),
        (
            r#"http_server_request_duration_seconds_count{cache="miss",format="json",http_request_method="GET",http_response_status_code="200",http_route="/groups"}"#,
            1.0,
        ),
        (
            r#"http_server_request_duration_seconds_count{error_type="overloaded",http_request_method="HEAD",http_response_status_code="503",http_route="/groups"}"#,
            1.0,
        ),
        (
            r#"http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="400",http_route="/groups",problem="invalid-parameter"}"#,
            1.0,
        ),
        (r#"groupgate_authentications_total{outcome="key"}"#, 2.0),
        (r#"groupgate_authentications_total{outcome="invalid"}"#, 1.0),
        (r#"groupgate_tokens_total{outcome="expired"}"#, 1.0),
        (
            r#"groupgate_key_set_fetches_total{outcome="unreachable"}"#,
            1.0,
        ),
        (
            r#"groupgate_requests_refused_total{reason="overloaded"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",server_address="club.example",server_port="443",source="club"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",server_address="_OTHER",source="club"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{error_type="502",http_request_method="GET",http_response_status_code="502",server_address="club.example",server_port="443",source="club"}"#,
            1.0,
        ),
        (
            r#"http_server_request_duration_seconds_count{error_type="503",http_request_method="GET",http_response_status_code="503",http_route="/groups"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="_OTHER",server_address="club.example",server_port="443",source="club"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{error_type="_OTHER",http_request_method="GET",http_response_status_code="_OTHER",server_address="club.example",server_port="443",source="club"}"#,
            2.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{error_type="connect",http_request_method="GET",server_address="club.example",server_port="443",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_upstream_retries_total{error_type="timeout",source="club"}"#,
            1.0,
        ),
        (r#"groupgate_upstream_hedges_total{source="club"}"#, 1.0),
        (
            r#"groupgate_upstream_rate_limit_wait_seconds_sum{source="club"}"#,
            0.4,
        ),
        (r#"groupgate_upstream_logins_total{source="club"}"#, 1.0),
        (
            r#"groupgate_upstream_logins_total{error_type="timeout",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_walk_duration_seconds_sum{outcome="replaced",source="club"}"#,
            2.0,
        ),
        (
            r#"groupgate_walk_duration_seconds_count{outcome="pending_shrink",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_walk_duration_seconds_count{error_type="timeout",outcome="failed",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_walk_duration_seconds_count{outcome="superseded",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_walk_duration_seconds_count{outcome="given_up",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_walk_ended_total{ended_by="total",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_walk_ended_total{ended_by="no_next",source="club"}"#,
            1.0,
        ),
        (r#"groupgate_walk_groups_total{source="club"}"#, 8.0),
        (r#"groupgate_walk_skipped_total{source="club"}"#, 5.0),
        (r#"groupgate_walk_restarts_total{source="club"}"#, 1.0),
        (r#"groupgate_walk_differing_total{source="club"}"#, 4.0),
        (
            r#"groupgate_source_lookups_total{collapsed="false",outcome="hit",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_source_lookups_total{collapsed="true",outcome="miss",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_cache_lookups_total{cache="answers",outcome="hit"}"#,
            2.0,
        ),
        (
            r#"groupgate_cache_lookups_total{cache="answers",outcome="miss"}"#,
            1.0,
        ),
        (
            r#"groupgate_cache_lookups_total{cache="views",outcome="hit"}"#,
            1.0,
        ),
        (
            r#"groupgate_cache_lookups_total{cache="views",outcome="miss"}"#,
            1.0,
        ),
        (r#"groupgate_cache_evictions_total{cache="answers"}"#, 1.0),
        ("groupgate_view_duration_seconds_sum", 0.003),
        (r#"groupgate_reloads_total{outcome="failed"}"#, 1.0),
    ]);
}

#[test]
fn what_is_exposed_is_what_the_table_says() {
    let metrics = metrics();
    let text = metrics.text().unwrap();
    let exposed: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(str::to_owned)
        .filter(|line| !line.starts_with("target_info "))
        .collect();
    let page_reads = ["groupgate_walk_pages_total", "groupgate_walk_records_total"];
    let told: BTreeSet<_> = METRICS
        .iter()
        .map(|metric| format!("{} {}", metric.exposed_name(), metric.kind.as_str()))
        // A page to read is made by walks only.
        .filter(|line| !page_reads.iter().any(|name| line.starts_with(name)))
        .collect();
    assert_eq!(exposed, told);
    for metric in METRICS {
        let help = format!("# HELP {} {}", metric.exposed_name(), metric.help);
        let is_told = text.lines().any(|line| line == help);
        let is_page_read = page_reads.contains(&&*metric.exposed_name());
        assert!(is_told || is_page_read, "{help}");
    }
}

#[test]
fn every_metric_has_a_name_of_its_own() {
    let names: BTreeSet<_> = METRICS.iter().map(MetricEntry::exposed_name).collect();
    assert_eq!(names.len(), METRICS.len());
}
