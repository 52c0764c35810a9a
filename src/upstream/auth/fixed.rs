//! Credentials that are the same in every request: bearer, basic, and keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{Request, Uri};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};

use super::{AuthError, credentials, query};
use crate::config::Secret;
use crate::config::resolve::block::Block;
use crate::config::upstream::{ApiKeyAuth, BasicAuth, BearerAuth, Text};
use crate::percent::encode;

/// Credentials that are the same in every request, and where they stand.
#[derive(Debug)]
pub enum Fixed {
    /// In a header.
    Header {
        /// The header's name.
        name: HeaderName,
        /// The credentials with all that stands around them.
        value: HeaderValue,
    },
    /// In a query parameter.
    Query {
        /// The parameter's name.
        name: String,
        /// The key.
        key: SecretString,
    },
}

impl Fixed {
    pub(super) fn bearer(config: &BearerAuth, block: &mut Block<'_>) -> Option<Self> {
        let scheme = block.header_text("scheme", &config.scheme);
        let token = block.header_secret("token", &config.token);
        Self::authorization(scheme?, token?.expose_secret())
    }

    pub(super) fn basic(config: &BasicAuth, block: &mut Block<'_>) -> Option<Self> {
        let username = ("username", &config.username);
        let value = basic_credentials(block, username, ("password", &config.password))?;
        Some(Self::Header {
            name: AUTHORIZATION,
            value,
        })
    }

    /// Scheme and credentials, both fit for a header.
    fn authorization(scheme: &str, secret: &str) -> Option<Self> {
        Some(Self::Header {
            name: AUTHORIZATION,
            value: credentials(scheme, secret).ok()?,
        })
    }

    pub(super) fn api_key(config: &ApiKeyAuth, block: &mut Block<'_>) -> Option<Self> {
        match (&config.header, &config.query) {
            (Some(header), None) => {
                let name = block.header_name("header", header);
                let key = block.header_secret("key", &config.key);
                Some(Self::Header {
                    name: name?,
                    value: credentials("", key?.expose_secret()).ok()?,
                })
            }
            (None, Some(query)) => Some(Self::Query {
                name: query.clone(),
                key: block.secret("key", &config.key)?,
            }),
            (Some(_), Some(_)) => {
                block.wrong(
                    "query",
                    "the key cannot be in two places",
                    "either `header` or `query`",
                );
                None
            }
            (None, None) => {
                block.wrong(
                    "key",
                    "the key has no place",
                    "`header` or `query` beside it, with a name",
                );
                None
            }
        }
    }

    pub(super) fn sign(&self, request: &mut Request<Bytes>) -> Result<(), AuthError> {
        match self {
            Self::Header { name, value } => {
                request.headers_mut().insert(name, value.clone());
            }
            Self::Query { name, key } => {
                *request.uri_mut() = with_key(request.uri(), name, key)?;
            }
        }
        Ok(())
    }
}

/// A user's name and password as a header carries them (RFC 7617), each with the key that it stands
/// at in the block.
pub(in crate::upstream) fn basic_credentials(
    block: &mut Block<'_>,
    (username_key, username): (&str, &Text),
    (password_key, password): (&str, &Secret),
) -> Option<HeaderValue> {
    let username = block.text(username_key, username);
    let password = block.secret(password_key, password);
    let username = username?;
    if username.expose_secret().contains(':') {
        block.wrong(
            username_key,
            "it holds a colon, which would end it (RFC 7617, section 2)",
            "a name without a colon",
        );
        return None;
    }
    let pair = format!("{}:{}", username.expose_secret(), password?.expose_secret());
    credentials("Basic", &STANDARD.encode(pair)).ok()
}

/// The URI with the key as its last parameter. A URL that the upstream gave us for the next page
/// may hold the key already.
fn with_key(uri: &Uri, name: &str, key: &SecretString) -> Result<Uri, AuthError> {
    let is_other = |pair: &&str| {
        let present = pair.split('=').next().unwrap_or_default();
        !percent_decode_str(present).eq(name.bytes())
    };
    let others = uri.query().unwrap_or_default().split('&');
    let mut pairs: Vec<_> = others
        .filter(|pair| !pair.is_empty())
        .filter(is_other)
        .collect();
    let own = format!("{}={}", encode(name), encode(key.expose_secret()));
    pairs.push(&own);
    query::replace(uri, &pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::upstream::auth::tests::{compile, get, signed};

    #[rstest]
    #[case(
        "https://example.com/groups",
        "https://example.com/groups?api%20key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY"
    )]
    #[case(
        "https://example.com/groups?a=b%20c&d",
        "https://example.com/groups?a=b%20c&d&api%20key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY"
    )]
    #[case(
        "https://example.com/groups?%61pi%20key=old&a=b",
        "https://example.com/groups?a=b&api%20key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY"
    )]
    fn a_key_in_the_query_is_encoded_and_there_once(#[case] uri: &str, #[case] expected: &str) {
        let auth =
            compile("type = 'api_key'\nkey = { env = 'SECRET' }\nquery = 'api key'").unwrap();
        let once = signed(&auth, get(uri));
        assert_eq!(once.uri(), expected);
        assert_eq!(signed(&auth, once).uri(), expected);
    }
}
