//! What logins returned, by the names that placeholders have for it.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use crate::plan::login::{LOGIN_COOKIES, LOGIN_TOKEN};
#[cfg(feature = "probe")]
use crate::upstream::masks::MIN_VALUE_BYTES;

/// What a login returned, and those before it: `token`, `cookies`, the names under `values`, and all of
/// these behind the name of an earlier login and a dot.
#[derive(Clone, Default)]
pub struct LoginValues(Vec<(String, LoginValue)>);

/// A value that a login returned.
#[derive(Debug, Clone)]
pub struct LoginValue {
    text: SecretString,
    /// Whether it was a number in JSON.
    is_number: bool,
}

impl LoginValue {
    pub(super) fn new(text: &str, is_number: bool) -> Self {
        Self {
            text: SecretString::from(text),
            is_number,
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        self.text.expose_secret()
    }

    /// Whether it was a number in JSON.
    pub const fn is_number(&self) -> bool {
        self.is_number
    }
}

impl LoginValues {
    /// What there is without a login.
    pub const NONE: Self = Self(Vec::new());

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&LoginValue> {
        let mut values = self.0.iter();
        values.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// What may be a secret of them, with the names: of cookies, the value of each.
    #[cfg(feature = "probe")]
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.0.iter().flat_map(|(name, value)| {
            let is_cookies = name.rsplit('.').next() == Some(LOGIN_COOKIES);
            let separator = if is_cookies { "; " } else { "\0" };
            let parts = value.text().split(separator);
            parts.map(move |part| match part.split_once('=') {
                Some((_, value)) if is_cookies => (name.as_str(), value),
                Some(_) | None => (name.as_str(), part),
            })
        });
        // What is shorter may be a word or a number of any message, but a token is one however short.
        parts.filter(|(name, text)| *name == LOGIN_TOKEN || text.len() >= MIN_VALUE_BYTES)
    }

    pub(super) fn put(&mut self, name: &str, value: LoginValue) {
        self.0.push((name.to_owned(), value));
    }

    pub(super) fn put_token(&mut self, text: &str) {
        self.put(LOGIN_TOKEN, LoginValue::new(text, false));
    }

    pub(super) fn put_cookies(&mut self, header: &str) {
        self.put(LOGIN_COOKIES, LoginValue::new(header, false));
    }

    /// Adds what the earlier login `name` returned, but for what it has of those before itself.
    pub(in crate::upstream) fn put_all_of(&mut self, name: &str, earlier: &Self) {
        let own = earlier.0.iter().filter(|(own, _)| !own.contains('.'));
        let own = own.map(|(own, value)| (format!("{name}.{own}"), value.clone()));
        self.0.extend(own);
    }

    /// Adds all of these.
    pub(in crate::upstream) fn extend(&mut self, others: &Self) {
        self.0.extend(others.0.iter().cloned());
    }
}

impl fmt::Debug for LoginValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        formatter.debug_set().entries(names).finish()
    }
}
