//! The time that one attempt may take: the connection, the head and the whole body, but not what it waits
//! for our own memory.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Request;
use tokio::time::{Instant, sleep};
use tower::timeout::error::Elapsed;
use tower::{BoxError, Layer, Service};

use crate::page_memory::OwnWaits;

/// Ends attempts that take longer.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeoutLayer(pub(super) Duration);

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Timeout<S> {
        Timeout {
            inner,
            limit: self.0,
        }
    }
}

/// Ends attempts of the inner service that take longer.
#[derive(Debug, Clone)]
pub(super) struct Timeout<S> {
    inner: S,
    limit: Duration,
}

impl<S, B> Service<Request<B>> for Timeout<S>
where
    S: Service<Request<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let limit = self.limit;
        let waits = request.extensions_mut().get_or_insert_default::<OwnWaits>();
        let waits = waits.clone();
        let before = waits.ended().unwrap_or_default();
        let attempt = self.inner.call(request);
        Box::pin(async move {
            let (mut attempt, mut late) = (pin!(attempt), pin!(sleep(limit)));
            let end = Instant::now() + limit;
            poll_fn(|context| {
                if let Poll::Ready(outcome) = attempt.as_mut().poll(context) {
                    return Poll::Ready(outcome);
                }
                // Whoever waits for memory is woken when it comes.
                let Some(waited) = waits.ended() else {
                    return Poll::Pending;
                };
                let end = end + waited.saturating_sub(before);
                if late.deadline() != end {
                    late.as_mut().reset(end);
                }
                ready!(late.as_mut().poll(context));
                Poll::Ready(Err(Elapsed::new().into()))
            })
            .await
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[rstest]
    #[case::in_time(60, 1, None)]
    #[case::late_besides(60, 3, Some(62))]
    #[case::late_without_a_wait(0, 3, Some(2))]
    #[tokio::test(start_paused = true)]
    async fn what_an_attempt_waits_for_our_own_memory_is_not_counted(
        #[case] ours: u64,
        #[case] theirs: u64,
        #[case] cut_off: Option<u64>,
    ) {
        let upstream = service_fn(move |request: Request<()>| async move {
            let waits = request.extensions().get::<OwnWaits>().cloned().unwrap();
            let wait = waits.begin();
            sleep(Duration::from_secs(ours)).await;
            drop(wait);
            sleep(Duration::from_secs(theirs)).await;
            Ok::<_, BoxError>(())
        });
        let begun = Instant::now();
        let attempt = TimeoutLayer(Duration::from_secs(2)).layer(upstream);
        let outcome = attempt.oneshot(Request::new(())).await;
        let late = outcome.err().map(|_| begun.elapsed().as_secs());
        assert_eq!(late, cut_off);
    }
}
