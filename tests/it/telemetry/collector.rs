//! What a collector asks of a process, and what it hears of it.

use std::fs;

use opentelemetry_proto::tonic::trace::v1::Span;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::club;
use super::process::{KEEPS_NOTHING, Process, TRACED, upstream};
use super::receiver::Receiver;
use crate::support::command::{groupgate, run};
use crate::support::server::{Server, Step, header, status};
use crate::support::wait::eventually;

#[tokio::test]
async fn a_collector_gets_its_headers_and_zipped_bodies_over_tls_of_the_authority_that_is_named() {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.into())
        .unwrap();
    let receiver = Receiver::at(Server::bind().await.tls(tls).serve(|_| status(200)));
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, signed.cert.pem()).unwrap();
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let variables = [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.to_str().unwrap()),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "x-key=s3%20cret, x-team=clubs",
        ),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ];
    assert!(receiver.url().starts_with("https://"));
    let process = Process::start(&toml, receiver.url(), &variables).await;
    process.get("/groups", &TRACED).await;
    process.end().await;
    let requests = receiver.received();
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        let request = requests.iter().find(|request| request.uri().path() == path);
        let request = request.unwrap_or_else(|| panic!("nothing came to {path}"));
        for (name, value) in [
            ("x-key", "s3 cret"),
            ("x-team", "clubs"),
            ("content-encoding", "gzip"),
        ] {
            assert_eq!(header(request, name), Some(value), "{path}");
        }
    }
    let is_walk = |span: &Span| span.name == "walk" && !span.parent_span_id.is_empty();
    receiver.spans().one("the awaited walk", is_walk);
    assert!(!receiver.logs().is_empty());
}

#[tokio::test]
async fn metrics_come_with_their_values() {
    let receiver = Receiver::start().await;
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let process = Process::start(&toml, receiver.url(), &[]).await;
    for _ in 0..3 {
        process.get("/groups", &[]).await;
    }
    process.end().await;
    let of_groups = [
        ("http.route", "/groups"),
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
    ];
    let requests = receiver.metric("http.server.request.duration", &of_groups);
    let walks = receiver.metric("groupgate.walk.duration", &[("source", "club")]);
    let groups = receiver.metric("groupgate.walk.groups", &[("source", "club")]);
    // The first walk is the process's own.
    assert_eq!(format!("{requests} {walks} {groups}"), "3 4 4");
}

#[tokio::test]
async fn what_a_collector_rejects_is_logged_here_and_not_sent_to_it() {
    let receiver = Receiver::that_rejects_a_span().await;
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let quick = [("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let mut process = Process::start(&toml, receiver.url(), &quick).await;
    process.get("/groups", &TRACED).await;
    let line = process.logged("PartialSuccess").await;
    assert_eq!(line["rejected_spans"], 1);
    assert_eq!(line["error_message"], "no room");
    assert_eq!(line["target"], "opentelemetry-otlp");
    process.end().await;
    let targets = receiver.log_targets();
    assert!(targets.iter().any(|target| target.starts_with("groupgate")));
    for target in targets {
        assert!(!target.starts_with("opentelemetry"), "{target}");
    }
}

#[tokio::test]
async fn a_variable_that_is_not_understood_is_refused_by_name() {
    let variables = [
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let outcome = run(groupgate(&["serve"], variables)).await;
    assert_eq!(outcome.code, 1);
    assert_eq!(
        outcome.stderr.trim_end(),
        "error: `OTEL_EXPORTER_OTLP_PROTOCOL`: `grpc` is not spoken here: write `http/protobuf`, \
         which collectors take on port 4318"
    );
}

#[tokio::test]
async fn spans_that_find_no_room_while_the_collector_hangs_are_counted() {
    let dead = Server::play(|_| vec![Step::Hang]).await;
    let club = club().await;
    let toml = format!("{KEEPS_NOTHING}{}", upstream("club", club.base_url(), ""));
    let variables = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let process = Process::start(&toml, dead.base_url(), &variables).await;
    for _ in 0..5 {
        assert_eq!(process.get("/groups", &TRACED).await.status, 200);
    }
    let traces = "groupgate_telemetry_lost_total{signal=\"traces\"} ";
    let told = eventually("of four spans each, all but two are lost", async || {
        let told = process.metrics().await;
        let lost = told.lines().find_map(|line| line.strip_prefix(traces));
        let lost: u64 = lost.expect("losses are told").parse().unwrap();
        (lost >= 5 * 4 - 2).then_some(told)
    })
    .await;
    let logs = "groupgate_telemetry_lost_total{signal=\"logs\"} 0";
    assert!(told.contains(logs), "{told}");
    process.end().await;
}
