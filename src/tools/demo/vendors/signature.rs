//! AWS Signature Version 4, as the server of `vinyldns` checks it.
//!
//! Written from AWS's description ("Create a signed AWS API request") and what that server does
//! differently: it takes date, region and service from the `Authorization` header as they are,
//! has no clock window, and sorts the decoded query as a set. The gateway signs with other code,
//! so that a mistake of either shows.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::percent::RESERVED;
use crate::tools::demo::message::{Request, header};

const SCHEME: &str = "AWS4-HMAC-SHA256";

/// What is encoded in a path, whose slashes stay.
const PATH_ENCODED: &AsciiSet = &RESERVED.remove(b'/');

/// What an `Authorization` header of this scheme says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    /// The access key's id.
    pub(super) key_id: &'a str,
    /// Day, region, service and `aws4_request`, with slashes between.
    scope: &'a str,
    /// Names of the signed headers, with semicolons between.
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Takes the header apart; `None` is one that is not of this scheme.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix(SCHEME)?.split(',').map(str::trim_start);
        let credential = parts.next()?.strip_prefix("Credential=")?;
        let signed_headers = parts.next()?.strip_prefix("SignedHeaders=")?;
        let signature = parts.next()?.strip_prefix("Signature=")?;
        let (key_id, scope) = credential.split_once('/')?;
        let whole = parts.next().is_none() && scope.split('/').count() == 4;
        (whole && scope.ends_with("/aws4_request")).then_some(Self {
            key_id,
            scope,
            signed_headers,
            signature,
        })
    }

    /// Whether the signature is the one that `secret` gives for `request`.
    pub(super) fn verifies(&self, request: &Request, secret: &str) -> bool {
        let Some(date) = header(request, "x-amz-date") else {
            return false;
        };
        let canonical = canonical_request(request, self.signed_headers);
        let hash = hex(&Sha256::digest(canonical));
        let scope = self.scope;
        let string_to_sign = format!("{SCHEME}\n{date}\n{scope}\n{hash}");
        let key = signing_key(secret, scope);
        hex(&hmac_sha256(&key, string_to_sign.as_bytes())) == self.signature
    }
}

fn signing_key(secret: &str, scope: &str) -> Vec<u8> {
    let start = format!("AWS4{secret}").into_bytes();
    scope
        .split('/')
        .fold(start, |key, part| hmac_sha256(&key, part.as_bytes()))
}

fn canonical_request(request: &Request, signed_headers: &str) -> String {
    let method = request.method();
    let path = utf8_percent_encode(request.uri().path(), PATH_ENCODED);
    let query = canonical_query(request.uri().query().unwrap_or_default());
    let headers = canonical_headers(request, signed_headers);
    let body = hex(&Sha256::digest(request.body()));
    format!("{method}\n{path}\n{query}\n{headers}\n{signed_headers}\n{body}")
}

fn canonical_query(query: &str) -> String {
    let pairs: BTreeSet<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    crate::percent::encode(text).to_string()
}

/// One line for each signed header that was sent, in the order of their names.
fn canonical_headers(request: &Request, signed_headers: &str) -> String {
    let names: BTreeSet<&str> = signed_headers.split(';').collect();
    let mut lines = String::new();
    for name in names {
        let values: Vec<String> = request
            .headers()
            .get_all(name)
            .iter()
            .map(|value| trim_all(&String::from_utf8_lossy(value.as_bytes())))
            .collect();
        if !values.is_empty() {
            lines.extend([name, ":", &values.join(","), "\n"]);
        }
    }
    lines
}

/// White space at the ends does not count, and elsewhere as one space.
fn trim_all(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// HMAC-SHA256 of `message` (RFC 2104).
pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so there always is one.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::new()).unwrap()
    }

    /// The worked example of AWS's documentation.
    fn list_users() -> Request {
        request(
            "/?Action=ListUsers&Version=2010-05-08",
            &[
                ("host", "iam.amazonaws.com"),
                (
                    "content-type",
                    "application/x-www-form-urlencoded; charset=utf-8",
                ),
                ("x-amz-date", "20150830T123600Z"),
            ],
        )
    }

    const LIST_USERS: &str = "AWS4-HMAC-SHA256 \
        Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date, \
        Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

    #[test]
    fn the_canonical_request_is_that_of_the_published_example() {
        let canonical = canonical_request(&list_users(), "content-type;host;x-amz-date");
        assert_eq!(
            canonical,
            "GET\n/\nAction=ListUsers&Version=2010-05-08\n\
             content-type:application/x-www-form-urlencoded; charset=utf-8\n\
             host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n\
             content-type;host;x-amz-date\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex(&Sha256::digest(canonical)),
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
        );
    }

    #[test]
    fn the_published_signatures_verify() {
        let authorization = Authorization::parse(LIST_USERS).unwrap();
        assert_eq!(authorization.key_id, "AKIDEXAMPLE");
        assert!(authorization.verifies(&list_users(), SECRET));
        assert!(!authorization.verifies(&list_users(), "another secret"));

        // `get-vanilla` of the test suite.
        let vanilla = request(
            "/",
            &[
                ("host", "example.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ],
        );
        let authorization = Authorization::parse(
            "AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        )
        .unwrap();
        assert!(authorization.verifies(&vanilla, SECRET));
    }

    #[test]
    fn whatever_is_signed_cannot_be_changed() {
        let authorization = Authorization::parse(LIST_USERS).unwrap();
        let (head, _) = list_users().into_parts();
        let body = Request::from_parts(head, Bytes::from_static(b"null"));
        assert!(!authorization.verifies(&body, SECRET));
        let mut date = list_users();
        date.headers_mut()
            .insert("x-amz-date", "20150830T123601Z".parse().unwrap());
        assert!(!authorization.verifies(&date, SECRET));
        let mut query = list_users();
        *query.uri_mut() = "/?Action=ListUsers&Version=2010-05-09".parse().unwrap();
        assert!(!authorization.verifies(&query, SECRET));
        let mut no_date = list_users();
        no_date.headers_mut().remove("x-amz-date");
        assert!(!authorization.verifies(&no_date, SECRET));
    }

    #[test]
    fn a_query_is_decoded_encoded_again_and_sorted_as_a_set() {
        assert_eq!(
            canonical_query("b=2&a=x+y&a=*~&b=2&c=%c3%a9&d"),
            "a=%2A~&a=x%20y&b=2&c=%C3%A9&d="
        );
        assert_eq!(canonical_query(""), "");
    }

    #[test]
    fn a_header_of_another_shape_is_no_authorization() {
        for text in [
            "",
            "Bearer token",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=k, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=k/d/r/s/other, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 SignedHeaders=host, Credential=k/d/r/s/aws4_request, Signature=0",
        ] {
            assert_eq!(Authorization::parse(text), None, "{text}");
        }
    }
}
