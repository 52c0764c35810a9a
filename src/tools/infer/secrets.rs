//! The secrets of a sample's request, which a block names as environment variables.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use toml_edit::Value;
use url::Url;

use crate::config::credential_names::may_name_secret;
use crate::redact::identifier;

use super::guess::{ProposedLine, table};

/// The variables of one block, each with what the sample's request had in its place.
#[derive(Debug, Default)]
pub(super) struct SecretVariables {
    block: String,
    pub(super) values: BTreeMap<String, String>,
}

impl SecretVariables {
    /// For the block of this name.
    pub(super) fn of(block: &str) -> Self {
        Self {
            block: block.to_owned(),
            values: BTreeMap::new(),
        }
    }

    /// The variable for a secret of this name and value.
    pub(super) fn name(&mut self, what: &str, value: &str) -> String {
        let name = format!("{}_{}", identifier(&self.block), identifier(what));
        let name = name.to_ascii_uppercase();
        let mut free = name.clone();
        let mut number = 2;
        while self.values.get(&free).is_some_and(|taken| taken != value) {
            free = format!("{name}_{number}");
            number += 1;
        }
        self.values.insert(free.clone(), value.to_owned());
        free
    }

    /// The reference to the variable for it, as a block writes it.
    pub(super) fn take(&mut self, what: &str, value: &str) -> Value {
        let name = self.name(what, value);
        table([("env", name.into())])
    }

    /// The credentials in the request of the sample, or a suggestion.
    pub(super) fn auth(&mut self, url: Option<&Url>, sent: &HeaderMap) -> ProposedLine {
        let user = url.filter(|url| !url.username().is_empty() || url.password().is_some());
        let Some(authorization) = sent.get(AUTHORIZATION) else {
            return match (user, secret_header(sent)) {
                (Some(url), _) => {
                    let password = url.password().unwrap_or_default();
                    self.basic(url.username(), password)
                }
                (None, Some(header)) => self.api_key(header, value(sent, header)),
                (None, None) => {
                    let variable = format!("{}_TOKEN", identifier(&self.block));
                    let token = table([("env", variable.to_ascii_uppercase().into())]);
                    ProposedLine::suggestion(
                        "auth",
                        table([("type", "bearer".into()), ("token", token)]),
                        "FILL IN: the credentials, which no sample shows. Without any, requests are \
                         sent unauthenticated. For example:",
                    )
                }
            };
        };
        let text = authorization.to_str().unwrap_or_default();
        let is_word = |scheme: &str| {
            scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        match text.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => {
                let pair = STANDARD.decode(rest.trim()).ok();
                let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
                let (user, password) = pair
                    .as_deref()
                    .and_then(|pair| pair.split_once(':'))
                    .unwrap_or_default();
                self.basic(user, password)
            }
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.credentials(&[("type", "bearer")], &[("token", "token", token.trim())])
            }
            Some((scheme, token)) if is_word(scheme) => self.credentials(
                &[("type", "bearer"), ("scheme", scheme)],
                &[("token", "token", token.trim())],
            ),
            Some(_) | None => self.api_key("authorization", text),
        }
    }

    fn basic(&mut self, user: &str, password: &str) -> ProposedLine {
        let secrets = [
            ("username", "user", user),
            ("password", "password", password),
        ];
        self.credentials(&[("type", "basic")], &secrets)
    }

    fn api_key(&mut self, header: &str, value: &str) -> ProposedLine {
        let words = [("type", "api_key"), ("header", header)];
        self.credentials(&words, &[("key", "key", value)])
    }

    /// `auth` with these words, and these keys from variables.
    fn credentials(
        &mut self,
        words: &[(&str, &str)],
        secrets: &[(&str, &str, &str)],
    ) -> ProposedLine {
        let words = words.iter().map(|&(key, word)| (key, Value::from(word)));
        let mut keys: Vec<_> = words.collect();
        let mut variables = Vec::new();
        for &(key, what, value) in secrets {
            let variable = self.name(what, value);
            keys.push((key, table([("env", variable.as_str().into())])));
            variables.push(variable);
        }
        let variables = variables.join(" and ");
        let why = format!("as in the sample's request. FILL IN: export {variables}");
        let value = Value::InlineTable(keys.into_iter().collect());
        ProposedLine::clear("auth", value, &why)
    }
}

/// The header whose name says that it carries a secret.
pub(super) fn secret_header(sent: &HeaderMap) -> Option<&str> {
    sent.keys()
        .map(http::HeaderName::as_str)
        .find(|name| may_name_secret(name))
}

fn value<'a>(sent: &'a HeaderMap, header: &str) -> &'a str {
    let value = sent.get(header).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}
