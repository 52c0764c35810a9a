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
use crate::json::whole;
use crate::plan::{CallerValue, OnBehalf};

/// The first bytes of what a scope's digest hashes. Another encoding gets another number.
const SCOPE_ENCODING: &[u8] = b"groupgate caller scope 2\0";

/// What would end a value within a longer text, or mean something there, in the languages of filters.
const DELIMITERS: [char; 8] = ['"', '\'', '\\', ',', ';', '(', ')', '*'];

/// What would begin another item of a header.
const NEXT_ITEM: char = ',';

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
    /// It did not send a header that is forwarded, or sent it without a value.
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
        let is_sent = |name| {
            let mut values = sent.iter().flat_map(|sent| sent.get_all(name)).peekable();
            let is_there = values.peek().is_some();
            // An empty one proves nothing.
            is_there && values.all(|value| !value.as_bytes().trim_ascii().is_empty())
        };
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
        let is_in_header = self.in_headers.contains(value);
        let text = |text: &'c str| {
            let ends = is_in_text && text.contains(DELIMITERS);
            let ends = ends || (is_in_header && text.contains(NEXT_ITEM));
            (can_be_sent(text) && !ends).then_some(CallerText::Text(text.into()))
        };
        let found = match value {
            CallerValue::Id => text(&verified.id),
            CallerValue::Claim(pointer) => match verified.claims.pointer(pointer) {
                Some(Value::String(claim)) => text(claim),
                Some(Value::Number(number)) => {
                    Some(CallerText::Digits(whole(number.as_str()).into()))
                }
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
mod tests;
