//! What every emulation does alike: faults, stopping, counting, and the environment it gives.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use groupgate::tools::demo::{
    Emulation, Emulations, InjectedFault, MAX_GROUPS, Options, Stats, names,
};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Error as ClientError;
use rstest::rstest;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};
use tower::BoxError;

use super::client::{Reply, ask, exchange, get, list, pick, request, start, start_with, variable};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn exchange_list(emulations: &Emulations) -> Result<Reply, BoxError> {
    exchange(request(emulations, "").body(Full::default()).unwrap()).await
}

/// Waits until the stats are as they should be.
async fn until(emulation: &Emulation, holds: impl Fn(Stats) -> bool) {
    let waiting = async {
        while !holds(emulation.stats()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("the stats get there");
}

async fn assert_refused(emulations: &Emulations) {
    let error = exchange_list(emulations).await.expect_err("it is refused");
    let error: &ClientError = error.downcast_ref().expect("there is no answer");
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn an_unknown_path_is_not_found_in_each_vendors_style() {
    let emulations = start(1).await;
    let mut told = Vec::new();
    for emulation in &emulations {
        let reply = ask(get(emulation, "/no/such%20path?%ff=%")).await;
        told.push(format!(
            "{} {} {}",
            emulation.name(),
            reply.status.as_u16(),
            reply.text()
        ));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_stopped_emulation_refuses_connections_until_it_is_started_again() {
    let emulations = start(1).await;
    let emulation = pick(&emulations, "publisher");
    let before = emulation.base_url();
    emulation.stop().await;
    assert_refused(&emulations).await;
    emulation.restart().await.unwrap();
    assert_eq!(emulation.base_url(), before);
    assert_eq!(list(&emulations, "").await.status, StatusCode::OK);
    emulation.restart().await.unwrap();
    assert_eq!(list(&emulations, "").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emulation_that_is_down_refuses_connections_at_once() {
    let emulations = start(1).await;
    let emulation = pick(&emulations, "publisher");
    emulation.set_fault(Some(InjectedFault::Refuse));
    assert_refused(&emulations).await;
    emulation.restart().await.unwrap();
    assert_refused(&emulations).await;
    emulation.set_fault(None);
    assert_eq!(list(&emulations, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_port_of_a_stopped_emulation_goes_to_nobody_else() {
    let emulations = start(1).await;
    let emulation = pick(&emulations, "publisher");
    emulation.stop().await;
    let url: http::Uri = emulation.base_url().parse().unwrap();
    let address = ([127, 0, 0, 1], url.port_u16().unwrap()).into();
    // As the system does when it looks for a free port.
    let taken = TcpSocket::new_v4().unwrap().bind(address).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_stopped_emulation_stays_stopped_when_its_fault_goes() {
    let emulations = start(1).await;
    let emulation = pick(&emulations, "publisher");
    emulation.stop().await;
    emulation.set_fault(Some(InjectedFault::Garbage));
    emulation.set_fault(None);
    assert_refused(&emulations).await;
}

#[tokio::test]
async fn faults_change_what_is_answered() {
    let emulations = start(1).await;
    let emulation = pick(&emulations, "publisher");

    emulation.set_fault(Some(InjectedFault::Status(503)));
    let reply = list(&emulations, "").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(reply.json()["message"], "Service Unavailable");

    emulation.set_fault(Some(InjectedFault::Garbage));
    let reply = list(&emulations, "").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.text().starts_with("<!doctype html>"));

    emulation.set_fault(Some(InjectedFault::ErrorInBody));
    let reply = list(&emulations, "").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json()["message"], "Internal Server Error");

    emulation.set_fault(Some(InjectedFault::Unauthorized));
    assert_eq!(list(&emulations, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(emulation.stats().unauthorized, 1);

    emulation.set_fault(Some(InjectedFault::Truncate));
    let error = exchange_list(&emulations).await.unwrap_err();
    assert!(error.is::<hyper::Error>(), "{error:?}");

    emulation.set_fault(Some(InjectedFault::Slow(Duration::from_millis(50))));
    let begin = Instant::now();
    assert_eq!(list(&emulations, "").await.status, StatusCode::OK);
    assert!(begin.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn requests_in_flight_are_counted_while_they_hang_and_forgotten_with_their_callers() {
    let emulations = start(1).await;
    let emulation = pick(&emulations, "publisher");
    emulation.set_fault(Some(InjectedFault::Hang));
    {
        let calls = std::iter::repeat_with(|| exchange_list(&emulations)).take(3);
        let hanging = futures_util::future::join_all(calls);
        tokio::select! {
            answers = hanging => panic!("a hanging emulation answered {answers:?}"),
            () = until(emulation, |stats| stats.max_in_flight == 3) => {}
        }
    }
    until(emulation, |_| {
        emulation.reset_stats();
        emulation.stats() == Stats::default()
    })
    .await;

    emulation.set_fault(None);
    list(&emulations, "").await;
    assert_eq!(emulation.stats().max_in_flight, 1);
}

#[tokio::test]
async fn every_answer_takes_the_latency() {
    let latency = Duration::from_millis(30);
    let emulations = start_with(Options {
        latency,
        ..Options::default()
    })
    .await;
    let begin = Instant::now();
    list(&emulations, "").await;
    assert!(begin.elapsed() >= latency);
}

#[tokio::test]
async fn a_fault_from_the_start_goes_to_the_upstreams_it_names() {
    let emulations = start_with(Options {
        faults: vec![
            ("*".to_owned(), InjectedFault::Status(500)),
            ("publisher".to_owned(), InjectedFault::Garbage),
        ],
        ..Options::default()
    })
    .await;
    assert_eq!(list(&emulations, "").await.status, StatusCode::OK);
    let reply = ask(get(pick(&emulations, "vinyldns"), "/groups")).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[rstest]
#[case(Options { faults: vec![("colections".to_owned(), InjectedFault::Hang)], ..Options::default() })]
#[case(Options { faults: vec![("publisher".to_owned(), InjectedFault::RepeatCursor)], ..Options::default() })]
#[case(Options { groups: MAX_GROUPS + 1, ..Options::default() })]
#[tokio::test]
async fn options_that_make_no_sense_start_nothing(#[case] options: Options) {
    let error = Emulations::start(options).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_variables_are_those_that_gateway_toml_reads() {
    let emulations = start(0).await;
    let variables = emulations.variables();
    let keys: BTreeSet<&str> = variables.iter().map(|(key, _)| key.as_str()).collect();
    let urls =
        names().map(|name| format!("GROUPGATE__UPSTREAMS__{}__BASE_URL", name.to_uppercase()));
    let secrets = [
        "COLLECTIONS_ID",
        "COLLECTIONS_SECRET",
        "VINYL_KEY",
        "VINYL_SECRET",
        "PUBLISHER_TOKEN",
        "ONLIVE_KEY",
        "ONLIVE_SECRET",
        "TALLYFY_TOKEN",
        "TALLYFY_ORG",
    ];
    let expected: BTreeSet<String> = urls.chain(secrets.map(str::to_owned)).collect();
    assert!(keys.iter().eq(expected.iter()), "{keys:?}");
    let base_url = variable(&emulations, "GROUPGATE__UPSTREAMS__PUBLISHER__BASE_URL");
    assert!(base_url.ends_with("/context"));
}

#[tokio::test]
async fn odd_requests_are_answered_and_never_panic() {
    let emulations = start(3).await;
    for emulation in &emulations {
        for method in ["HEAD", "PUT", "OPTIONS", "BREW"] {
            let request = Request::builder()
                .method(method)
                .uri(format!("{}//%00?&&==&page=%zz", emulation.base_url()))
                .header("authorization", "AWS4-HMAC-SHA256 ,,,=/")
                .body(Full::from("\u{0}{[".to_owned()))
                .unwrap();
            let reply = exchange(request).await.expect("it answers");
            assert!(reply.status.is_client_error(), "{}", emulation.name());
        }
    }
}

#[tokio::test]
async fn the_last_of_a_million_groups_costs_no_more_than_the_first() {
    let emulations = start(MAX_GROUPS).await;
    let token = variable(&emulations, "TALLYFY_TOKEN");
    let organization = variable(&emulations, "TALLYFY_ORG");
    let path = format!("/organizations/{organization}/groups?per_page=100&page=10000");
    let request = get(pick(&emulations, "tallyfy"), &path)
        .header("authorization", format!("Bearer {token}"))
        .header("x-tallyfy-client", "APIClient");
    let page = ask(request).await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 100);
    assert_eq!(page["meta"]["pagination"]["total"], MAX_GROUPS);
}
