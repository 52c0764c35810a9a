//! Classifies each response: a page, the end of the list, or an error with a kind.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{Request, Response, StatusCode};
use tower::{Layer, Service};

use crate::error::UpstreamError;
use crate::page_memory::{OwnWaits, PageMemory};
use crate::upstream::classify::{ClassifiedResponse, Classifier, ExpectedAnswer};
use crate::upstream::extensions::{carried, deadline};
use crate::upstream::masks::Masks;
use crate::upstream::off_thread::Urgency;

/// Classifies responses with the [`Classifier`] that comes with the request.
#[derive(Debug, Clone)]
pub(super) struct ClassifyLayer(pub(super) Masks);

impl<S> Layer<S> for ClassifyLayer {
    type Service = Classify<S>;

    fn layer(&self, inner: S) -> Classify<S> {
        Classify {
            inner,
            masks: self.0.clone(),
        }
    }
}

/// Classifies the responses of the inner service.
#[derive(Debug, Clone)]
pub(super) struct Classify<S> {
    inner: S,
    masks: Masks,
}

impl<S> Service<Request<Bytes>> for Classify<S>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = UpstreamError>,
    S::Future: Send + 'static,
{
    type Response = ClassifiedResponse;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<ClassifiedResponse, UpstreamError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let classifier = carried::<Classifier, _>(&request).cloned();
        let expected = carried::<ExpectedAnswer, _>(&request).copied();
        let expected = expected.unwrap_or_default();
        let memory = carried::<PageMemory, _>(&request).cloned();
        let waits = carried::<OwnWaits, _>(&request).cloned();
        let urgency = carried::<Urgency, _>(&request).copied();
        let deadline = deadline(&request);
        let masks = Masks::of(&request, &self.masks).clone();
        let is_conditional = [IF_NONE_MATCH, IF_MODIFIED_SINCE]
            .iter()
            .any(|name| request.headers().contains_key(name));
        let response = self.inner.call(request);
        let answer = async move {
            let Some(classifier) = classifier else {
                return Err(UpstreamError::ours("the request carries no classifier"));
            };
            // The concurrency permit is returned here, before the body is decoded.
            let response = response.await?;
            if is_conditional && response.status() == StatusCode::NOT_MODIFIED {
                return Ok(ClassifiedResponse::unchanged(
                    response.into_parts().0.headers,
                ));
            }
            let memory = memory.unwrap_or_default();
            classifier
                .expecting(expected)
                .classify_response(
                    response,
                    &memory,
                    deadline,
                    &waits.unwrap_or_default(),
                    urgency.unwrap_or_default(),
                )
                .await
        };
        // Above this line, no message shows what the upstream knows of our secrets.
        Box::pin(answer.map_err(move |error| masks.error(error)))
    }
}
