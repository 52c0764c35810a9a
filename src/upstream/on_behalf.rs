//! Asking on behalf of one caller: what an upstream is sent of it, and what stands for that.
//!
//! Only a caller who authenticated has anything that could be sent. What an upstream is not sent does not
//! count: callers with equal values are one scope, and share a list.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::caller::{Caller, Credentials, Identity, Verified};
use crate::plan::{CallerValue, OnBehalf};

/// The first bytes of what a scope's digest hashes. Another encoding gets another number.
const SCOPE_ENCODING: &[u8] = b"groupgate caller scope 2\0";

/// What would end a value within a longer text, whatever language that is.
const DELIMITERS: [char; 5] = ['"', '\'', '\\', ',', ';'];

/// What an upstream is sent of one caller.
pub struct CallerAsk {
    values: Vec<(CallerValue, CallerText<'static>)>,
    /// The headers that it forwards, marked sensitive.
    pub(super) forwarded: Arc<HeaderMap>,
    /// The token that is exchanged for another one.
    pub(super) token: Option<SecretString>,
}

/// A value of a caller, in its own type.
pub(super) enum CallerText<'c> {
    Text(Cow<'c, str>),
    /// A number as it is written.
    Digits(String),
    Bool(bool),
}

/// Why an upstream cannot be asked on behalf of a caller. Says nothing of what the caller brought.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MissingValue {
    /// Nothing is known of it.
    #[error("it did not authenticate")]
    Unknown,
    /// A value of it is missing, or can be part of no request.
    #[error("it has no `{{{0}}}` that a request can carry")]
    Value(CallerValue),
    /// It did not send a header that is forwarded.
    #[error("it did not send each of the headers that are forwarded ({0})")]
    Headers(String),
    /// It authenticated otherwise than with a token.
    #[error("it authenticated without a token that could be exchanged")]
    Token,
}

impl OnBehalf {
    /// What stands for everything that the upstream is sent of a caller. Where that is its name, who vouched
    /// for it counts too: a key, a token and a certificate of one name are different callers.
    pub fn digest(&self, caller: &Caller) -> Result<[u8; 32], MissingValue> {
        let verified = self.verified(&caller.credentials)?;
        let mut digest = Sha256::new_with_prefix(SCOPE_ENCODING);
        let mut put = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        for value in &self.values {
            put(value.to_string().as_bytes());
            if let (CallerValue::Id, Identity::Authenticated(identity)) = (value, caller.identity) {
                put(&identity);
            }
            match self.value_of(value, verified)? {
                CallerText::Text(text) => put(text.as_bytes()),
                // No header and no part of a URL begins so: it is no text.
                CallerText::Digits(digits) => put(format!("\0{digits}").as_bytes()),
                CallerText::Bool(bool) => put(&[0, 0, bool.into()]),
            }
        }
        for name in self.headers.iter() {
            let sent = caller.credentials.forwarded();
            for value in sent.iter().flat_map(|sent| sent.get_all(name)) {
                put(name.as_str().as_bytes());
                put(value.as_bytes());
            }
        }
        if self.exchanges_token {
            let token = verified.token.as_ref().ok_or(MissingValue::Token)?;
            put(b"token");
            put(token.expose_secret().as_bytes());
        }
        Ok(digest.finalize().into())
    }

    /// What the upstream is sent of a caller.
    pub fn ask(&self, credentials: &Credentials) -> Result<CallerAsk, MissingValue> {
        let verified = self.verified(credentials)?;
        let values = self.values.iter().map(|value| {
            let text = match self.value_of(value, verified)? {
                CallerText::Text(text) => CallerText::Text(text.into_owned().into()),
                CallerText::Digits(digits) => CallerText::Digits(digits),
                CallerText::Bool(bool) => CallerText::Bool(bool),
            };
            Ok((value.clone(), text))
        });
        let mut forwarded = HeaderMap::new();
        for name in self.headers.iter() {
            let sent = credentials.forwarded();
            for value in sent.iter().flat_map(|sent| sent.get_all(name)) {
                let mut value = value.clone();
                value.set_sensitive(true);
                forwarded.append(name, value);
            }
        }
        let token = verified.token.clone().filter(|_| self.exchanges_token);
        if self.exchanges_token && token.is_none() {
            return Err(MissingValue::Token);
        }
        Ok(CallerAsk {
            values: values.collect::<Result<_, _>>()?,
            forwarded: Arc::new(forwarded),
            token,
        })
    }

