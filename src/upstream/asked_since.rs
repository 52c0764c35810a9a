//! How a walk says since when it asks for changes.

use url::Url;

/// How a walk says since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AskedSince {
    /// By this text for `{since}`.
    Text(String),
    /// By beginning at this URL.
    Link(Url),
}
