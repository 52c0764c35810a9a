//! Secrets, and the texts that they are removed from.
//!
//! A secret is known by its value: those that the configuration names, and the tokens that logins
//! returned. It is found in every encoding in which it may occur: as it is, in a URL, in a form, in
//! JSON, in XML or in a web page, in base64 or in hexadecimal digits. A short one counts only where it stands alone; otherwise a secret
//! `a` would blot out every `a`. An upstream may send back what it was sent, so what it says is searched for
//! the secrets it knows before it comes into a message.

use std::borrow::Cow;
#[cfg(feature = "probe")]
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
#[cfg(feature = "probe")]
use serde_json::Value;

mod encodings;
mod spelling;
use encodings::encodings;
use spelling::{Spelling, spelling_at};

/// Shown instead of a secret.
pub(crate) const MASK: &str = "***";

/// A shorter value counts only where no letter or digit is next to it.
const MIN_EMBEDDED_BYTES: usize = 8;

/// A shorter text of a pair that Basic encodes is no password: an API that takes a key as user wants any.
const MIN_PASSWORD_BYTES: usize = 4;

/// How many of the secrets that come and go are remembered. A request under way carries one of the last.
const RECENT: usize = 32;

/// Removes secrets from texts.
#[derive(Debug, Default)]
pub(crate) struct Redactor(Mutex<Known>);

/// The secrets that are removed.
#[derive(Default)]
struct Known {
    /// The longest first: a secret may be part of another.
    encoded: Vec<EncodedSecret>,
    /// Those that come and go, the oldest first.
    recent: VecDeque<String>,
}

/// A secret, as it is or in an encoding that changes all of it.
struct EncodedSecret {
    text: String,
    stand_in: String,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(&self.encoded).finish()
    }
}

impl std::fmt::Debug for EncodedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.stand_in)
    }
}

impl Redactor {
    /// Removes `value` from now on, and what is in it if it is a whole header of Basic. `name` says what it is where
    /// something has to stand in for it.
    pub(crate) fn add(&self, value: &str, name: &str) {
        lock(&self.0).add(value, name);
        if let Some((scheme, credentials)) = value.split_once(' ')
            && scheme.eq_ignore_ascii_case("basic")
        {
            self.add_credentials(credentials, name);
        }
    }

    /// Removes `value` from now on, until several others have come after it.
    pub(crate) fn add_recent(&self, value: &str, name: &str) {
        let mut known = lock(&self.0);
        let is_lasting = known.has(value) && !known.recent.iter().any(|recent| recent == value);
        if is_lasting || value.is_empty() {
            return;
        }
        known.recent.retain(|recent| recent != value);
        known.recent.push_back(value.to_owned());
        known.add(value, name);
        if known.recent.len() > RECENT
            && let Some(oldest) = known.recent.pop_front()
        {
            let gone = encodings(&oldest);
            known.encoded.retain(|secret| !gone.contains(&secret.text));
        }
    }

    /// Removes the credentials of a header from now on: what stands after the name of the scheme.
    pub(crate) fn add_header(&self, value: &HeaderValue, name: &str) {
        let Ok(value) = value.to_str() else { return };
        let credentials = value.split_once(' ');
        self.add_credentials(
            credentials.map_or(value, |(_, credentials)| credentials),
            name,
        );
    }

    /// Removes credentials from now on, and the pair that Basic encodes (RFC 7617, section 2).
    fn add_credentials(&self, credentials: &str, name: &str) {
        let mut known = lock(&self.0);
        known.add(credentials, name);
        let pair = STANDARD.decode(credentials).ok();
        if let Some(pair) = pair.and_then(|pair| String::from_utf8(pair).ok()) {
            known.add(&pair, name);
            let password = pair.split_once(':').map_or("", |(_, password)| password);
            if password.len() >= MIN_PASSWORD_BYTES {
                known.add(password, name);
            }
        }
    }

