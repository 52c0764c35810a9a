//! The kinds of problem, and the status of each.

use http::StatusCode;

use crate::gateway::availability::FailureClass;

/// What every problem's `type` begins with.
const TYPE_PREFIX: &str = "urn:groupgate:problem:";

/// The kinds of problem: each is one stable `type`, one title and one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A parameter is unknown, malformed, or given too often.
    InvalidParameter,
    /// The cursor cannot be used.
    StartOver,
    /// The request is malformed elsewhere than in its parameters.
    BadRequest,
    /// The caller's credentials, or the admin listener's token, are missing or wrong.
    Unauthorized,
    /// A page of somebody else has a browser ask.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There is, but not with this method.
    MethodNotAllowed,
    /// No format that the caller accepts.
    NotAcceptable,
    /// The request carries more than any request needs to.
    ContentTooLarge,
    /// The path and query are too long.
    UriTooLong,
    /// The caller asks more often than it may.
    TooManyRequests,
    /// The headers are too long.
    HeadersTooLarge,
    /// The files that were loaded again have errors.
    InvalidConfiguration,
    /// A defect of ours.
    Internal,
    /// Sources failed, and not all of them by time.
    SourcesFailed,
    /// Sources are missing, and waiting is all there is to do.
    SourcesNotReady,
    /// Sources did not answer in time.
    SourcesTimedOut,
    /// As much is being done as can be done.
    Overloaded,
    /// Whether a caller's credentials are good cannot be found out at the moment.
    AuthenticationUnavailable,
    /// The process does not take requests yet, or no longer.
    NotReady,
    /// The answer was not done by its deadline.
    DeadlineExceeded,
}

impl Kind {
    /// Every kind, as OpenAPI lists them.
    pub(crate) const ALL: [Self; 21] = [
        Self::InvalidParameter,
        Self::StartOver,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::ContentTooLarge,
        Self::UriTooLong,
        Self::TooManyRequests,
        Self::HeadersTooLarge,
        Self::InvalidConfiguration,
        Self::Internal,
        Self::SourcesFailed,
        Self::SourcesNotReady,
        Self::SourcesTimedOut,
        Self::Overloaded,
        Self::AuthenticationUnavailable,
        Self::NotReady,
        Self::DeadlineExceeded,
    ];

    /// The status, the last part of the `type`, and the title.
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::InvalidParameter => (
                StatusCode::BAD_REQUEST,
                "invalid-parameter",
                "invalid parameter",
            ),
            Self::StartOver => (
                StatusCode::BAD_REQUEST,
                "start-over",
                "invalid cursor; start over without it",
            ),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "bad request"),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "valid credentials are required",
            ),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "not found"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "method not allowed",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "not acceptable",
            ),
            Self::ContentTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "content-too-large",
                "request body too large",
            ),
            Self::UriTooLong => (
                StatusCode::URI_TOO_LONG,
                "uri-too-long",
                "path and query too long",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "too many requests",
            ),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "request headers too large",
            ),
            Self::InvalidConfiguration => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-configuration",
                "the configuration has errors",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "internal error",
            ),
            Self::SourcesFailed => (StatusCode::BAD_GATEWAY, "sources-failed", "sources failed"),
            Self::SourcesNotReady => (
                StatusCode::SERVICE_UNAVAILABLE,
                "sources-not-ready",
                "sources are not ready yet",
            ),
            Self::SourcesTimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                "sources-timed-out",
                "sources timed out",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "the gateway is overloaded",
            ),
            Self::AuthenticationUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "authentication-unavailable",
                "credentials cannot be verified at the moment",
            ),
            Self::NotReady => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not-ready",
                "the gateway is not ready",
            ),
            Self::DeadlineExceeded => (
                StatusCode::GATEWAY_TIMEOUT,
                "deadline-exceeded",
                "deadline exceeded",
            ),
        }
    }

    /// The status that goes with it.
    pub(crate) const fn status(self) -> StatusCode {
        self.parts().0
    }

    /// The word for it, with which its `type` ends.
    pub(crate) const fn name(self) -> &'static str {
        self.parts().1
    }

    /// The stable `type`.
    pub(crate) fn uri(self) -> String {
        format!("{TYPE_PREFIX}{}", self.parts().1)
    }

    /// A short title for people.
    pub(crate) const fn title(self) -> &'static str {
        self.parts().2
    }
}

impl From<FailureClass> for Kind {
    fn from(class: FailureClass) -> Self {
        match class {
            FailureClass::TimedOut => Self::SourcesTimedOut,
            FailureClass::Waiting => Self::SourcesNotReady,
            FailureClass::Failed => Self::SourcesFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_type_of_its_own() {
        let types: BTreeSet<_> = Kind::ALL.into_iter().map(Kind::uri).collect();
        assert_eq!(types.len(), Kind::ALL.len());
    }
    #[test]
    fn the_manual_says_of_every_kind_what_to_do() {
        let manual = include_str!("../../../docs/errors.md");
        let (_, problems) = manual.split_once("\n## Problems\n").unwrap();
        let rows = problems.lines().filter(|line| line.starts_with("| `"));
        let described: Vec<_> = rows
            .filter_map(|row| {
                row.rsplit_once(" | ")
                    .map(|(described, _)| described.to_owned())
            })
            .collect();
        let expected = Kind::ALL.map(|kind| {
            let (status, word, _) = kind.parts();
            format!("| `{word}` | {}", status.as_u16())
        });
        assert_eq!(described, expected);
    }
}
