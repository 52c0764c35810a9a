//! How many series there are, and when two are one.

use super::*;

/// The series of a family, without buckets.
fn series_of(metrics: &Metrics, family: &str) -> Vec<String> {
    let named = |series: &String| series.starts_with(&format!("{family}{{"));
    series(metrics).into_keys().filter(named).collect()
}

#[test]
fn a_thousand_upstreams_have_series_of_their_own() {
    const UPSTREAMS: usize = 1_000;
    let metrics = Metrics::default();
    let names: Vec<Arc<str>> = (0..UPSTREAMS)
        .map(|number| format!("u{number}").into())
        .collect();
    for name in &names {
        let upstream = metrics.of_upstream(name).unwrap();
        upstream.observe(&Event::Hedged);
        upstream.observe(&Event::WalkSettled {
            outcome: SettledWalk::Superseded,
            elapsed: Duration::from_secs(1),
        });
    }
    let standing = state().sources.remove(0);
    let sources = names.into_iter().map(|name| SourceStanding {
        name,
        ..standing.clone()
    });
    let sources: Vec<_> = sources.collect();
    metrics.read_state_by(move || {
        Some(ProcessState {
            sources: sources.clone(),
            ..state()
        })
    });
    for (family, each) in [
        ("groupgate_upstream_hedges_total", 1),
        ("groupgate_walk_duration_seconds_count", 1),
        ("groupgate_source_state", 4),
    ] {
        let series = series_of(&metrics, family);
        assert_eq!(series.len(), each * UPSTREAMS, "{family}");
        assert!(!series.iter().any(|series| series.contains("overflow")));
    }
}

#[test]
fn words_that_begin_in_one_place_are_two_and_threads_come_to_one_series() {
    const WORDS: &str = "jsonlines";
    let metrics = Metrics::default();
    let record = |format: &'static str| {
        let traits = AnswerTraits {
            format: Some(format),
            ..AnswerTraits::default()
        };
        metrics.observe(&answered(&Method::GET, "/groups", 200, traits));
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    record(WORDS);
                    record(&WORDS[..4]);
                }
            });
        }
    });
    let told = series(&metrics);
    for format in [WORDS, "json"] {
        let name = format!(
            "http_server_request_duration_seconds_count{{format={format:?},http_request_method=\"GET\",http_response_status_code=\"200\",http_route=\"/groups\"}}"
        );
        assert_eq!(told.get(&name), Some(&400.0), "{told:#?}");
    }
    assert_eq!(metrics.requests.bound_series(), 2);
}
