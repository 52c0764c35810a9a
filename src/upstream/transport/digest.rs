//! Digest access authentication: a refused request is sent once more with the answer to its challenge.
//!
//! It sits below the signature, where it would be for any other scheme, and above the tap, so that observers see
//! both requests. Above it they are one attempt.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::plan::{Auth, DigestAccess};
use crate::upstream::auth::digest_access::DigestState;

/// Answers the challenges of one upstream.
#[derive(Debug, Clone)]
pub(super) struct DigestLayer {
    account: DigestAccess,
    /// The last challenge, which further requests answer at once.
    state: Arc<DigestState>,
}

impl DigestLayer {
    /// The layer, where the scheme is this one.
    pub(super) fn of(auth: &Auth) -> Option<Self> {
        let Auth::Digest(account) = auth else {
            return None;
        };
        Some(Self {
            account: account.clone(),
            state: Arc::default(),
        })
    }
}

impl<S> Layer<S> for DigestLayer {
    type Service = AnswerChallenge<S>;

    fn layer(&self, inner: S) -> AnswerChallenge<S> {
        AnswerChallenge {
            inner,
            digest: self.clone(),
        }
    }
}

/// Answers the challenges of the inner service.
#[derive(Debug, Clone)]
pub(super) struct AnswerChallenge<S> {
    inner: S,
    digest: DigestLayer,
}

impl<S> Service<Request<Bytes>> for AnswerChallenge<S>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = BoxError>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Bytes>, BoxError>>;

    // Both requests wait for the inner service themselves.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let inner = self.inner.clone();
        let DigestLayer { account, state } = self.digest.clone();
        Box::pin(async move {
            let mut first = request.clone();
            state.sign(&account, &mut first)?;
            let sent = first.headers().clone();
            let response = inner.clone().oneshot(first).await?;
            let is_refused = response.status() == StatusCode::UNAUTHORIZED;
            if !is_refused || !state.take(response.headers(), &sent) {
                return Ok(response);
            }
            let mut second = request;
            state.sign(&account, &mut second)?;
            inner.oneshot(second).await
        })
    }
}
