//! A service that its clones share until they are called.
//!
//! The layers above keep clones of what is below: one for the next attempt, one for the next hop. Most are never
//! called, and each would be a copy of all layers below.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower::util::Oneshot;
use tower::{Layer, Service, ServiceExt as _};

/// Has clones share what is below.
#[derive(Debug, Clone, Copy)]
pub(super) struct SharedLayer;

impl<S> Layer<S> for SharedLayer {
    type Service = SharedService<S>;

    fn layer(&self, inner: S) -> SharedService<S> {
        SharedService(Arc::new(inner))
    }
}

/// Calls a clone of the inner service when that is ready.
#[derive(Debug)]
pub(super) struct SharedService<S>(Arc<S>);

impl<S> Clone for SharedService<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Service<R> + Clone, R> Service<R> for SharedService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Oneshot<S, R>;

    // The clone that is called waits for the inner service itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        S::clone(&self.0).oneshot(request)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::timeout;
    use tower::{ServiceBuilder, service_fn};

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
}
