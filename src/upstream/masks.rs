//! The secrets of one upstream, and the messages that must not show them.
//!
//! An upstream may send back what it was sent: in the body of an error, in a header, in a URL. Whatever it
//! says passes here before it comes into an error or the log.

use std::sync::Arc;

use http::{HeaderValue, Request};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::UpstreamError;
use crate::plan;
use crate::redact::Redactor;

use super::extensions::carried;
use super::on_behalf::CallerAsk;

/// A value of a caller or of a login that is shorter may be a word or a number of any message.
pub(super) const MIN_VALUE_BYTES: usize = 4;

/// A part of a header that is shorter names something and proves nothing.
const MIN_PART_BYTES: usize = 8;

/// The secrets of one upstream, and those of the caller that it is asked for. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masks {
    upstream: Arc<Redactor>,
    caller: Option<Arc<Redactor>>,
}

impl Masks {
    /// These secrets, and the credentials of `upstream` as they are sent.
    pub(crate) fn new(secrets: &[SecretString], upstream: &plan::Upstream) -> Self {
        let redactor = Redactor::default();
        for secret in secrets {
            redactor.add(secret.expose_secret(), "SECRET");
        }
        for value in upstream.credential_headers() {
            redactor.add_header(value, "SECRET");
        }
        Self {
            upstream: Arc::new(redactor),
            caller: None,
        }
    }

    /// The same, and what is sent of a caller.
    pub(super) fn with_caller(&self, ask: &CallerAsk) -> Self {
        let redactor = Redactor::default();
        for text in ask.texts().filter(|text| text.len() >= MIN_VALUE_BYTES) {
            redactor.add(text, "CALLER");
        }
        for value in ask.forwarded.values() {
            add_header_of_caller(&redactor, value, "SECRET");
        }
        if let Some(token) = &ask.token {
            redactor.add(token.expose_secret(), "SECRET");
        }
        Self {
            upstream: Arc::clone(&self.upstream),
            caller: Some(Arc::new(redactor)),
        }
    }

    /// Those that come with a request, or else `usual`.
    pub(super) fn of<'a, B>(request: &'a Request<B>, usual: &'a Self) -> &'a Self {
        carried(request).unwrap_or(usual)
    }

    /// Adds a token that a login brought. Those of the last logins are remembered.
    pub(super) fn add_token(&self, token: &str) {
        let redactor = self.caller.as_ref().unwrap_or(&self.upstream);
        redactor.add_recent(token, "TOKEN");
    }

    /// Adds another value that a login brought, unless it may be a word or a number of any message.
    pub(super) fn add_login_value(&self, value: &str) {
        if value.len() >= MIN_VALUE_BYTES {
            self.add_token(value);
        }
    }

    /// A text of the upstream's, as it may be shown.
    pub(crate) fn text(&self, text: &str) -> String {
        let text = self.upstream.redact(text);
        match &self.caller {
            Some(caller) => caller.redact(&text).into_owned(),
            None => text.into_owned(),
        }
    }

    /// An error, as it may be shown.
    pub(crate) fn error(&self, mut error: UpstreamError) -> UpstreamError {
        error.detail = self.text(&error.detail);
        error
    }
}

