//! Why an upstream did not give its list.
//!
//! An [`UpstreamError`] says what kind of failure it was, in words that are stable for clients,
//! and in detail for logs and `probe`. The detail may quote an upstream; clients never see it.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// The kinds of failure, as clients see them in `error.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No answer in time.
    Timeout,
    /// No connection, or a broken one.
    Connect,
    /// No trusted connection.
    Tls,
    /// The host's name was not found.
    Dns,
    /// An HTTP status that is no success.
    HttpStatus,
    /// A success on the outside, an error in the body.
    Rejected,
    /// Our credentials were refused, also after one renewal.
    Unauthorized,
    /// We asked too often.
    RateLimited,
    /// The body cannot be read as the format that the adapter names.
    Decode,
    /// The page does not hold what the adapter says it does.
    Mapping,
    /// The pages contradict themselves or never end.
    Pagination,
    /// More pages, groups or bytes than allowed.
    LimitExceeded,
    /// The circuit breaker is open after repeated failures.
    CircuitOpen,
    /// The gateway has no room for the request: its own line or memory is full.
    Overloaded,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Timeout,
        Self::Connect,
        Self::Tls,
        Self::Dns,
        Self::HttpStatus,
        Self::Rejected,
        Self::Unauthorized,
        Self::RateLimited,
        Self::Decode,
        Self::Mapping,
        Self::Pagination,
        Self::LimitExceeded,
        Self::CircuitOpen,
        Self::Overloaded,
    ];

    /// The stable word that clients match on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::HttpStatus => "http_status",
            Self::Rejected => "rejected",
            Self::Unauthorized => "unauthorized",
            Self::RateLimited => "rate_limited",
            Self::Decode => "decode",
            Self::Mapping => "mapping",
            Self::Pagination => "pagination",
            Self::LimitExceeded => "limit_exceeded",
            Self::CircuitOpen => "circuit_open",
            Self::Overloaded => "overloaded",
        }
    }

    /// A short title for people, the same for every failure of the kind.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Timeout => "the source did not answer in time",
            Self::Connect => "the source cannot be reached",
            Self::Tls => "no trusted connection to the source",
            Self::Dns => "the source's host name was not found",
            Self::HttpStatus => "the source answered with an error status",
            Self::Rejected => "the source answered with an error in its body",
            Self::Unauthorized => "the source refused our credentials",
            Self::RateLimited => "the source asked us to slow down",
            Self::Decode => "the source's answer cannot be read",
            Self::Mapping => "the source's answer is not what was described",
            Self::Pagination => "the source's pages contradict themselves",
            Self::LimitExceeded => "the source's list is larger than allowed",
            Self::CircuitOpen => "the source's circuit breaker is open after repeated failures",
            Self::Overloaded => "the gateway is too busy to ask the source",
        }
    }

    /// Whether the same request may succeed a moment later.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Timeout | Self::Connect | Self::Dns)
    }

    /// Whether waiting is all that can be done about it.
    pub const fn is_wait(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::CircuitOpen | Self::Overloaded
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The upstream's, or of the way to it.
    Upstream,
    /// Our own: a defect, or settings that passed every check and cannot be followed.
    Gateway,
}

/// What a failure is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Concern {
    /// What was asked for: a list, by its first page.
    #[default]
    List,
    /// A page after the first: the list is there.
    LaterPage,
    /// A login: it says nothing of any list.
    Login,
    /// No answer: a request that could not be made, or what all lists together come to.
    NoAnswer,
}

/// Why an upstream did not give its list.
#[derive(Debug, Clone)]
pub struct UpstreamError {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What happened, for logs and `probe`; never shown to clients.
    pub detail: String,
    /// When the upstream wants to be asked again.
    pub retry_after: Option<Duration>,
    /// The HTTP status that it answered with, where it answered.
    pub status: Option<http::StatusCode>,
    /// What it is about.
    pub(crate) concern: Concern,
    /// Where else the upstream says that the answer is.
    pub(super) location: Option<AnswerLocation>,
    is_transient: bool,
    fault: Fault,
}

/// Where else an answer is, as the upstream says. It may repeat credentials of the request in any encoding, so
/// `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct AnswerLocation(pub(crate) Box<str>);

impl fmt::Debug for AnswerLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("another location")
    }
}

impl UpstreamError {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: None,
            status: None,
            concern: Concern::default(),
            location: None,
            is_transient: kind.is_transient(),
            fault: Fault::Upstream,
        }
    }

    /// A failure of our own.
    ///
    /// Clients know a closed list of kinds, none of which is about us. `decode` is the least untrue
    /// of them: for whatever reason, we could not read the source's answer. It blames nobody, is
    /// not worth waiting for, and lets what is cached serve on. The detail tells the truth.
    pub fn ours(detail: impl Into<String>) -> Self {
        Self {
            fault: Fault::Gateway,
            ..Self::new(ErrorKind::Decode, detail)
        }
    }

    /// Whose fault it is.
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// The same failure, with the status that it came under.
    #[must_use]
    pub fn with_status(mut self, status: http::StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// A failure of this kind that no single answer shows.
    pub(crate) fn of_no_answer(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            concern: Concern::NoAnswer,
            ..Self::new(kind, detail)
        }
    }

    /// The same failure, of a part of what was asked for.
    #[must_use]
    pub(crate) fn within(mut self, part: impl fmt::Display) -> Self {
        self.detail = format!("{part}: {}", self.detail);
        self
    }

    /// The same failure of one list, where another one accepts the credentials: it is no refusal of the account, unless a
    /// login was refused.
    #[must_use]
    pub(crate) fn beside_accepted(mut self) -> Self {
        if self.kind == ErrorKind::Unauthorized && self.concern != Concern::Login {
            let is_success = self.status.is_some_and(|status| status.is_success());
            self.kind = if is_success {
                ErrorKind::Rejected
            } else {
                ErrorKind::HttpStatus
            };
            self.detail += "; other lists accept the credentials";
        }
        self
    }

    /// The same failure, with whether the same request may succeed a moment later.
    #[must_use]
    pub fn with_transience(mut self, is_transient: bool) -> Self {
        self.is_transient = is_transient;
        self
    }

    /// The same failure, with when to ask again.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Whether the same request may succeed a moment later.
    pub const fn is_transient(&self) -> bool {
        self.is_transient
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind, self.detail)
    }
}

impl std::error::Error for UpstreamError {}

pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// What a panic says.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_it_was_given() {
        let said = |panic: Box<dyn Any + Send>| panic_message(&*panic).to_owned();
        assert_eq!(said(Box::new("one")), "one");
        assert_eq!(said(Box::new("two".to_owned())), "two");
        assert_eq!(said(Box::new(3)), "it said nothing");
    }

    #[test]
    fn the_serialized_word_is_the_displayed_word() {
        for kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
        }
    }
    #[test]
    fn the_manual_says_of_every_kind_what_to_do() {
        let manual = include_str!("../docs/errors.md");
        let (sources, _) = manual.split_once("\n## Problems\n").unwrap();
        let rows = sources.lines().filter(|line| line.starts_with("| `"));
        let described: Vec<_> = rows
            .filter_map(|row| {
                row.rsplit_once(" | ")
                    .map(|(described, _)| described.to_owned())
            })
            .collect();
        let expected = ErrorKind::ALL.map(|kind| format!("| `{kind}` | {}", kind.title()));
        assert_eq!(described, expected);
    }
}