    /// What is known of a caller that there is something to forward of.
    fn verified<'c>(&self, credentials: &'c Credentials) -> Result<&'c Verified, MissingValue> {
        let verified = credentials.verified().ok_or(MissingValue::Unknown)?;
        let required = &self.headers.required;
        // Or else it would be asked with what the gateway has besides, such as its certificate.
        let sent = credentials.forwarded();
        let is_sent = |name| sent.is_some_and(|sent| sent.contains_key(name));
        if !required.iter().all(is_sent) {
            let names: Vec<_> = required.iter().map(HeaderName::as_str).collect();
            return Err(MissingValue::Headers(names.join(", ")));
        }
        Ok(verified)
    }

    /// What a caller has for a value. What the request could not carry is as good as missing.
    fn value_of<'c>(
        &self,
        value: &CallerValue,
        verified: &'c Verified,
    ) -> Result<CallerText<'c>, MissingValue> {
        let is_in_text = self.in_texts.contains(value);
        let text = |text: &'c str| {
            let can_be_sent = can_be_sent(text) && !(is_in_text && text.contains(DELIMITERS));
            can_be_sent.then_some(CallerText::Text(text.into()))
        };
        let found = match value {
            CallerValue::Id => text(&verified.id),
            CallerValue::Claim(pointer) => match verified.claims.pointer(pointer) {
                Some(Value::String(claim)) => text(claim),
                Some(Value::Number(number)) => Some(CallerText::Digits(number.to_string())),
                Some(Value::Bool(bool)) => Some(CallerText::Bool(*bool)),
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => None,
            },
        };
        found.ok_or_else(|| MissingValue::Value(value.clone()))
    }
}

/// Whether every part of a URL and every header can carry a text, and is read as the same text.
fn can_be_sent(text: &str) -> bool {
    let is_trimmed = text.trim().len() == text.len();
    is_trimmed && !matches!(text, "" | "." | "..") && !text.contains(char::is_control)
}

impl CallerAsk {
    /// The value that a placeholder stands for.
    pub(super) fn get(&self, value: &CallerValue) -> Option<&CallerText<'static>> {
        let mut values = self.values.iter();
        values.find_map(|(name, text)| (name == value).then_some(text))
    }

    /// The texts among its values.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter_map(|(_, text)| match text {
            CallerText::Text(text) => Some(&**text),
            CallerText::Digits(digits) => Some(digits.as_str()),
            CallerText::Bool(_) => None,
        })
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let values: usize = self.texts().map(str::len).sum();
        let headers = self.forwarded.values().map(HeaderValue::len);
        let token = self
            .token
            .as_ref()
            .map_or(0, |token| token.expose_secret().len());
        size_of::<Self>() + values + headers.sum::<usize>() + token
    }
}

