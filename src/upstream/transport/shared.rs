//! A service that its clones share, and that is seldom cloned for a call either.
//!
//! The layers above keep clones of what is below: one for the next attempt, one for the next hop. Most are never
//! called, and each would be a copy of all layers below. A call needs a copy of its own only until it is made: then the
//! next one takes that copy.
//!
//! So the layers below must call on to what they were ready with, as tower's own do: what a call left a permit in would
//! hold it as long as nobody takes the copy.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// How many copies are kept for the calls to come, at most.
const KEPT: usize = 8;

/// Has clones share what is below.
#[derive(Debug, Clone, Copy)]
pub(super) struct SharedLayer;

impl<S> Layer<S> for SharedLayer {
    type Service = SharedService<S>;

    fn layer(&self, inner: S) -> SharedService<S> {
        SharedService(Arc::new(Copies {
            original: inner,
            idle: Mutex::default(),
        }))
    }
}

/// Calls a copy of the inner service when that is ready.
#[derive(Debug)]
pub(super) struct SharedService<S>(Arc<Copies<S>>);

/// The inner service, and copies of it that wait for a call.
#[derive(Debug)]
struct Copies<S> {
    original: S,
    idle: Mutex<Vec<Box<S>>>,
}

impl<S: Clone> Copies<S> {
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "a copy of all layers is large, and stays where it is"
    )]
    fn take(&self) -> Box<S> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        idle.unwrap_or_else(|| Box::new(self.original.clone()))
    }
}

impl<S> Copies<S> {
    /// Keeps a copy that has been called, and so holds nothing.
    fn keep(&self, copy: Box<S>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(copy);
        }
    }
}

impl<S> Clone for SharedService<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Service<R> + Clone, R> Service<R> for SharedService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = SharedCall<S, R>;

    // The copy that is called waits for the inner service itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        SharedCall::Waiting {
            call: Some((self.0.take(), request)),
            copies: Arc::clone(&self.0),
        }
    }
}

pin_project! {
    /// A call of a copy. One that is dropped before the copy was ready takes the copy with it, for that may hold a
    /// place among those who wait.
    #[project = SharedCallProjection]
    pub(super) enum SharedCall<S: Service<R>, R> {
        Waiting { call: Option<(Box<S>, R)>, copies: Arc<Copies<S>> },
        Called { #[pin] future: S::Future },
    }
}

impl<S: Service<R>, R> Future for SharedCall<S, R> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                SharedCallProjection::Waiting { call, copies } => {
                    let Some((mut copy, request)) = call.take() else {
                        return Poll::Pending;
                    };
                    if copy.poll_ready(context)?.is_pending() {
                        *call = Some((copy, request));
                        return Poll::Pending;
                    }
                    let future = copy.call(request);
                    copies.keep(copy);
                    self.set(Self::Called { future });
                }
                SharedCallProjection::Called { future } => return future.poll(context),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::{join, join_all};
    use tokio::time::timeout;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clone_holds_nothing_until_it_is_called_and_each_call_waits_for_a_permit() {
        let service = ServiceBuilder::new()
            .layer(SharedLayer)
            .concurrency_limit(1)
            .service(service_fn(async |is_stuck: bool| {
                if is_stuck {
                    pending::<()>().await;
                }
                Ok::<_, Infallible>(())
            }));
        let short = Duration::from_secs(1);
        let _never_called = service.clone();
        let stuck = service.clone().oneshot(true);
        assert!(service.clone().oneshot(false).await.is_ok());
        let mut stuck = Box::pin(stuck);
        assert!(timeout(short, &mut stuck).await.is_err());
        assert!(
            timeout(short, service.clone().oneshot(false))
                .await
                .is_err()
        );
        drop(stuck);
        assert!(timeout(short, service.oneshot(false)).await.is_ok());
    }

    /// Counts its clones.
    #[derive(Debug, Default)]
    struct Counted(Arc<AtomicUsize>);

    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::Relaxed);
            Self(Arc::clone(&self.0))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_one_after_the_other_take_one_copy_and_those_that_wait_one_each() {
        let counted = Counted::default();
        let clones = Arc::clone(&counted.0);
        let service = ServiceBuilder::new()
            .layer(SharedLayer)
            .concurrency_limit(1)
            .service(service_fn(move |is_stuck: bool| {
                let _ = &counted;
                async move {
                    if is_stuck {
                        pending::<()>().await;
                    }
                    Ok::<_, Infallible>(())
                }
            }));
        for _ in 0..100 {
            assert!(service.clone().oneshot(false).await.is_ok());
        }
        assert_eq!(clones.load(Ordering::Relaxed), 1);
        let stuck = timeout(Duration::from_secs(2), service.clone().oneshot(true));
        let waiting = (0..3 * KEPT).map(|_| service.clone().oneshot(false));
        let (stuck, waited) = join(stuck, join_all(waiting)).await;
        assert!(stuck.is_err() && waited.iter().all(Result::is_ok));
        // The copy that is stuck has been called, so one of the others waits with it.
        assert_eq!(clones.load(Ordering::Relaxed), 3 * KEPT);
        assert_eq!(service.0.idle.lock().unwrap().len(), KEPT);
        // Those that have waited serve again.
        let again = (0..KEPT).map(|_| service.clone().oneshot(false));
        let again = timeout(Duration::from_secs(1), join_all(again)).await;
        assert!(again.is_ok_and(|again| again.iter().all(Result::is_ok)));
        assert_eq!(clones.load(Ordering::Relaxed), 3 * KEPT);
    }
}
