//! Refused credentials: believed only when a second, separate attempt is refused too.
//!
//! A single 401 or 403 among successes comes from a restart, a deployment or an overloaded
//! authorization service. Because `unauthorized` evicts the list, in memory and on disk, one refusal
//! does not suffice.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{ErrorKind, UpstreamError};

/// How long after a refusal the second attempt is made. A signature then has another time in it.
const PAUSE: Duration = Duration::from_millis(500);

/// Makes an attempt, and after a pause a second one if the first is refused. The outcome of the second
/// counts. If `deadline` leaves no time for it, the refusal is not `unauthorized`.
pub(super) async fn confirmed<T, F>(
    deadline: Instant,
    mut attempt: impl FnMut() -> F,
) -> Result<T, UpstreamError>
where
    F: Future<Output = Result<T, UpstreamError>>,
{
    let error = match attempt().await {
        Err(error) if error.kind == ErrorKind::Unauthorized => error,
        outcome => return outcome,
    };
    Box::pin(once_more(error, deadline, attempt)).await
}

/// Makes a second attempt after a first one was refused with `error`, whose outcome counts.
pub(super) async fn once_more<T, F>(
    error: UpstreamError,
    deadline: Instant,
    attempt: impl FnOnce() -> F,
) -> Result<T, UpstreamError>
where
    F: Future<Output = Result<T, UpstreamError>>,
{
    if Instant::now() + PAUSE >= deadline {
        return Err(unconfirmed(error));
    }
    tracing::info!(
        error.detail = error.detail,
        "credentials refused, making a second attempt"
    );
    sleep(PAUSE).await;
    attempt().await
}

/// The error of a refusal without a second one.
fn unconfirmed(mut error: UpstreamError) -> UpstreamError {
    error.kind = match error.status {
        Some(status) if !status.is_success() => ErrorKind::HttpStatus,
        Some(_) | None => ErrorKind::Rejected,
    };
    error
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use http::StatusCode;
    use rstest::rstest;

    use super::*;

    fn refusal(status: u16) -> Result<(), UpstreamError> {
        let error = UpstreamError::new(ErrorKind::Unauthorized, "refused");
        Err(error.with_status(StatusCode::from_u16(status).unwrap()))
    }

    fn failure(kind: ErrorKind) -> Result<(), UpstreamError> {
        Err(UpstreamError::new(kind, "failed"))
    }

    /// What comes of these outcomes in turn, and how many attempts were made.
    async fn outcome(
        time: Duration,
        outcomes: Vec<Result<(), UpstreamError>>,
    ) -> (Option<ErrorKind>, usize) {
        let all = outcomes.len();
        let left = RefCell::new(outcomes.into_iter());
        let attempt = || {
            let outcome = left.borrow_mut().next().unwrap();
            async { outcome }
        };
        let outcome = confirmed(Instant::now() + time, attempt).await;
        let made = all - left.borrow().len();
        (outcome.err().map(|error| error.kind), made)
    }

    #[rstest]
    #[case::once(vec![refusal(403), Ok(())], None, 2)]
    #[case::twice(vec![refusal(403), refusal(401), Ok(())], Some(ErrorKind::Unauthorized), 2)]
    #[case::and_then_late(vec![refusal(401), failure(ErrorKind::Timeout)], Some(ErrorKind::Timeout), 2)]
    #[case::not_at_all(vec![failure(ErrorKind::Connect), Ok(())], Some(ErrorKind::Connect), 1)]
    #[tokio::test(start_paused = true)]
    async fn credentials_are_refused_only_when_a_second_attempt_is_refused_too(
        #[case] outcomes: Vec<Result<(), UpstreamError>>,
        #[case] kind: Option<ErrorKind>,
        #[case] attempts: usize,
    ) {
        let found = outcome(Duration::from_mins(1), outcomes).await;
        assert_eq!(found, (kind, attempts));
    }

    #[rstest]
    #[case::by_a_status(403, ErrorKind::HttpStatus)]
    #[case::in_a_body(200, ErrorKind::Rejected)]
    #[tokio::test(start_paused = true)]
    async fn a_refusal_that_leaves_no_time_for_a_second_attempt_is_not_unauthorized(
        #[case] status: u16,
        #[case] kind: ErrorKind,
    ) {
        let found = outcome(Duration::from_millis(100), vec![refusal(status), Ok(())]).await;
        assert_eq!(found, (Some(kind), 1));
    }
}
