//! Every metric that is a state, as it is shown.

use super::*;

pub(super) fn state() -> ProcessState {
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
        certificate_ends: vec![("server", 1_900_000_000)],
        dropped_log_lines: 11,
        lost_audit_records: 13,
        failed_exports: vec![("traces", 2)],
        lost_before_export: vec![("logs", 5)],
        started: Duration::from_secs(1_795_000_000),
    }
}

#[test]
fn every_state_is_shown_as_it_is() {
    assert_told(&[
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
        (
            r#"groupgate_tls_certificate_end_seconds{of="server"}"#,
            1_900_000_000.0,
        ),
        ("groupgate_log_lines_dropped_total", 11.0),
        ("groupgate_audit_records_lost_total", 13.0),
        (
            r#"groupgate_telemetry_exports_failed_total{signal="traces"}"#,
            2.0,
        ),
        (r#"groupgate_telemetry_lost_total{signal="logs"}"#, 5.0),
        ("process_start_time_seconds", 1_795_000_000.0),
        (
            concat!(
                r#"groupgate_build_info{version=""#,
                env!("CARGO_PKG_VERSION"),
                r#""}"#
            ),
            1.0,
        ),
    ]);
    let absent = r#"groupgate_snapshot_age_seconds{source="guild"}"#;
    assert_eq!(series(&metrics()).get(absent), None);
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
