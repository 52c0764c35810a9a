//! Problems (RFC 9457): the one place that turns errors into statuses and error bodies.
//!
//! Whoever refuses a request returns a [`Problem`]. It travels in the response's extensions, for
//! only the edge knows the request's id; [`render`] writes the body there, also for what the
//! router and the layers refuse without knowing this module. So every error has one shape.

mod kind;
pub(crate) use kind::Kind;

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::SourceLookup;
use crate::error::UpstreamError;
use crate::gateway::GatewayError;
use crate::gateway::availability::{self, FailureClass};
use crate::gateway::listing::SourceReport;
use crate::gateway::query::QueryError;

use super::envelope::SourceStatus;
use super::request_id::RequestId;

/// The media type of every error body.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// When to ask again, if nothing better is known.
const SOON: Duration = Duration::from_secs(1);

/// Why a request is refused, or could not be answered.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    parameter: Option<String>,
    retry_after: Option<Duration>,
    sources: Vec<SourceStatus>,
}

impl Problem {
    /// A problem of this kind; `detail` says what is wrong with this very request.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            parameter: None,
            retry_after: None,
            sources: Vec::new(),
        }
    }

    /// The same problem, with when to ask again.
    #[must_use]
    pub(crate) const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same problem, for which a query parameter is to blame.
    #[must_use]
    pub(crate) fn with_parameter(mut self, name: impl Into<String>) -> Self {
        self.parameter = Some(name.into());
        self
    }

    /// That an answer could not be rendered, for a reason that is ours and goes to the log.
    pub(crate) fn defect(error: impl fmt::Display) -> Self {
        tracing::error!(%error, "an answer could not be rendered");
        Self::new(Kind::Internal, "the answer could not be rendered")
    }

    /// What kind of problem it is.
    #[cfg(test)]
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// That sources are missing, with the status that their failures call for.
    pub(crate) fn of_sources(detail: impl Into<String>, reports: &[SourceReport]) -> Self {
        let blamed = |report: &&SourceReport| !report.contributed() || report.missed.is_some();
        Self {
            retry_after: availability::retry_after(reports),
            sources: reports
                .iter()
                .filter(blamed)
                .map(SourceStatus::of)
                .collect(),
            ..Self::new(FailureClass::of(reports).into(), detail)
        }
    }

    /// That the walk of a source failed, whatever the source still serves from before.
    pub(crate) fn of_walk(
        detail: impl Into<String>,
        held: &SourceLookup,
        error: &UpstreamError,
    ) -> Self {
        Self {
            retry_after: error.retry_after,
            sources: vec![SourceStatus::of(&SourceReport::new(held.clone()))],
            ..Self::new(FailureClass::from(error.kind).into(), detail)
        }
    }

    /// What clients are told of an error response that came without a problem.
    fn of_refusal(method: &Method, response: &Response) -> Self {
        let kind = Kind::of(response.status());
        let allowed = response.headers().get(ALLOW);
        match allowed.and_then(|allowed| allowed.to_str().ok()) {
            Some(allowed) => {
                let allowed = allowed.replace(',', ", ");
                Self::new(kind, format!("`{method}` is none of {allowed}"))
            }
            None => Self::new(kind, kind.title()),
        }
    }

    fn retry_after(&self) -> Option<HeaderValue> {
        let status = self.kind.status();
        let told = matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        );
        // Rounded up: whoever waits so long has waited long enough.
        let wait = self.retry_after.or_else(|| told.then_some(SOON))?;
        Some(HeaderValue::from(wait.as_millis().div_ceil(1000) as u64))
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        match error {
            QueryError::Parameter { name, .. } => {
                Self::new(Kind::InvalidParameter, detail).with_parameter(name)
            }
            QueryError::TooLong(_) => Self::new(Kind::UriTooLong, detail),
            QueryError::Cursor(_) => Self::new(Kind::StartOver, detail).with_parameter("cursor"),
        }
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        let detail = error.to_string();
        match error {
            GatewayError::Unavailable { sources, .. } => Self::of_sources(detail, &sources),
            GatewayError::Overloaded => Self::new(Kind::Overloaded, detail),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.kind.status();
        if let Some(wait) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of every error response (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Document<'a> {
    /// The stable kind of problem.
    #[schemars(extend("enum" = Kind::ALL.map(Kind::uri)))]
    r#type: String,
    /// A short title, the same for every problem of the kind.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this very request.
    detail: &'a str,
    /// The id of the request, as in `x-request-id`.
    instance: &'a str,
    /// The query parameter that is to blame, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    /// How the sources stand that are to blame, where any are.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sources: &'a [SourceStatus],
}

/// Writes the body of every error response, now that the request's id is at hand.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = response
        .extensions_mut()
        .remove()
        .unwrap_or_else(|| Problem::of_refusal(&method, &response));
    let document = Document {
        r#type: problem.kind.uri(),
        title: problem.kind.title(),
        status: status.as_u16(),
        detail: &problem.detail,
        instance: id.as_ref().map(RequestId::as_str).unwrap_or_default(),
        parameter: problem.parameter.as_deref(),
        sources: &problem.sources,
    };
    // Strings and numbers always serialize into memory.
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.body_mut() = if method == Method::HEAD {
        Body::empty()
    } else {
        Body::from(body)
    };
    response
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::catalog::State;
    use crate::downstream::sources::tests::{empty, failed, fresh};
    use crate::error::ErrorKind;

    #[rstest]
    #[case(&[ErrorKind::Timeout, ErrorKind::Timeout], StatusCode::GATEWAY_TIMEOUT)]
    #[case(&[ErrorKind::RateLimited, ErrorKind::CircuitOpen], StatusCode::SERVICE_UNAVAILABLE)]
    #[case(&[ErrorKind::Timeout, ErrorKind::RateLimited], StatusCode::SERVICE_UNAVAILABLE)]
    #[case(&[ErrorKind::Timeout, ErrorKind::Decode], StatusCode::BAD_GATEWAY)]
    #[case(&[ErrorKind::Decode], StatusCode::BAD_GATEWAY)]
    fn the_status_comes_from_the_sources_that_failed(
        #[case] kinds: &[ErrorKind],
        #[case] expected: StatusCode,
    ) {
        let mut reports = vec![SourceReport::new(fresh("alpha", &[]))];
        reports.extend(
            kinds
                .iter()
                .map(|kind| SourceReport::new(failed("beta", *kind))),
        );
        let problem = Problem::of_sources("", &reports);
        assert_eq!(problem.kind().status(), expected);
        assert_eq!(problem.sources.len(), kinds.len());
    }

    #[test]
    fn a_source_on_its_first_walk_is_a_matter_of_waiting() {
        let reports = [SourceReport::new(empty("alpha", State::Pending))];
        let problem = Problem::of_sources("", &reports);
        assert_eq!(problem.kind(), Kind::SourcesNotReady);
        assert_eq!(problem.retry_after(), Some(HeaderValue::from(1)));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        let problem = Problem::new(Kind::TooManyRequests, "");
        let problem = problem.with_retry_after(Duration::from_millis(2001));
        assert_eq!(problem.retry_after(), Some(HeaderValue::from(3)));
    }
}
