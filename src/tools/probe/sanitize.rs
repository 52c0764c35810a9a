//! Texts as they may be recorded: a stand-in that works in place of each secret.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::credential_names::names_secret;
use crate::redact::{Redactor, stand_in};

/// Replaces secrets in texts, and counts what was replaced.
#[derive(Debug)]
pub(super) struct Sanitizer<'a> {
    redactor: &'a Redactor,
    /// How often each stand-in was written.
    pub(super) replaced: BTreeMap<String, usize>,
}

impl<'a> Sanitizer<'a> {
    pub(super) const fn new(redactor: &'a Redactor) -> Self {
        Self {
            redactor,
            replaced: BTreeMap::new(),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> String {
        self.redactor.replace(text, &mut self.replaced).into_owned()
    }

    /// The body of a login's response, without anything else that may be a secret by its name or by
    /// its looks: the token is unknown too if the login did not find it.
    pub(super) fn login_response(&mut self, body: &str) -> String {
        let body = self.text(body);
        let read = serde_json::from_str(&body);
        // A text that is neither JSON nor markup may be the token alone.
        let is_text = read.is_err() && !body.trim_start().starts_with('<');
        let holds_stand_in = body.contains("REMOVED_");
        if looks_like_token(body.trim()) || (is_text && !holds_stand_in && !body.is_empty()) {
            return self.replacement_of(&body, "LOGIN_RESPONSE");
        }
        let Ok(mut json) = read else {
            return body;
        };
        if self.replace_tokens(&mut json) {
            return json.to_string();
        }
        body
    }

    /// What stands in for a secret that was not known before.
    fn replacement_of(&mut self, secret: &str, name: &str) -> String {
        let stand_in = stand_in(secret, name);
        *self.replaced.entry(stand_in.clone()).or_default() += 1;
        stand_in
    }

    fn replace_tokens(&mut self, json: &mut Value) -> bool {
        let mut has_changed = false;
        match json {
            Value::Object(members) => {
                for (key, value) in members {
                    if let Value::String(text) = value
                        && (names_secret(key) || looks_like_token(text))
                        && !text.starts_with("REMOVED_")
                    {
                        *text = self.replacement_of(text, &key.to_uppercase());
                        has_changed = true;
                    } else {
                        has_changed |= self.replace_tokens(value);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    has_changed |= self.replace_tokens(item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        has_changed
    }
}

/// Whether a text may be a token: long, and of the characters that tokens are made of. Timestamps and
/// URLs have a colon.
fn looks_like_token(text: &str) -> bool {
    text.len() >= 20
        && !text.starts_with("REMOVED_")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte))
}
