//! The canonical forms of a request's parts, as AWS Signature Version 4 has them and others after it.

use std::borrow::Cow;

use bytes::Bytes;
use http::Request;
use http::header::{HOST, HeaderName};
use url::form_urlencoded;

use super::{AuthError, host};
use crate::percent::encode;

/// The names of signed headers, in order, with semicolons between them.
pub(super) fn names(headers: &[HeaderName]) -> String {
    let names: Vec<_> = headers.iter().map(HeaderName::as_str).collect();
    names.join(";")
}

/// The signed headers, a line each: `name:value`, without white space around a value, and with one space for
/// more within it. Several values have commas between them.
pub(super) fn headers(
    request: &Request<Bytes>,
    signed: &[HeaderName],
) -> Result<String, AuthError> {
    let lines = signed.iter().map(|name| {
        if *name == HOST {
            return Ok(format!("{name}:{}\n", host(request)?));
        }
        let values = request.headers().get_all(name).iter();
        let values = values.map(|value| {
            let text = value
                .to_str()
                .map_err(|_| AuthError::Header(name.clone()))?;
            let words: Vec<_> = text.split_ascii_whitespace().collect();
            Ok(words.join(" "))
        });
        let values: Vec<_> = values.collect::<Result<_, AuthError>>()?;
        if values.is_empty() {
            return Err(AuthError::NoHeader(name.clone()));
        }
        Ok(format!("{name}:{}\n", values.join(",")))
    });
    lines.collect()
}

/// The parameters, percent-encoded but for unreserved characters, and in the order of names and values.
pub(super) fn query(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|(name, value)| (encode(&name).to_string(), encode(&value).to_string()))
        .collect();
    pairs.sort_unstable();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

/// The path without segments that are empty or dots (RFC 3986, section 5.2.4), each of the others
/// percent-encoded once more.
pub(super) fn path(path: &str) -> String {
    let mut segments: Vec<Cow<'_, str>> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(encode(segment).into()),
        }
    }
    let is_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let end = if is_folder && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}
