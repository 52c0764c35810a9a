//! What a login answered, without what may be a secret in it: the token too is unknown if the login
//! did not find it.

use serde_json::Value;

use crate::config::mask::names_secret;

use super::veil::stand_in;

    /// A login's answer without what else in it may be a secret, by its name or by its looks: the
    /// token too is unknown if the login did not find it.
    fn without_tokens(&mut self, body: String) -> String {
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
        *self.found.entry(stand_in.clone()).or_default() += 1;
        stand_in
    }

    fn take_tokens(&mut self, json: &mut Json) -> bool {
        let mut has_changed = false;
        match json {
            Json::Object(members) => {
                for (key, value) in members {
                    if let Json::String(text) = value
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
            Json::Array(items) => {
                for item in items {
                    has_changed |= self.take_tokens(item);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
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

