//! Problems (RFC 9457): the one place that turns errors into statuses and error bodies.
//!
//! Whoever refuses a request returns a [`Problem`]. It travels in the response's extensions up to
//! a layer that knows the request's id and writes the body. So every error has one shape.

mod kind;
pub(crate) use kind::Kind;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::SourceLookup;
use crate::error::UpstreamError;
use crate::gateway::GatewayError;
use crate::gateway::availability::{self, FailureClass};
use crate::gateway::listing::SourceReport;
use crate::gateway::pool::Overloaded;
use crate::gateway::query::QueryError;
use crate::reload::LocatedProblem;

use super::audited_answer::AuditedAnswer;
use super::envelope::SourceStatus;
use super::response::{Response, empty};

/// The media type of every error body.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// When to ask again, if nothing better is known.
const SOON: Duration = Duration::from_secs(1);

/// Why a request is refused, or could not be answered.
#[derive(Debug, Clone)]
pub(crate) struct ProblemDetails {
    kind: Kind,
    detail: String,
    parameter: Option<String>,
    retry_after: Option<Duration>,
    sources: Vec<SourceStatus>,
    errors: Box<[LocatedProblem]>,
    /// What its record says of it.
    audited: Option<Arc<AuditedAnswer>>,
}

impl ProblemDetails {
    /// A problem of this kind; `detail` says what is wrong with this very request.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            parameter: None,
            retry_after: None,
            sources: Vec::new(),
            errors: Box::default(),
            audited: None,
        }
    }

    /// That a configuration was not put in force, for these errors.
    pub(crate) fn of_configuration(errors: Vec<LocatedProblem>) -> Self {
        let detail = "the configuration in force stays";
        Self {
            errors: errors.into(),
            ..Self::new(Kind::InvalidConfiguration, detail)
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

    /// The body that says all of it, of the request with this id.
    pub(crate) fn body(&self, request_id: &str) -> Vec<u8> {
        let document = ProblemDocument {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            instance: request_id,
            parameter: self.parameter.as_deref(),
            sources: &self.sources,
            errors: &self.errors,
        };
        // Strings and numbers always serialize into memory.
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// What kind of problem it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// That sources are missing, with the status that their failures call for.
    pub(crate) fn of_sources(detail: impl Into<String>, reports: &[SourceReport]) -> Self {
        let asked = reports.iter().map(|report| &report.held);
        let blamed = |report: &&SourceReport| !report.contributed() || report.missed.is_some();
        Self {
            retry_after: availability::retry_after(reports),
            sources: reports
                .iter()
                .filter(blamed)
                .map(SourceStatus::of)
                .collect(),
            audited: Some(Arc::new(AuditedAnswer::of_sources(asked))),
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

impl From<QueryError> for ProblemDetails {
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

impl From<GatewayError> for ProblemDetails {
    fn from(error: GatewayError) -> Self {
        let detail = error.to_string();
        match error {
            GatewayError::Unavailable { sources, .. } => Self::of_sources(detail, &sources),
            GatewayError::Row(error) => Self::defect(error),
            GatewayError::Overloaded => Self::new(Kind::Overloaded, detail),
        }
    }
}

impl From<Overloaded> for ProblemDetails {
    fn from(_: Overloaded) -> Self {
        GatewayError::Overloaded.into()
    }
}

impl From<ProblemDetails> for Response {
    fn from(problem: ProblemDetails) -> Self {
        let mut response = empty(problem.kind.status());
        response.body_mut().audited.clone_from(&problem.audited);
        if let Some(wait) = problem.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// The body of every error response (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemDocument<'a> {
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
    /// What is wrong with the configuration, for operators.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(skip)]
    errors: &'a [LocatedProblem],
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::catalog::SourceState;
    use crate::downstream::testing::{empty, failed, fresh};
    use crate::error::ErrorKind;

    #[rstest]
    #[case(&[ErrorKind::Timeout, ErrorKind::Timeout], StatusCode::GATEWAY_TIMEOUT)]
    #[case(&[ErrorKind::RateLimited, ErrorKind::CircuitOpen], StatusCode::SERVICE_UNAVAILABLE)]
    #[case(&[ErrorKind::Timeout, ErrorKind::RateLimited], StatusCode::BAD_GATEWAY)]
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
        let problem = ProblemDetails::of_sources("", &reports);
        assert_eq!(problem.kind().status(), expected);
        assert_eq!(problem.sources.len(), kinds.len());
    }

    #[test]
    fn a_source_on_its_first_walk_is_a_matter_of_waiting() {
        let reports = [SourceReport::new(empty("alpha", SourceState::Pending))];
        let problem = ProblemDetails::of_sources("", &reports);
        assert_eq!(problem.kind(), Kind::SourcesNotReady);
        assert_eq!(problem.retry_after(), Some(HeaderValue::from(1)));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        let problem = ProblemDetails::new(Kind::TooManyRequests, "");
        let problem = problem.with_retry_after(Duration::from_millis(2001));
        assert_eq!(problem.retry_after(), Some(HeaderValue::from(3)));
    }
}
