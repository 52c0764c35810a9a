//! When a breaker opens, for how long, and what closes it again.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, StatusCode};
use jiff::Timestamp;
use rstest::rstest;
use tokio::time::advance;
use tower::{Layer as _, ServiceExt as _};

use super::state::{LONGEST_OPEN, PROBE_TIME};
use super::{Breaker, CircuitBreakerLayer, CircuitState};
use crate::clock::WallClock;
use crate::error::{ErrorKind, UpstreamError};

fn breaker(thresholds: &str) -> Breaker {
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    Breaker::new(&"club".into(), &toml::from_str(thresholds).unwrap(), &wall)
}

fn error(kind: ErrorKind) -> Result<(), UpstreamError> {
    Err(UpstreamError::new(kind, "failed"))
}

fn end(breaker: &Breaker, outcome: &Result<(), UpstreamError>) {
    breaker.admit().unwrap().end(outcome);
}

fn fail(breaker: &Breaker, times: u32) {
    for _ in 0..times {
        end(breaker, &error(ErrorKind::Timeout));
    }
}

fn state(breaker: &Breaker) -> CircuitState {
    breaker.circuit().state
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_unless_a_success_comes_between() {
    let breaker = breaker("failures = 3\ncalls = 100");
    fail(&breaker, 2);
    end(&breaker, &Ok(()));
    fail(&breaker, 2);
    assert_eq!(state(&breaker), CircuitState::Closed);
    fail(&breaker, 1);
    assert_eq!(state(&breaker), CircuitState::Open);
    let rejected = breaker.admit().unwrap_err();
    assert_eq!(
        rejected.to_string(),
        "circuit_open: circuit breaker open after repeated failures; the last one: timeout: failed"
    );
    let wait = rejected.retry_after.unwrap();
    assert!((4000..=5000).contains(&wait.as_millis()), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_fail_together_count_as_one_failure_in_a_row() {
    let breaker = breaker("failures = 2\ncalls = 100");
    for expected in [CircuitState::Closed, CircuitState::Open] {
        let permits: Vec<_> = (0..8).map(|_| breaker.admit().unwrap()).collect();
        advance(Duration::from_secs(1)).await;
        for permit in permits {
            permit.end(&error(ErrorKind::Connect));
        }
        assert_eq!(state(&breaker), expected);
    }
}

#[rstest]
#[case::half(&[true, false], CircuitState::Open)]
#[case::a_third(&[true, false, false], CircuitState::Closed)]
#[tokio::test(start_paused = true)]
async fn a_high_failure_rate_opens_it(#[case] pattern: &[bool], #[case] expected: CircuitState) {
    let breaker = breaker("failures = 50\nrate = 0.5\ncalls = 12");
    for (fails, _) in pattern.iter().cycle().zip(0..12) {
        assert_eq!(state(&breaker), CircuitState::Closed);
        let outcome = if *fails {
            error(ErrorKind::Connect)
        } else {
            Ok(())
        };
        end(&breaker, &outcome);
    }
    // The rate is checked only when a request fails.
    fail(&breaker, u32::from(state(&breaker) == CircuitState::Closed));
    assert_eq!(state(&breaker), expected);
}

#[tokio::test(start_paused = true)]
async fn failures_older_than_the_window_do_not_count_towards_the_rate() {
    let breaker = breaker("failures = 50\nrate = 0.5\ncalls = 10\nwindow = '10s'");
    fail(&breaker, 9);
    advance(Duration::from_secs(11)).await;
    fail(&breaker, 9);
    assert_eq!(state(&breaker), CircuitState::Closed);
    fail(&breaker, 1);
    assert_eq!(state(&breaker), CircuitState::Open);
}

#[rstest]
#[case::unauthorized(ErrorKind::Unauthorized, None, false)]
#[case::rate_limited(ErrorKind::RateLimited, Some(429), false)]
#[case::decode(ErrorKind::Decode, None, false)]
#[case::mapping(ErrorKind::Mapping, None, false)]
#[case::too_large(ErrorKind::LimitExceeded, None, false)]
#[case::not_found(ErrorKind::HttpStatus, Some(404), false)]
#[case::rejected(ErrorKind::Rejected, None, false)]
#[case::server_error(ErrorKind::HttpStatus, Some(500), true)]
#[case::not_implemented(ErrorKind::HttpStatus, Some(501), true)]
#[case::connect(ErrorKind::Connect, None, true)]
#[case::dns(ErrorKind::Dns, None, true)]
#[case::tls(ErrorKind::Tls, None, true)]
#[case::timeout(ErrorKind::Timeout, None, true)]
#[tokio::test(start_paused = true)]
async fn only_errors_that_show_an_unhealthy_upstream_count_as_failures(
    #[case] kind: ErrorKind,
    #[case] status: Option<u16>,
    #[case] opens: bool,
) {
    let breaker = breaker("failures = 1");
    let mut error = UpstreamError::new(kind, "failed");
    if let Some(status) = status {
        error = error.with_status(StatusCode::from_u16(status).unwrap());
    }
    end(&breaker, &Err(error));
    assert_eq!(state(&breaker) == CircuitState::Open, opens);
}

#[tokio::test(start_paused = true)]
async fn a_transient_rejection_is_a_failure_and_a_fault_of_ours_is_not() {
    let breaker = breaker("failures = 1");
    end(&breaker, &Err(UpstreamError::ours("a defect")));
    assert_eq!(state(&breaker), CircuitState::Closed);
    let busy = UpstreamError::new(ErrorKind::Rejected, "busy").with_transience(true);
    end(&breaker, &Err(busy));
    assert_eq!(state(&breaker), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn after_open_for_exactly_one_probe_passes_and_its_response_closes_it() {
    let breaker = breaker("failures = 1\nopen_for = '5s'");
    fail(&breaker, 1);
    advance(Duration::from_secs(5)).await;
    assert_eq!(state(&breaker), CircuitState::Open);
    let probe = breaker.admit().unwrap();
    assert_eq!(state(&breaker), CircuitState::HalfOpen);
    for _ in 0..3 {
        assert_eq!(breaker.admit().unwrap_err().retry_after, Some(PROBE_TIME));
    }
    // A refusal shows that the upstream is up.
    probe.end(&error(ErrorKind::Unauthorized));
    assert_eq!(state(&breaker), CircuitState::Closed);
    assert!(breaker.admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn it_stays_open_twice_as_long_each_time_up_to_a_minute_until_it_closes() {
    let breaker = breaker("failures = 1\nopen_for = '20s'");
    fail(&breaker, 1);
    for longest in [20_000, 40_000, 60_000, 60_000] {
        let wait = breaker.admit().unwrap_err().retry_after.unwrap();
        let shortest = longest * 8 / 10;
        assert!((shortest..=longest).contains(&wait.as_millis()), "{wait:?}");
        advance(wait).await;
        fail(&breaker, 1);
    }
    advance(LONGEST_OPEN).await;
    end(&breaker, &Ok(()));
    fail(&breaker, 1);
    let wait = breaker.admit().unwrap_err().retry_after.unwrap();
    assert!(wait <= Duration::from_secs(20), "{wait:?}");
}

#[rstest]
#[case::dropped(None)]
#[case::not_sent(Some(ErrorKind::RateLimited))]
#[tokio::test(start_paused = true)]
async fn a_probe_without_an_outcome_reopens_it_for_as_long_as_before(
    #[case] kind: Option<ErrorKind>,
) {
    let breaker = breaker("failures = 1\nopen_for = '5s'");
    fail(&breaker, 1);
    let first = breaker.admit().unwrap_err().retry_after;
    advance(Duration::from_secs(5)).await;
    let probe = breaker.admit().unwrap();
    match kind {
        None => drop(probe),
        Some(kind) => probe.end(&error(kind)),
    }
    assert_eq!(state(&breaker), CircuitState::Open);
    assert_eq!(breaker.admit().unwrap_err().retry_after, first);
    advance(Duration::from_secs(5)).await;
    assert!(breaker.admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_request_from_before_it_opened_does_not_count_as_its_probe() {
    let breaker = breaker("failures = 1\nopen_for = '5s'");
    let late = breaker.admit().unwrap();
    let later = breaker.admit().unwrap();
    fail(&breaker, 1);
    late.end(&Ok(()));
    assert_eq!(state(&breaker), CircuitState::Open);
    advance(Duration::from_secs(5)).await;
    let _probe = breaker.admit().unwrap();
    later.end(&error(ErrorKind::Timeout));
    assert_eq!(state(&breaker), CircuitState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_reopens_a_half_open_breaker() {
    let breaker = breaker("failures = 1\nopen_for = '5s'");
    let hanging = tower::service_fn(|_: Request<()>| async {
        std::future::pending::<Infallible>().await;
        Ok::<(), UpstreamError>(())
    });
    let service = CircuitBreakerLayer::new(breaker.clone()).layer(hanging);
    fail(&breaker, 1);
    advance(Duration::from_secs(5)).await;
    let probe = service.clone().oneshot(Request::new(()));
    let cancelled = tokio::time::timeout(Duration::from_secs(1), probe).await;
    assert!(cancelled.is_err());
    assert_eq!(state(&breaker), CircuitState::Open);
    let rejected = service.oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(rejected.kind, ErrorKind::CircuitOpen);
}