    /// The text as it may be shown. It may be cut off at its end, or where an ellipsis is.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.rewrite(text, |_, _| MASK);
        let ends = text.match_indices('\u{2026}').map(|(at, _)| at);
        let ends: Vec<_> = ends.chain([text.len()]).collect();
        let known = lock(&self.0);
        let cut = ends.into_iter().rev().filter_map(|end| {
            let secrets = known.encoded.iter();
            let starts = secrets.filter_map(|secret| beginning(&text[..end], &secret.text));
            Some(starts.min()?..end)
        });
        let cut: Vec<_> = cut.collect();
        if cut.is_empty() {
            return text;
        }
        let mut text = text.into_owned();
        for cut in cut {
            text.replace_range(cut, MASK);
        }
        Cow::Owned(text)
    }

    /// A value as it may be shown.
    #[cfg(feature = "probe")]
    pub(crate) fn redact_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(text).into_owned()),
            Value::Array(items) => items.iter().map(|item| self.redact_json(item)).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let members = members
                    .map(|(key, value)| (self.redact(key).into_owned(), self.redact_json(value)));
                Value::Object(members.collect::<serde_json::Map<_, _>>())
            }
            Value::Number(number) => {
                let text = number.to_string();
                match self.redact(&text) {
                    shown if shown == text => value.clone(),
                    shown => Value::String(shown.into_owned()),
                }
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    /// The text with something that works in place of each secret, and in `counts` how often which
    /// was replaced.
    #[cfg(feature = "probe")]
    pub(crate) fn replace<'a>(
        &self,
        text: &'a str,
        counts: &mut BTreeMap<String, usize>,
    ) -> Cow<'a, str> {
        self.rewrite(text, |secret, count| {
            *counts.entry(secret.stand_in.clone()).or_default() += count;
            &secret.stand_in
        })
    }

    /// The text with what `choose` says in place of each secret: it is given how often which occurs.
    fn rewrite<'a>(
        &self,
        text: &'a str,
        mut choose: impl for<'s> FnMut(&'s EncodedSecret, usize) -> &'s str,
    ) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &lock(&self.0).encoded {
            let places = occurrences(&text, &secret.text);
            if places.is_empty() {
                continue;
            }
            let by = choose(secret, places.len());
            let mut rewritten = String::new();
            let mut from = 0;
            for place in places {
                rewritten.push_str(&text[from..place.start]);
                rewritten.push_str(by);
                from = place.end;
            }
            rewritten.push_str(&text[from..]);
            text = Cow::Owned(rewritten);
        }
        text
    }
}

impl Known {
    fn has(&self, value: &str) -> bool {
        self.encoded.iter().any(|secret| secret.text == value)
    }

    fn add(&mut self, value: &str, name: &str) {
        if value.is_empty() || self.has(value) {
            return;
        }
        for text in encodings(value) {
            if !self.has(&text) {
                let stand_in = stand_in(value, name);
                self.encoded.push(EncodedSecret { text, stand_in });
            }
        }
        self.encoded
            .sort_by_key(|secret| std::cmp::Reverse(secret.text.len()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands in for a secret: a word that no encoding changes, or a number for a number, so that
/// JSON stays JSON.
pub(crate) fn stand_in(value: &str, name: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        let sum: u32 = name.bytes().map(u32::from).sum();
        return format!("9{:06}", sum % 1_000_000);
    }
    format!("REMOVED_{}", identifier(name))
}

/// A name in which everything but letters and digits is an underscore.
pub(crate) fn identifier(name: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    name.chars().map(plain).collect()
}

/// Where a secret occurs in a text.
fn occurrences(text: &str, secret: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut free_from = 0;
    for (start, _) in text.char_indices() {
        if start >= free_from
            && let Spelling::Whole(end) = spelling_at(text, start, secret)
            && counts(text, start..end)
        {
            places.push(start..end);
            free_from = end;
        }
    }
    places
}

/// Whether a secret at this place is one, and no part of a word.
fn counts(text: &str, place: Range<usize>) -> bool {
    let before = text[..place.start].chars().next_back();
    let after = text[place.end..].chars().next();
    let mut around = [before, after].into_iter().flatten();
    place.len() >= MIN_EMBEDDED_BYTES || around.all(|next| !next.is_alphanumeric())
}

/// Where a beginning of the secret that says something of it stands at the end of a text.
fn beginning(text: &str, secret: &str) -> Option<usize> {
    let longest = secret.len().saturating_mul(spelling::MOST_BYTES);
    let from = text.floor_char_boundary(text.len().saturating_sub(longest));
    let starts = text[from..].char_indices().map(|(at, _)| from + at);
    let mut long_enough = starts.take_while(|start| text.len() - start >= MIN_EMBEDDED_BYTES);
    long_enough.find(|start| matches!(spelling_at(text, *start, secret), Spelling::CutOff))
}

#[cfg(test)]
mod tests;
