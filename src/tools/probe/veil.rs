//! What is secret, and the texts that it is taken out of.
//!
//! Secrets are known by their values: those that the configuration names, and the tokens that
//! logins brought. A value is found however it is written where it stands: as it is, in a URL, in
//! a form, in JSON, in XML or in a web page. A short one counts only where it stands alone, or else a secret
//! `a` would blot out every `a`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

/// What is shown instead of a secret.
pub(super) const MASK: &str = "***";

/// A value shorter than this counts only where no letter or digit stands next to it.
const TELLING_BYTES: usize = 8;

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Hides secrets in texts.
#[derive(Debug, Default)]
pub(super) struct Veil(Mutex<Vec<Hidden>>);

/// A secret, in one of the ways in which it is written.
struct Hidden {
    written: String,
    stand_in: String,
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.stand_in)
    }
}

impl Veil {
    /// Hides `value` from now on. `name` says what it is where something has to stand in for it.
    pub(super) fn hide(&self, value: &str, name: &str) {
        let mut hidden = self.lock();
        if value.is_empty() || hidden.iter().any(|hidden| hidden.written == value) {
            return;
        }
        let stand_in = stand_in(value, name);
        for written in ways(value) {
            if hidden.iter().all(|hidden| hidden.written != written) {
                let stand_in = stand_in.clone();
                hidden.push(Hidden { written, stand_in });
            }
        }
        // A secret may be part of another.
        hidden.sort_by_key(|hidden| std::cmp::Reverse(hidden.written.len()));
    }

    /// The text as it may be shown.
    pub(super) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.over(text, |_| MASK)
    }

    /// The text with something that works in place of each secret, and in `found` how often which
    /// was replaced.
    pub(super) fn replace<'a>(
        &self,
        text: &'a str,
        found: &mut BTreeMap<String, usize>,
    ) -> Cow<'a, str> {
        let hidden = self.lock();
        let mut text = Cow::Borrowed(text);
        for hidden in hidden.iter() {
            let (replaced, count) = replaced(&text, &hidden.written, &hidden.stand_in);
            if count > 0 {
                *found.entry(hidden.stand_in.clone()).or_default() += count;
                text = Cow::Owned(replaced);
            }
        }
        text
    }

    fn over<'a>(&self, text: &'a str, stand_in: impl Fn(&Hidden) -> &str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for hidden in self.lock().iter() {
            let (replaced, count) = replaced(&text, &hidden.written, stand_in(hidden));
            if count > 0 {
                text = Cow::Owned(replaced);
            }
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Hidden>> {
        // The list is whole between any two statements that hold the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands in for a secret: a word that no encoding changes, or a number for a number, so that
/// JSON stays JSON.
pub(super) fn stand_in(value: &str, name: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        let sum: u32 = name.bytes().map(u32::from).sum();
        return format!("9{:06}", sum % 1_000_000);
    }
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    format!("REMOVED_{}", name.chars().map(plain).collect::<String>())
}

/// The ways in which a value may be written.
fn ways(value: &str) -> Vec<String> {
    let percent = utf8_percent_encode(value, RESERVED).to_string();
    let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let json = serde_json::Value::from(value).to_string();
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
        value.to_owned(),
    ]
}

/// What writers of JSON that is to stand in a web page escape, though JSON does not ask for it.
const fn is_markup(letter: char) -> bool {
    matches!(letter, '&' | '<' | '>' | '\'' | '=')
}

/// JSON with an escape in place of each letter that `is_meant`.
fn escaped(json: &str, is_meant: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for letter in json.chars() {
        if is_meant(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    out
}

/// The text with `by` in place of each `secret`, and how many there were.
fn replaced(text: &str, secret: &str, by: &str) -> (String, usize) {
    let mut out = String::new();
    let mut count = 0;
    let mut from = 0;
    for (at, _) in text.match_indices(secret) {
        let end = at + secret.len();
        let is_alone = || {
            let before = text[..at].chars().next_back();
            let after = text[end..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        };
        if secret.len() < TELLING_BYTES && !is_alone() {
            continue;
        }
        out.push_str(&text[from..at]);
        out.push_str(by);
        from = end;
        count += 1;
    }
    out.push_str(&text[from..]);
    (out, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil(secrets: &[(&str, &str)]) -> Veil {
        let veil = Veil::default();
        for (value, name) in secrets {
            veil.hide(value, name);
        }
        veil
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let veil = veil(&[("s3cr/t \"& é", "KEY")]);
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
            assert_eq!(veil.mask(&format!("a={text}.")), "a=***.", "{text}");
        }
    }

    #[test]
    fn a_short_secret_counts_only_where_it_stands_alone() {
        let veil = veil(&[("any", "KEY")]);
        assert_eq!(veil.mask("many any/anyone,any"), "many ***/anyone,***");
    }

    #[test]
    fn a_secret_that_holds_another_goes_first() {
        let veil = veil(&[("abcdefgh", "A"), ("abcdefghijkl", "B")]);
        let mut found = BTreeMap::new();
        let text = veil.replace("abcdefghijkl abcdefgh", &mut found);
        assert_eq!(text, "REMOVED_B REMOVED_A");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_number_is_replaced_by_a_number() {
        let mut found = BTreeMap::new();
        let text = veil(&[("123456789", "ORG")]);
        let text = text
            .replace(r#"{"org": 123456789}"#, &mut found)
            .into_owned();
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "{text}"
        );
        assert!(!text.contains("123456789"));
    }
}
