//! How the emulations behave.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::WallClock;

use super::fault::InjectedFault;

/// The most groups that one emulation serves.
pub const MAX_GROUPS: usize = 1_000_000;

/// How the emulations behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many groups each upstream has, at most [`MAX_GROUPS`].
    pub groups: usize,
    /// The minimum latency of an answer.
    pub latency: Duration,
    /// Which upstreams (`*` is every one that the fault applies to) misbehave from the start, and how.
    /// The last one counts.
    pub faults: Vec<(String, InjectedFault)>,
    /// The form of the tokens of `collections`.
    pub tokens: TokenKind,
    /// How long they are valid.
    pub token_life: Duration,
    /// Where the login answer of `collections` says that it is a success.
    pub login_status: LoginStatus,
    /// The most groups that `publisher` puts on a page, whatever is asked. Its vendor documents no
    /// such limit.
    pub publisher_page: Option<usize>,
    /// Whether `tallyfy` cuts its list into pages.
    pub tallyfy_paging: TallyfyPaging,
    /// How many requests a minute `tallyfy` accepts. Its vendor accepts 600; the default is no limit,
    /// so that a million groups can be walked in less than a quarter of an hour.
    pub tallyfy_quota: Option<u32>,
    /// The wall clock that tokens and signed dates are checked against.
    pub clock: fn() -> Timestamp,
}

/// The form of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TokenKind {
    /// A JWT (RFC 7519) signed with HS256, whose `exp` says when it expires.
    #[default]
    Jwt,
    /// Hexadecimal digits: that it has expired shows only when it is refused.
    Opaque,
}

/// Where the login answer says that it is a success. The vendor's pages disagree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoginStatus {
    /// In `statusCode`, as the groups page shows it.
    #[default]
    StatusCode,
    /// In `status`, as the login page shows it.
    Status,
    /// Nowhere in the body.
    Absent,
}

/// Whether a list is cut into pages. The vendor's page leaves it open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TallyfyPaging {
    /// It is, and `meta.pagination` says how.
    #[default]
    Meta,
    /// The whole list is one page, without `meta`.
    Absent,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            groups: 200,
            latency: Duration::ZERO,
            faults: Vec::new(),
            tokens: TokenKind::Jwt,
            token_life: Duration::from_hours(1),
            login_status: LoginStatus::StatusCode,
            publisher_page: None,
            tallyfy_paging: TallyfyPaging::Meta,
            tallyfy_quota: None,
            clock: || WallClock::system().now(),
        }
    }
}