/// Masks a header of a caller, and the parts of it that may come back by themselves.
pub(crate) fn add_header_of_caller(redactor: &Redactor, value: &HeaderValue, name: &str) {
    redactor.add_header(value, name);
    let value = value.to_str().unwrap_or_default();
    redactor.add(value, name);
    // A cookie has several, and so may a header have parameters.
    for part in value.split([' ', ',', ';']) {
        let part = part.split_once('=').map_or(part, |(_, part)| part);
        let part = part.trim_matches('"');
        if part.len() >= MIN_PART_BYTES {
            redactor.add(part, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use rstest::rstest;
    use serde_json::Value;

    use super::*;
    use crate::caller::{Credentials, Verified};
    use crate::config::testing;
    use crate::error::ErrorKind;

    #[rstest]
    #[case::as_it_is("p4ss word/é!")]
    #[case::percent_encoded("p4ss%20word%2F%C3%A9%21")]
    #[case::as_a_form_has_it("p4ss+word%2F%C3%A9%21")]
    #[case::the_pair("svc:p4ss word/é!")]
    #[case::the_pair_as_it_is_sent("c3ZjOnA0c3Mgd29yZC/DqSE=")]
    #[case::in_base64_of_its_own("cDRzcyB3b3JkL8OpIQ==")]
    #[case::in_hexadecimal_digits("7034737320776F72642FC3A921")]
    #[case::the_token_of_a_login("t0k3n-of-a-login")]
    fn what_an_upstream_sends_back_of_our_credentials_is_masked(#[case] echoed: &str) {
        let upstream = testing::upstream(
            "base_url = 'http://club.example'\nrequest = { path = '/' }\nrecords = '/'\n\
             fields = { id = 'id', name = 'id' }\n\
             auth = { type = 'basic', username = 'svc', password = { env = 'PASSWORD' } }",
            &[("PASSWORD", "p4ss word/é!")],
        );
        let masks = Masks::new(&[SecretString::from("p4ss word/é!")], &upstream);
        masks.add_token("t0k3n-of-a-login");
        let error = UpstreamError::new(ErrorKind::HttpStatus, format!("status 500: <{echoed}>"));
        let detail = masks.error(error).detail;
        assert!(
            detail.starts_with("status 500: <") && detail.contains("***"),
            "{detail}"
        );
        assert!(!detail.contains(echoed.trim_end_matches('=')), "{detail}");
    }

    #[test]
    fn tokens_of_one_caller_push_out_none_of_another() {
        let upstream = testing::upstream(
            "base_url = 'http://club.example'\nrequest = { path = '/' }\nrecords = '/'\n\
             fields = { id = 'id', name = 'id' }\nauth = { type = 'forward', headers = ['authorization'] }",
            &[],
        );
        let headers = [(AUTHORIZATION, "Bearer key-of-both".parse().unwrap())];
        let credentials = Credentials::of(Verified {
            id: "alice".to_owned(),
            claims: Value::Null,
            token: None,
            forwarded: headers.into_iter().collect(),
        });
        let ask = upstream.on_behalf.as_ref().unwrap().ask(&credentials);
        let ask = ask.unwrap();
        let masks = Masks::new(&[], &upstream);
        let [alice, bob] = [&ask, &ask].map(|ask| masks.with_caller(ask));
        alice.add_token("t0k3n-of-alice");
        for number in 0..1000 {
            bob.add_token(&format!("t0k3n-of-bob-{number}"));
        }
        let shown = alice.text("<t0k3n-of-alice>");
        assert!(!shown.contains("t0k3n"), "{shown}");
    }

    #[rstest]
    #[case::of_its_own("")]
    #[case::of_an_earlier_login("chain.client.")]
    fn the_basic_credentials_of_an_oauth_client_are_masked(#[case] at: &str) {
        let client = format!(
            "auth.{at}type = 'oauth2_client_credentials'\nauth.{at}token_url = 'http://club.example/t'\n\
             auth.{at}client_id = 'svc'\nauth.{at}client_secret = {{ env = 'SECRET' }}\n"
        );
        let login = "auth.type = 'token_exchange'\nauth.token = '/t'\n\
                     auth.request = { path = '/l', query = { t = '{login.client.token}' } }\n";
        let upstream = testing::upstream(
            &format!(
                "base_url = 'http://club.example'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
                 fields = {{ id = 'id', name = 'id' }}\n{client}{}",
                if at.is_empty() { "" } else { login }
            ),
            &[("SECRET", "s3cret-of-a-client")],
        );
        let masks = Masks::new(&[], &upstream);
        let shown = masks.text("you sent Basic c3ZjOnMzY3JldC1vZi1hLWNsaWVudA==");
        assert!(!shown.contains("c3ZjOnMzY3Jl"), "{shown}");
    }
}
