//! Texts as they may be written down: something that works in place of each secret.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::mask::names_secret;

use super::veil::{Veil, stand_in};

/// Takes secrets out of texts, and counts what was replaced.
#[derive(Debug)]
pub(super) struct Sanitizer<'a> {
    veil: &'a Veil,
    /// How often each stand-in was written.
    pub(super) replaced: BTreeMap<String, usize>,
}

impl<'a> Sanitizer<'a> {
    pub(super) const fn new(veil: &'a Veil) -> Self {
        Self {
            veil,
            replaced: BTreeMap::new(),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> String {
        self.veil.replace(text, &mut self.replaced).into_owned()
    }

    /// A login's answer, without what else in it may be a secret, by its name or by its looks: the
    /// token too is unknown if the login did not find it.
    pub(super) fn login_answer(&mut self, body: &str) -> String {
        let body = self.text(body);
        if looks_like_token(body.trim()) {
            return self.in_place_of(&body, "LOGIN_ANSWER");
        }
        let Ok(mut json) = serde_json::from_str(&body) else {
            return body;
        };
        if self.take_tokens(&mut json) {
            return json.to_string();
        }
        body
    }

    /// What stands in for a secret that nobody knew before it came.
    fn in_place_of(&mut self, secret: &str, name: &str) -> String {
        let stand_in = stand_in(secret, name);
        *self.replaced.entry(stand_in.clone()).or_default() += 1;
        stand_in
    }

    fn take_tokens(&mut self, json: &mut Value) -> bool {
        let mut has_changed = false;
        match json {
            Value::Object(members) => {
                for (key, value) in members {
                    if let Value::String(text) = value
                        && (names_secret(key) || looks_like_token(text))
                        && !text.starts_with("REMOVED_")
                    {
                        *text = self.in_place_of(text, &key.to_uppercase());
                        has_changed = true;
                    } else {
                        has_changed |= self.take_tokens(value);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    has_changed |= self.take_tokens(item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        has_changed
    }
}

/// Whether a text of a login's answer may be a token: long, and of the letters that tokens are made
/// of. Moments and URLs have a colon.
fn looks_like_token(text: &str) -> bool {
    text.len() >= 20
        && !text.starts_with("REMOVED_")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte))
}
