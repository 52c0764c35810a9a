//! Two thousand callers at once, on a cold, an expired, a stale and a failing upstream: what the
//! upstreams notice of it, and how long callers wait.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use groupgate::tools::demo::InjectedFault;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, advance, pause, resume};

use crate::support::deployment::{Deployment, Setup};
use crate::support::wait::eventually;

const CALLERS: usize = 2000;

/// Callers share connections, as behind a load balancer: each carries so many requests at once.
const CONNECTIONS: usize = 8;
const PER_CONNECTION: usize = CALLERS / CONNECTIONS;

/// How long callers and exchanges may take: so long that a busy machine ends none early.
const DEADLINE: Duration = Duration::from_mins(2);
/// How long a list is fresh: longer than a stampede takes on any machine.
const TTL: Duration = Duration::from_hours(1);

/// One stampede at a time: several would only measure how busy the machine is.
static TURN: Mutex<()> = Mutex::const_new(());

/// Small answers: what is tested is who waits for what, not how fast pages are written.
const PATH: &str = "/groups?limit=1&deleted=include";

fn setup() -> Setup {
    Setup::new(30)
        .set("SERVER__DEADLINE", "2m")
        .set("CACHE__TTL", "1h")
        .set_each("LIMITS__TIMEOUT", "2m")
        .set_each("LIMITS__RETRIES", "0")
}

/// Lets the clock go on until every list is past its time, without waiting for it.
async fn outlive_lists() {
    pause();
    advance(TTL + Duration::from_secs(1)).await;
    resume();
}

/// What one caller was answered.
struct Answer {
    status: StatusCode,
    json: Value,
}

/// Asks the same for all callers at once; each must have its answer within the deadline.
async fn stampede(gateway: &Deployment) -> Vec<Answer> {
    let asked = stream::iter(0..CONNECTIONS).map(|_| connection(gateway));
    let answers: Vec<Vec<Answer>> = asked.buffer_unordered(CONNECTIONS).collect().await;
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    assert_eq!(answers.len(), CALLERS);
    answers
}

/// Asks for the callers of one HTTP/2 connection at once.
async fn connection(gateway: &Deployment) -> Vec<Answer> {
    let url = gateway.url(PATH);
    let authority = url.split('/').nth(2).unwrap();
    let stream = TcpStream::connect(authority).await.unwrap();
    let executor = TokioExecutor::new();
    let handshake = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream));
    let (sender, driver) = handshake.await.unwrap();
    let driver = tokio::spawn(driver);
    let callers = stream::iter(0..PER_CONNECTION).map(|_| {
        let (mut sender, url) = (sender.clone(), url.as_str());
        async move {
            let begun = Instant::now();
            let request = Request::get(url).body(Empty::<Bytes>::new()).unwrap();
            let response = sender.send_request(request).await.expect("an answer");
            let waited = begun.elapsed();
            assert!(waited <= DEADLINE, "{waited:?}");
            let status = response.status();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let json = serde_json::from_slice(&body).unwrap();
            Answer { status, json }
        }
    });
    let answers = callers.buffer_unordered(PER_CONNECTION).collect().await;
    driver.abort();
    answers
}

fn walks(gateway: &Deployment) -> Vec<u64> {
    let emulations = gateway.emulations().iter();
    emulations
        .map(|emulation| emulation.stats().walks)
        .collect()
}

fn requests(gateway: &Deployment) -> Vec<u64> {
    let emulations = gateway.emulations().iter();
    emulations
        .map(|emulation| emulation.stats().requests)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_cold_upstreams_each_is_walked_once() {
    let _turn = TURN.lock().await;
    // Slow enough that the last caller comes before the first walk ends.
    let slow = InjectedFault::Slow(Duration::from_millis(500));
    let gateway = setup().fault("*", slow).start().await;
    for answer in stampede(&gateway).await {
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json["complete"], true);
        assert_eq!(answer.json["total"], 150);
    }
    assert_eq!(walks(&gateway), [1; 5]);
}

#[tokio::test]
async fn on_expired_lists_each_upstream_is_walked_once_more() {
    let _turn = TURN.lock().await;
    // Nothing is served past its time, so every caller waits for the one walk.
    let gateway = setup()
        .set("CACHE__STALE_WHILE_REVALIDATE", "0s")
        .ready()
        .await;
    assert_eq!(walks(&gateway), [1; 5]);
    for emulation in gateway.emulations() {
        emulation.set_fault(Some(InjectedFault::Slow(Duration::from_millis(500))));
        emulation.set_groups(31);
    }
    outlive_lists().await;
    for answer in stampede(&gateway).await {
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json["total"], 155, "of the walk, not from before");
    }
    assert_eq!(walks(&gateway), [2; 5]);
}

#[tokio::test]
async fn on_stale_lists_nobody_waits_and_each_upstream_is_asked_once() {
    let _turn = TURN.lock().await;
    let gateway = setup().ready().await;
    let before = requests(&gateway);
    for emulation in gateway.emulations() {
        emulation.set_fault(Some(InjectedFault::Hang));
    }
    outlive_lists().await;
    for answer in stampede(&gateway).await {
        assert_eq!(answer.json["complete"], true);
        assert_eq!(answer.json["total"], 150);
    }
    // Nobody has waited for the walks, nor have they come far: each hangs at its first request, which is
    // a login where the token has ended.
    let once_more: Vec<u64> = before.iter().map(|before| before + 1).collect();
    eventually("each upstream is asked", async || {
        (requests(&gateway) == once_more).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_upstreams_are_asked_once_and_then_left_to_rest() {
    let _turn = TURN.lock().await;
    let gateway = setup()
        .set("CACHE__MIN_REFRESH", "1h")
        .fault("*", InjectedFault::Status(500))
        .start()
        .await;
    for answer in stampede(&gateway).await {
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        assert_eq!(answer.json["sources"].as_array().unwrap().len(), 5);
    }
    for _ in 0..10 {
        gateway.get(PATH).await.problem(502, "sources-failed");
    }
    // One try each: a login where there is one, or else the first page.
    for emulation in gateway.emulations() {
        assert_eq!(emulation.stats().requests, 1, "{}", emulation.name());
    }
}
