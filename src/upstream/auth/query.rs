//! The query of a URI, written so that nobody who signs or checks it can read it differently.

use std::fmt::Display;

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::AuthError;

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name or value in upper-case percent-encoding, without the `+` that stands for a space in
/// forms only.
pub(super) fn encode(text: &str) -> impl Display {
    utf8_percent_encode(text, RESERVED)
}

/// The same URI with another query.
pub(super) fn replace(uri: &Uri, query: &str) -> Result<Uri, AuthError> {
    let path_and_query = match query {
        "" => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query =
        Some(PathAndQuery::try_from(path_and_query).map_err(|_| AuthError::Uri)?);
    Uri::from_parts(parts).map_err(|_| AuthError::Uri)
}
