//! Secrets, and the texts that they are removed from.
//!
//! A secret is known by its value: those that the configuration names, and the tokens that logins
//! returned. It is found in every encoding in which it may occur: as it is, in a URL, in a form, in
//! JSON, in XML or in a web page. A short one counts only where it stands alone; otherwise a secret
//! `a` would blot out every `a`. An upstream may send back what it was sent, so what it says is searched for
//! the secrets it knows before it comes into a message.

use std::borrow::Cow;
#[cfg(feature = "probe")]
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use url::form_urlencoded;

use crate::percent::RESERVED;

/// Shown instead of a secret.
pub(crate) const MASK: &str = "***";

/// A shorter value counts only where no letter or digit is next to it.
const MIN_EMBEDDED_BYTES: usize = 8;

/// Removes secrets from texts.
#[derive(Debug, Default)]
pub(crate) struct Redactor(Mutex<Vec<EncodedSecret>>);

/// A secret, in one of its encodings.
struct EncodedSecret {
    text: String,
    stand_in: String,
}

impl std::fmt::Debug for EncodedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.stand_in)
    }
}

impl Redactor {
    /// Removes `value` from now on. `name` says what it is where something has to stand in for it.
    pub(crate) fn add(&self, value: &str, name: &str) {
        let mut secrets = lock(&self.0);
        if value.is_empty() || secrets.iter().any(|secret| secret.text == value) {
            return;
        }
        let stand_in = stand_in(value, name);
        for text in encodings(value) {
            if secrets.iter().all(|secret| secret.text != text) {
                let stand_in = stand_in.clone();
                secrets.push(EncodedSecret { text, stand_in });
            }
        }
        // A secret may be part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.text.len()));
    }

    /// Removes the credentials of a header from now on: what stands after the name of the scheme, and the
    /// pair that Basic encodes.
    pub(crate) fn add_header(&self, value: &HeaderValue, name: &str) {
        let Ok(value) = value.to_str() else { return };
        let credentials = value
            .split_once(' ')
            .map_or(value, |(_, credentials)| credentials);
        self.add(credentials, name);
        let pair = STANDARD.decode(credentials).ok();
        if let Some(pair) = pair.and_then(|pair| String::from_utf8(pair).ok()) {
            self.add(&pair, name);
        }
    }

