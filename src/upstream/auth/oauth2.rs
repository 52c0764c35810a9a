//! Token endpoints of OAuth 2.0: the token request of each grant (RFC 6749, RFC 7523, RFC 8693), and what its
//! answer says. Sending the one and receiving the other is the transport's matter.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use url::form_urlencoded;

use super::Token;
use super::login_answer::StatedEnd;
use crate::error::{ErrorKind, UpstreamError};
use crate::hex::hex;
use crate::page::format::Page;
use crate::plan::{Assertion, ClientProof, ExpiryUnit, Oauth2Client, TokenRequest};
use crate::upstream::masks::Masks;

/// What a token request is made of besides its plan.
#[derive(Clone, Copy)]
pub(in crate::upstream) struct Given<'a> {
    /// The refresh token that the server returned last.
    pub(in crate::upstream) refresh_token: Option<&'a SecretString>,
    /// The token of a caller.
    pub(in crate::upstream) subject: Option<&'a SecretString>,
    /// The time of signing.
    pub(in crate::upstream) now: Timestamp,
    /// What no message may show, to which signed tokens are added.
    pub(in crate::upstream) masks: &'a Masks,
}

impl Oauth2Client {
    /// The request for a token, with nothing left to add.
    pub(in crate::upstream) fn token_request(
        &self,
        given: Given<'_>,
    ) -> Result<Request<Bytes>, UpstreamError> {
        let mut form = form_urlencoded::Serializer::new(self.form.expose().to_owned());
        match &self.request {
            TokenRequest::Complete => {}
            TokenRequest::RefreshToken(configured) => {
                let returned = given.refresh_token.map(SecretString::expose_secret);
                form.append_pair("refresh_token", returned.unwrap_or(configured.expose()));
            }
            TokenRequest::Assertion(assertion) => {
                form.append_pair("assertion", &assertion.signed(given)?);
            }
        }
        if let ClientProof::Assertion(assertion) = &self.proof {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            form.append_pair("client_assertion_type", kind)
                .append_pair("client_assertion", &assertion.signed(given)?);
        }
        if let Some(subject) = given.subject {
            form.append_pair("subject_token", subject.expose_secret());
        }
        let mut request = Request::new(form.finish().into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_url.clone();
        let headers = request.headers_mut();
        if let ClientProof::Header(value) = &self.proof {
            headers.insert(AUTHORIZATION, value.clone());
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        Ok(request)
    }
}

impl Assertion {
    /// The token, signed.
    fn signed(&self, given: Given<'_>) -> Result<String, UpstreamError> {
        let lifetime = SignedDuration::try_from(self.lifetime.get()).unwrap_or(SignedDuration::MAX);
        let end = given.now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        let mut claims = self.claims.clone();
        claims.insert("iat".to_owned(), given.now.as_second().into());
        claims.insert("exp".to_owned(), end.as_second().into());
        let id = hex(&rand::random::<[u8; 16]>());
        claims.insert("jti".to_owned(), id.into());
        let token = self.key.token(self.header.clone(), &claims);
        let token = token.map_err(|error| {
            UpstreamError::ours(format!("the token of the login cannot be signed: {error}"))
        })?;
        given.masks.add_token(&token);
        Ok(token)
    }
}

/// The token in a successful answer (RFC 6749, section 5.1), whose lifetime counts from `now`.
pub(in crate::upstream) fn token_from_reply(
    reply: &Page,
    now: Timestamp,
    masks: &Masks,
) -> Result<Token, UpstreamError> {
    let reply = reply.root();
    let text = |name| reply.member(name)?.text();
    let unusable = |detail| UpstreamError::new(ErrorKind::Mapping, detail);
    let access_token = text("access_token")
        .ok_or_else(|| unusable("the token endpoint's answer holds no `access_token`"))?;
    masks.add_token(access_token.trim());
    // Section 7.1: a token whose type is unknown must not be used. Some servers leave it out.
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unusable("the token endpoint's answer is no bearer token"));
    }
    // It is only recommended: without it, the token lives until it is refused.
    let expires_in = reply.member("expires_in").filter(|value| !value.is_null());
    let stated = StatedEnd {
        at: "`expires_in`",
        unit: ExpiryUnit::Seconds,
        token: &access_token,
        now,
        masks,
    };
    let end = expires_in.map(|value| stated.of_value(value));
    let token = Token::new(Some(&access_token), end, now)?;
    Ok(if expires_in.is_none() {
        token.without_expiry("`expires_in` is not in the response")
    } else {
        token
    })
}

/// The refresh token that an answer brings, if it brings another one.
pub(in crate::upstream) fn refresh_token_in(reply: &Page, masks: &Masks) -> Option<SecretString> {
    let token = reply.root().member("refresh_token")?.text()?;
    let token = token.trim();
    if token.is_empty() {
        return None;
    }
    masks.add_token(token);
    Some(SecretString::from(token))
}

#[cfg(test)]
mod tests;