impl fmt::Debug for CallerAsk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallerAsk").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::plan::ForwardedNames;

    const AUTHORIZATION: HeaderName = http::header::AUTHORIZATION;

    fn caller(id: &str, claims: Value, authorization: Option<&str>) -> Caller {
        let headers = authorization.map(|value| (AUTHORIZATION, value.parse().unwrap()));
        let credentials = Credentials::of(Verified {
            id: id.to_owned(),
            claims,
            token: Some(SecretString::from("a.b.c")),
            forwarded: headers.into_iter().collect(),
        });
        Caller {
            credentials,
            ..Caller::default()
        }
    }

    fn on_behalf(values: &[&str], headers: &[HeaderName], exchanges_token: bool) -> OnBehalf {
        OnBehalf {
            values: values
                .iter()
                .map(|name| CallerValue::named(name).unwrap())
                .collect(),
            in_texts: Vec::new(),
            headers: ForwardedNames {
                required: headers.to_vec(),
                optional: Vec::new(),
            },
            exchanges_token,
            has_own_login: exchanges_token,
            scopes: 1,
        }
    }

    #[test]
    fn only_what_is_sent_tells_callers_apart() {
        let by_tenant = on_behalf(&["caller.claims/tenant"], &[], false);
        let digest = |id, tenant: Value| {
            by_tenant.digest(&caller(id, json!({ "tenant": tenant }), Some("Bearer x")))
        };
        assert_eq!(digest("alice", json!("a")), digest("bob", json!("a")));
        assert_ne!(digest("alice", json!("a")), digest("alice", json!("b")));
        assert_ne!(digest("alice", json!("1")), digest("alice", json!(1)));
        assert_ne!(digest("alice", json!("true")), digest("alice", json!(true)));
    }

    #[test]
    fn what_is_sent_never_runs_together() {
        let both = on_behalf(&["caller.claims/a", "caller.id"], &[], false);
        let digest = |id, a| both.digest(&caller(id, json!({ "a": a }), None)).unwrap();
        assert_ne!(digest("xy", "z"), digest("y", "zx"));
        assert_ne!(digest("xy", "z"), digest("x", "yz"));
        let by_header = on_behalf(&[], &[AUTHORIZATION], false);
        let digest = |value| {
            by_header
                .digest(&caller("x", json!({}), Some(value)))
                .unwrap()
        };
        assert_ne!(digest("Bearer a"), digest("Bearer b"));
        let by_token = on_behalf(&[], &[], true);
        assert_ne!(
            by_token.digest(&caller("x", json!({}), None)).unwrap(),
            digest("a.b.c")
        );
    }

    #[test]
    fn one_name_that_two_have_vouched_for_is_two_callers_where_the_name_is_sent() {
        let with_key = Caller {
            identity: Identity::Authenticated([1; 32]),
            ..caller("billing", json!({ "tenant": "a" }), None)
        };
        let with_token = Caller {
            identity: Identity::Authenticated([2; 32]),
            ..with_key.clone()
        };
        let by_id = on_behalf(&["caller.id"], &[], false);
        assert_ne!(by_id.digest(&with_key), by_id.digest(&with_token));
        let by_tenant = on_behalf(&["caller.claims/tenant"], &[], false);
        assert_eq!(by_tenant.digest(&with_key), by_tenant.digest(&with_token));
    }

    #[rstest]
    #[case::a_quote("x' or 1 eq 1 or 'x", false)]
    #[case::a_parameter("a;role=admin", false)]
    #[case::another_item("a, admin", false)]
    #[case::a_backslash("a\\", false)]
    #[case::a_name("Ada L. @ home", true)]
    fn what_could_end_a_value_within_a_longer_text_is_not_sent(
        #[case] id: &str,
        #[case] is_sent: bool,
    ) {
        let alone = on_behalf(&["caller.id"], &[], false);
        let within = OnBehalf {
            in_texts: alone.values.clone(),
            ..alone.clone()
        };
        let caller = caller(id, json!({}), None);
        assert!(alone.digest(&caller).is_ok());
        assert_eq!(within.digest(&caller).is_ok(), is_sent);
        assert_eq!(within.ask(&caller.credentials).is_ok(), is_sent);
    }

    #[rstest]
    #[case::missing(json!({}))]
    #[case::null(json!({ "tenant": null }))]
    #[case::a_list(json!({ "tenant": ["a"] }))]
    #[case::empty(json!({ "tenant": "" }))]
    #[case::a_blank_before(json!({ "tenant": " a" }))]
    #[case::a_blank_after(json!({ "tenant": "a " }))]
    #[case::a_way_up(json!({ "tenant": ".." }))]
    #[case::a_line_break(json!({ "tenant": "a\nx: b" }))]
    fn a_claim_that_no_request_can_carry_is_missing(#[case] claims: Value) {
        let by_tenant = on_behalf(&["caller.claims/tenant"], &[], false);
        let caller = caller("alice", claims, None);
        let error = by_tenant.digest(&caller).unwrap_err();
        assert_eq!(by_tenant.ask(&caller.credentials).unwrap_err(), error);
        assert_eq!(
            error.to_string(),
            "it has no `{caller.claims/tenant}` that a request can carry"
        );
    }

    #[test]
    fn who_did_not_authenticate_or_sent_nothing_cannot_be_asked_for() {
        let forwards = on_behalf(&[], &[AUTHORIZATION], false);
        let unknown = forwards.digest(&Caller::default());
        assert_eq!(unknown, Err(MissingValue::Unknown));
        let silent = forwards.digest(&caller("alice", json!({}), None));
        let named = MissingValue::Headers("authorization".to_owned());
        assert_eq!(silent, Err(named));
        let tenant = HeaderName::from_static("x-tenant");
        let both = on_behalf(&[], &[AUTHORIZATION, tenant.clone()], false);
        let with_one = caller("alice", json!({}), Some("Bearer a"));
        let named = MissingValue::Headers("authorization, x-tenant".to_owned());
        assert_eq!(both.digest(&with_one), Err(named));
        let mut one = forwards.clone();
        one.headers.optional.push(tenant);
        assert_eq!(one.digest(&with_one), forwards.digest(&with_one));
        let credentials = Credentials::of(Verified {
            id: "alice".to_owned(),
            claims: Value::Null,
            token: None,
            forwarded: HeaderMap::new(),
        });
        let exchanges = on_behalf(&[], &[], true);
        let without_token = Caller {
            credentials,
            ..Caller::default()
        };
        assert_eq!(exchanges.digest(&without_token), Err(MissingValue::Token));
        assert_eq!(
            exchanges.ask(&without_token.credentials).unwrap_err(),
            MissingValue::Token
        );
    }
}
