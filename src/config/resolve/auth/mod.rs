//! Auth schemes: what is decided of them, and what their keys cannot mean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};

use crate::config::upstream::{
    ApiKeyAuth, Auth as WrittenAuth, AwsSigv4Auth, BasicAuth, BearerAuth, Text, Upstream,
};
use crate::config::{Secret, SecretReader};
use crate::plan::auth::credentials;
use crate::plan::{Auth, DigestAccess, Fixed, SigV4};
use crate::problem::{KeyPath, Problem, Problems};

use super::block::Block;
use super::request::check_base_url;

mod assertion;
mod hmac;
mod logins;
mod message_signature;
mod oauth2;
mod of_callers;
mod token_place;

/// Decides how the upstream whose block stands at `at` is authenticated to, and reads its secrets.
pub(crate) fn auth(
    upstream: &Upstream,
    at: &KeyPath,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<Auth> {
    let block = &mut Block::new(at.join("auth"), secrets, problems);
    match &upstream.auth {
        WrittenAuth::None => Some(Auth::None),
        WrittenAuth::Bearer(bearer) => self::bearer(bearer, block).map(Auth::Fixed),
        WrittenAuth::Basic(basic) => self::basic(basic, block).map(Auth::Fixed),
        WrittenAuth::ApiKey(key) => api_key(key, block).map(Auth::Fixed),
        WrittenAuth::TokenExchange(exchange) => logins::token_exchange(exchange, upstream, block)
            .map(Box::new)
            .map(Auth::Token),
        WrittenAuth::Oauth2ClientCredentials(_)
        | WrittenAuth::Oauth2Password(_)
        | WrittenAuth::Oauth2RefreshToken(_)
        | WrittenAuth::Oauth2JwtBearer(_)
        | WrittenAuth::TokenExchangeCaller(_) => oauth2::token_auth(upstream, block)
            .map(Box::new)
            .map(Auth::Token),
        WrittenAuth::Forward(forward) => of_callers::forwarded(forward, block).map(Auth::Forward),
        WrittenAuth::AwsSigv4(aws) => sigv4(aws, block).map(Auth::SigV4),
        WrittenAuth::Hmac(hmac) => hmac::hmac(hmac, block).map(Box::new).map(Auth::Hmac),
        WrittenAuth::HttpMessageSignatures(written) => {
            let signature = message_signature::message_signature(written, block);
            signature.map(Box::new).map(Auth::MessageSignature)
        }
        WrittenAuth::Digest(digest) => {
            let username = block.text("username", &digest.username);
            let password = block.secret("password", &digest.password);
            Some(Auth::Digest(DigestAccess {
                username: username?,
                password: password?,
            }))
        }
    }
}

fn bearer(written: &BearerAuth, block: &mut Block<'_>) -> Option<Fixed> {
    let scheme = block.header_text("scheme", &written.scheme);
    let token = block.header_secret("token", &written.token);
    Some(Fixed::Header {
        name: AUTHORIZATION,
        value: credentials(scheme?, token?.expose()).ok()?,
    })
}

fn basic(written: &BasicAuth, block: &mut Block<'_>) -> Option<Fixed> {
    let username = ("username", &written.username);
    let value = basic_credentials(block, username, ("password", &written.password))?;
    Some(Fixed::Header {
        name: AUTHORIZATION,
        value,
    })
}

/// A user name and password as a header carries them (RFC 7617), each with its key in the block.
pub(crate) fn basic_credentials(
    block: &mut Block<'_>,
    (username_key, username): (&str, &Text),
    (password_key, password): (&str, &Secret),
) -> Option<HeaderValue> {
    let username = block.text(username_key, username);
    let password = block.secret(password_key, password);
    let username = username?;
    if username.expose().contains(':') {
        // It may be a secret, so it is not shown.
        block.wrong(
            username_key,
            "a user name cannot contain a colon (RFC 7617, section 2)",
            "the password has a key of its own",
        );
        return None;
    }
    let pair = format!("{}:{}", username.expose(), password?.expose());
    credentials("Basic", &STANDARD.encode(pair)).ok()
}

fn api_key(written: &ApiKeyAuth, block: &mut Block<'_>) -> Option<Fixed> {
    match (&written.header, &written.query) {
        (Some(header), None) => {
            let name = block.header_name("header", header);
            let key = block.header_secret("key", &written.key);
            Some(Fixed::Header {
                name: name?,
                value: credentials("", key?.expose()).ok()?,
            })
        }
        (None, Some(query)) => Some(Fixed::Query {
            name: query.clone(),
            key: block.secret("key", &written.key)?,
        }),
        (header, _) => {
            block.secret("key", &written.key);
            let problem = match header {
                None => Problem::new(block.own_path(), "an API key needs a place to go to"),
                Some(_) => Problem::new(
                    block.path("query"),
                    "an API key goes to a header or to the query, not to both",
                ),
            };
            block.push(problem.with_help("name exactly one of `header` and `query`"));
            None
        }
    }
}

fn sigv4(written: &AwsSigv4Auth, block: &mut Block<'_>) -> Option<SigV4> {
    let region = scope_part("region", &written.region, block);
    let service = scope_part("service", &written.service, block);
    let access_key = block.header_secret("access_key", &written.access_key);
    let secret_key = block.secret("secret_key", &written.secret_key);
    let session_token = match &written.session_token {
        Some(token) => block.header_secret("session_token", token).map(Some),
        None => Some(None),
    };
    let mut sign_headers = Vec::new();
    for (index, name) in written.sign_headers.iter().enumerate() {
        let table = &mut block.table("sign_headers");
        let index = index.to_string();
        let name = table.header_name(&index, name);
        if name == Some(AUTHORIZATION) {
            table.push(Problem::new(
                table.path(&index),
                "`authorization` carries the signature, so it cannot be signed",
            ));
        }
        sign_headers.push(name);
    }
    Some(SigV4 {
        region: region?,
        service: service?,
        access_key: access_key?,
        secret_key: secret_key?,
        session_token: session_token?,
        sign_headers: sign_headers.into_iter().collect::<Option<_>>()?,
    })
}

/// One part of the credential scope, in which slashes separate.
fn scope_part(key: &str, text: &str, block: &mut Block<'_>) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b',');
    if !text.is_empty() && text.bytes().all(is_name) {
        return Some(text.to_owned());
    }
    block.wrong(
        key,
        format!(
            "`{}` cannot be part of a credential scope",
            text.escape_default()
        ),
        "write the name that AWS uses, such as `us-east-1` or `execute-api`",
    );
    None
}

#[cfg(test)]
pub(crate) mod tests;
