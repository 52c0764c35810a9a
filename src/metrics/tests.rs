//! Every metric, by value, from the events that it counts and the state that it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::{Method, StatusCode};

use super::*;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::SettledWalk;
use crate::page::ended_by::EndedBy;
use crate::page::position::Position;
use crate::reload::{ReloadOutcome, ReloadTrigger};

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

fn state() -> ProcessState {
    let source = |name: &str, state, circuit, groups: Option<u64>| SourceStanding {
        name: name.into(),
        state,
        circuit,
        age: groups.map(|_| 12.5),
        groups,
        bytes: groups.map(|groups| groups * 100),
    };
    ProcessState {
        sources: vec![
            source("club", "fresh", Some("closed"), Some(7)),
            source("guild", "failed", None, None),
        ],
        caches: vec![CacheStanding {
            name: "views",
            bytes: 10,
            capacity: 20,
            entries: 3,
        }],
        memory: vec![
            MemoryUse {
                name: "capacity",
                bytes: None,
                limit: Some(1000),
            },
            MemoryUse {
                name: "lists",
                bytes: Some(700),
                limit: None,
            },
        ],
        waiting_pages: 2,
        connections: vec![("in_use", 4), ("idle", 1)],
        connections_limit: 64,
        connections_closed: vec![("slow", 9)],
        dropped_log_lines: 11,
        started: Duration::from_secs(1_795_000_000),
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
        (&"BREW".parse().unwrap(), 400, malformed),
    ] {
        metrics.observe(&answered(method, "/groups", status, traits));
    }
    let name: Arc<str> = "club".into();
    let club = metrics.of_upstream(&name).unwrap();
    let error = UpstreamError::new(ErrorKind::Timeout, "late");
    for outcome in [
        Ok(StatusCode::OK),
        Ok(StatusCode::BAD_GATEWAY),
        Err(ErrorKind::Connect),
    ] {
        club.observe(&Event::AttemptEnded {
            method: &Method::GET,
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
        }),
        settled(SettledWalk::PendingShrink {
            ended_by: EndedBy::NoNext,
            groups: 1,
        }),
        Event::ListAskedFor {
            forwarded: None,
            collapsed: false,
        },
        Event::ListAskedFor {
            forwarded: Some("miss"),
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
    let told = series(&metrics());
    for (name, expected) in [
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
            r#"http_server_request_duration_seconds_count{error_type="invalid-parameter",http_request_method="_OTHER",http_response_status_code="400",http_route="/groups"}"#,
            1.0,
        ),
        (
            r#"groupgate_requests_refused_total{reason="overloaded"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",source="club"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{error_type="502",http_request_method="GET",http_response_status_code="502",source="club"}"#,
            1.0,
        ),
        (
            r#"http_client_request_duration_seconds_count{error_type="connect",http_request_method="GET",source="club"}"#,
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
            r#"groupgate_walk_ended_total{ended_by="total",source="club"}"#,
            1.0,
        ),
        (
            r#"groupgate_walk_ended_total{ended_by="no_next",source="club"}"#,
            1.0,
        ),
        (r#"groupgate_walk_groups_total{source="club"}"#, 8.0),
        (r#"groupgate_walk_skipped_total{source="club"}"#, 2.0),
        (r#"groupgate_walk_restarts_total{source="club"}"#, 1.0),
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
    ] {
        let value = told.get(name).copied();
        let is_right = value.is_some_and(|value| (value - expected).abs() < 1e-9);
        assert!(is_right, "{name}: {value:?}, and not {expected}: {told:#?}");
    }
}

#[test]
fn every_state_is_shown_as_it_is() {
    let told = series(&metrics());
    for (name, expected) in [
        (
            r#"groupgate_source_state{source="club",state="fresh"}"#,
            1.0,
        ),
        (
            r#"groupgate_source_state{source="club",state="failed"}"#,
            0.0,
        ),
        (
            r#"groupgate_source_state{source="guild",state="failed"}"#,
            1.0,
        ),
        (
            r#"groupgate_upstream_circuit{source="club",state="closed"}"#,
            1.0,
        ),
        (
            r#"groupgate_upstream_circuit{source="club",state="open"}"#,
            0.0,
        ),
        (r#"groupgate_snapshot_age_seconds{source="club"}"#, 12.5),
        (r#"groupgate_snapshot_groups{source="club"}"#, 7.0),
        (r#"groupgate_snapshot_size_bytes{source="club"}"#, 700.0),
        (r#"groupgate_cache_size_bytes{cache="views"}"#, 10.0),
        (r#"groupgate_cache_capacity_bytes{cache="views"}"#, 20.0),
        (r#"groupgate_cache_entries{cache="views"}"#, 3.0),
        (r#"groupgate_memory_used_bytes{use="lists"}"#, 700.0),
        (r#"groupgate_memory_limit_bytes{use="capacity"}"#, 1000.0),
        ("groupgate_memory_waiting", 2.0),
        (r#"groupgate_connections{state="in_use"}"#, 4.0),
        ("groupgate_connections_limit", 64.0),
        (r#"groupgate_connections_closed_total{reason="slow"}"#, 9.0),
        ("groupgate_log_lines_dropped_total", 11.0),
        ("process_start_time_seconds", 1_795_000_000.0),
        (
            concat!(
                r#"groupgate_build_info{version=""#,
                env!("CARGO_PKG_VERSION"),
                r#""}"#
            ),
            1.0,
        ),
    ] {
        assert_eq!(told.get(name), Some(&expected), "{name}: {told:#?}");
    }
    let absent = r#"groupgate_snapshot_age_seconds{source="guild"}"#;
    assert_eq!(told.get(absent), None);
}

#[test]
fn a_source_that_is_gone_shows_no_state_any_more() {
    let metrics = Metrics::default();
    let sources = Arc::new(std::sync::Mutex::new(state().sources));
    let present = Arc::clone(&sources);
    metrics.read_state_by(move || {
        Some(ProcessState {
            sources: present.lock().unwrap().clone(),
            ..state()
        })
    });
    let shown = |name: &str| {
        let label = format!("source={name:?}");
        series(&metrics)
            .keys()
            .any(|series| series.contains(&label))
    };
    assert!(shown("club") && shown("guild"));
    sources.lock().unwrap().remove(0);
    assert!(!shown("club") && shown("guild"));
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
