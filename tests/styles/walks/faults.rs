//! Every way to fail has its kind, and none of them brings a short list.

use std::time::Duration;

use groupgate::clock::WallClock;
use groupgate::error::ErrorKind;
use groupgate::tools::demo::{Change, InjectedFault, names};
use rstest::rstest;

use crate::support::adapters::{GATEWAY, adapter, compile, failed, load_emulated, walked};
use crate::support::emulations::{PAGED, emulated, emulation};

/// One try of each request, and pages of ten where there are pages. Only where a timeout is what
/// is waited for, it is short: a busy machine may take its time for everything else.
fn one_try(name: &str, expected: Option<ErrorKind>) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![("limits.retries", "0")];
    if PAGED.contains(&name) {
        settings.push(("pagination.limit", "10"));
    }
    if expected == Some(ErrorKind::Timeout) {
        settings.push(("limits.timeout", "150ms"));
    }
    settings
}

/// The vendors' own errors under status 200 are told by what they are: a status in the body, a
/// text that is no JSON, or a document without the list.
fn error_in_body(name: &str) -> ErrorKind {
    match name {
        "collections" | "onlivesite" => ErrorKind::Rejected,
        "vinyldns" => ErrorKind::Decode,
        _ => ErrorKind::Mapping,
    }
}

#[rstest]
#[case::down(InjectedFault::Refuse, ErrorKind::Connect)]
#[case::slow(InjectedFault::Slow(Duration::from_mins(1)), ErrorKind::Timeout)]
#[case::not_found(InjectedFault::Status(404), ErrorKind::HttpStatus)]
#[case::server_error(InjectedFault::Status(500), ErrorKind::HttpStatus)]
#[case::unavailable(InjectedFault::Status(503), ErrorKind::HttpStatus)]
#[case::too_many(InjectedFault::Status(429), ErrorKind::RateLimited)]
#[case::garbage(InjectedFault::Garbage, ErrorKind::Decode)]
#[case::unauthorized(InjectedFault::Unauthorized, ErrorKind::Unauthorized)]
#[case::hang(InjectedFault::Hang, ErrorKind::Timeout)]
#[case::truncate(InjectedFault::Truncate, ErrorKind::Connect)]
#[tokio::test]
async fn a_fault_in_the_middle_of_a_walk_has_its_kind(
    #[case] fault: InjectedFault,
    #[case] kind: ErrorKind,
) {
    let emulations = emulated(35).await;
    for name in PAGED {
        emulation(&emulations, name).before_page(3, Change::Fault(Some(fault)));
        let error = failed(&adapter(&emulations, name, &one_try(name, Some(kind)))).await;
        assert_eq!(error.kind, kind, "{name}: {error}");
        let waits = matches!(fault, InjectedFault::Status(429 | 503));
        let wait = waits.then_some(Duration::from_secs(1));
        assert_eq!(error.retry_after, wait, "{name}: {error}");
    }
    let name = "collections";
    emulation(&emulations, name).before_page(1, Change::Fault(Some(fault)));
    let error = failed(&adapter(&emulations, name, &one_try(name, Some(kind)))).await;
    assert_eq!(error.kind, kind, "{name}: {error}");
}

#[tokio::test]
async fn an_error_in_a_success_has_its_kind() {
    let emulations = emulated(35).await;
    for name in PAGED.into_iter().chain(["collections"]) {
        let page = if PAGED.contains(&name) { 3 } else { 1 };
        emulation(&emulations, name)
            .before_page(page, Change::Fault(Some(InjectedFault::ErrorInBody)));
        let error = failed(&adapter(&emulations, name, &one_try(name, None))).await;
        assert_eq!(error.kind, error_in_body(name), "{name}: {error}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_slow_but_in_time_brings_its_whole_list() {
    let emulations = emulated(35).await;
    for name in names() {
        emulation(&emulations, name).set_fault(Some(InjectedFault::Slow(Duration::from_millis(5))));
        let walked = walked(&adapter(&emulations, name, &one_try(name, None))).await;
        assert_eq!(walked.groups.len(), 35, "{name}");
    }
}

#[tokio::test]
async fn an_upstream_that_nobody_answers_for_heals_when_it_is_started_again() {
    let emulations = emulated(5).await;
    for name in names() {
        let emulation = emulation(&emulations, name);
        let adapter = adapter(&emulations, name, &one_try(name, None));
        assert_eq!(walked(&adapter).await.groups.len(), 5, "{name}");
        emulation.stop().await;
        let error = failed(&adapter).await;
        assert_eq!(error.kind, ErrorKind::Connect, "{name}: {error}");
        emulation.restart().await.unwrap();
        assert_eq!(walked(&adapter).await.groups.len(), 5, "{name}");
    }
}

#[tokio::test]
async fn a_host_that_has_no_address_is_a_dns_error() {
    let emulations = emulated(5).await;
    // A label of more than 63 bytes is refused without asking anybody (RFC 1035, section 2.3.4).
    let nowhere = format!("http://{}.invalid", "x".repeat(64));
    let settings = [("base_url", nowhere.as_str()), ("limits.retries", "0")];
    let error = failed(&adapter(&emulations, "onlivesite", &settings)).await;
    assert_eq!(error.kind, ErrorKind::Dns, "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_tls_error() {
    let emulations = emulated(5).await;
    let plain = emulation(&emulations, "onlivesite").base_url();
    let secure = plain.replace("http://", "https://");
    let settings = [("base_url", secure.as_str()), ("limits.retries", "0")];
    let error = failed(&adapter(&emulations, "onlivesite", &settings)).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
}

#[tokio::test]
async fn a_get_that_fails_for_a_moment_is_tried_again() {
    let emulations = emulated(35).await;
    for name in PAGED {
        let emulation = emulation(&emulations, name);
        emulation.before_page(2, Change::Fault(Some(InjectedFault::Status(500))));
        emulation.before_page(3, Change::Fault(None));
        let settings = [("pagination.limit", "10"), ("limits.concurrency", "1")];
        let walked = walked(&adapter(&emulations, name, &settings)).await;
        assert_eq!(walked.groups.len(), 35, "{name}");
        let stats = emulation.stats();
        // A hint is asked beyond.
        let pages = 5 + u64::from(name == "publisher");
        assert_eq!((stats.walks, stats.pages), (1, pages), "{name}");
    }
}

#[rstest]
#[case::that_only_reads("idempotent = true", 3)]
#[case::that_may_change_something("idempotent = false", 1)]
#[tokio::test]
async fn a_post_is_tried_again_only_if_it_says(#[case] declared: &str, #[case] tries: u64) {
    let emulations = emulated(5).await;
    let collections = emulation(&emulations, "collections");
    // Only after the login, which may always be tried again.
    collections.before_page(1, Change::Fault(Some(InjectedFault::Status(500))));
    assert!(GATEWAY.contains("idempotent = true"));
    let toml = GATEWAY.replace("idempotent = true", declared);
    let loaded = load_emulated(&toml, &emulations, &[]);
    let adapter = compile(&loaded, "collections", &WallClock::system());
    let error = failed(&adapter).await;
    assert_eq!(error.to_string(), "http_status: status 500: SERVER_FAULT");
    let stats = collections.stats();
    assert_eq!((stats.logins, stats.pages), (1, tries));
}