    /// The text as it may be shown. It may be cut off at its end, or where an ellipsis is.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.rewrite(text, |_, _| MASK);
        let ends = text.match_indices('\u{2026}').map(|(at, _)| at);
        let ends: Vec<_> = ends.chain([text.len()]).collect();
        let secrets = lock(&self.0);
        let cut = ends.into_iter().rev().filter_map(|end| {
            let before = text.get(..end)?;
            let mut beginnings = secrets.iter().flat_map(|secret| beginnings(&secret.text));
            let beginning = beginnings.find(|beginning| before.ends_with(beginning))?;
            Some(end - beginning.len()..end)
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
        for secret in lock(&self.0).iter() {
            let places = occurrences(&text, &secret.text);
            if places.is_empty() {
                continue;
            }
            let by = choose(secret, places.len());
            let mut rewritten = String::new();
            let mut from = 0;
            for at in places {
                rewritten.push_str(&text[from..at]);
                rewritten.push_str(by);
                from = at + secret.text.len();
            }
            rewritten.push_str(&text[from..]);
            text = Cow::Owned(rewritten);
        }
        text
    }
}

/// The beginnings of a secret that say something of it, the longest first.
fn beginnings(secret: &str) -> impl Iterator<Item = &str> {
    let ends = (MIN_EMBEDDED_BYTES..secret.len()).rev();
    ends.filter_map(|end| secret.get(..end))
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

/// The encodings in which a value may occur.
fn encodings(value: &str) -> Vec<String> {
    let percent = utf8_percent_encode(value, RESERVED).to_string();
    let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let json = Value::from(value).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let slashed = json.replace('/', "\\/");
    let xml = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let attribute = xml.replace('"', "&quot;");
    vec![
        percent.to_lowercase(),
        // A URL within a URL.
        percent.replace('%', "%25"),
        percent,
        form,
        slashed,
        escaped(&json, is_markup),
        escaped(&json, |letter| is_markup(letter) || !letter.is_ascii()),
        escaped(&json, |letter| !letter.is_ascii()),
        json,
        attribute.replace('\'', "&apos;"),
        attribute.replace('\'', "&#39;"),
        attribute.replace("&quot;", "&#34;").replace('\'', "&#39;"),
        attribute.replace('\'', "&#x27;"),
        attribute,
        xml,
        STANDARD_NO_PAD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
        // The name of a host.
        value.to_lowercase(),
        value.to_owned(),
    ]
}

/// Characters that writers of JSON for web pages escape, though JSON does not ask for it.
const fn is_markup(letter: char) -> bool {
    matches!(letter, '&' | '<' | '>' | '\'' | '=')
}

/// JSON in which the letters that `matches` are escaped.
fn escaped(json: &str, matches: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for letter in json.chars() {
        if matches(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    out
}

/// Where a secret occurs in a text.
fn occurrences(text: &str, secret: &str) -> Vec<usize> {
    let counts = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + secret.len()..].chars().next();
        secret.len() >= MIN_EMBEDDED_BYTES
            || [before, after]
                .into_iter()
                .flatten()
                .all(|next| !next.is_alphanumeric())
    };
    let places = text.match_indices(secret).map(|(at, _)| at);
    places.filter(|at| counts(*at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[(&str, &str)]) -> Redactor {
        let redactor = Redactor::default();
        for (value, name) in secrets {
            redactor.add(value, name);
        }
        redactor
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let redactor = redactor(&[("s3cr/t \"& é", "KEY")]);
        for text in [
            "s3cr/t \"& é",
            "s3cr%2Ft%20%22%26%20%C3%A9",
            "s3cr%2ft%20%22%26%20%c3%a9",
            "s3cr%2Ft+%22%26+%C3%A9",
            "s3cr/t \\\"& é",
            "s3cr\\/t \\\"& é",
            "s3cr/t \"&amp; é",
            "s3cr/t &quot;&amp; é",
            "s3cr/t &#34;&amp; é",
            "s3cr/t \\\"\\u0026 é",
            "s3cr/t \\\"& \\u00e9",
            "s3cr%252Ft%2520%2522%2526%2520%25C3%25A9",
        ] {
            assert_eq!(redactor.redact(&format!("a={text}.")), "a=***.", "{text}");
        }
    }

    #[test]
    fn a_short_secret_counts_only_where_it_stands_alone() {
        let redactor = redactor(&[("any", "KEY")]);
        assert_eq!(
            redactor.redact("many any/anyone,any"),
            "many ***/anyone,***"
        );
    }

    #[test]
    fn a_secret_that_holds_another_goes_first() {
        let redactor = redactor(&[("abcdefgh", "A"), ("abcdefghijkl", "B")]);
        let mut found = BTreeMap::new();
        let text = redactor.replace("abcdefghijkl abcdefgh", &mut found);
        assert_eq!(text, "REMOVED_B REMOVED_A");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_number_is_replaced_by_a_number() {
        let mut found = BTreeMap::new();
        let text = redactor(&[("123456789", "ORG")]);
        let text = text
            .replace(r#"{"org": 123456789}"#, &mut found)
            .into_owned();
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "{text}"
        );
        assert!(!text.contains("123456789"));
    }

    #[test]
    fn a_secret_that_a_limit_cut_in_two_is_not_shown_in_part() {
        let redactor = redactor(&[("a-long-secret-value", "KEY")]);
        for (text, expected) in [
            ("status 500: key a-long-secret-va", "status 500: key ***"),
            (
                "the id `a-long-secret\u{2026}` is",
                "the id `***\u{2026}` is",
            ),
            ("`a-long-secret-value` twice: a-long-s", "`***` twice: ***"),
            ("a-long way, a-long", "a-long way, a-long"),
        ] {
            assert_eq!(redactor.redact(text), expected);
        }
    }
}
