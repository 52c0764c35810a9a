//! On whose behalf an upstream is asked, as a file says it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::caller::{Credentials, Verified};
#[cfg(feature = "probe")]
use crate::redact::Redactor;
#[cfg(feature = "probe")]
use crate::upstream::masks::add_header_of_caller;

/// A caller: what an upstream may be sent of it.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenCaller {
    /// Who it is, as `{caller.id}`.
    id: String,
    /// What its token claims, as `{caller.claims/…}`.
    claims: Value,
    /// Its token, for `token_exchange_caller`.
    token: Option<String>,
    /// The headers that it sent, for `forward`.
    headers: BTreeMap<String, String>,
}

impl fmt::Debug for WrittenCaller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WrittenCaller")
            .finish_non_exhaustive()
    }
}

impl WrittenCaller {
    /// Reads the caller in a TOML file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no caller. The text says where, and nothing of what is in it: an error
    /// of the reader quotes values.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |before| before.matches('\n').count()) + 1;
            format!(
                "line {line} does not describe a caller: `id` and `token` are texts, `headers` is a table of \
                 texts, and `claims` are as in its token"
            )
        })
    }

    /// The caller as one that has authenticated.
    ///
    /// # Errors
    ///
    /// A header cannot be sent.
    pub fn credentials(&self) -> Result<Credentials, String> {
        let mut forwarded = HeaderMap::new();
        for (name, value) in &self.headers {
            let sent = name.parse::<HeaderName>().ok();
            let sent = sent.zip(HeaderValue::try_from(value).ok());
            let (name, value) =
                sent.ok_or_else(|| format!("the header `{name}` of the caller cannot be sent"))?;
            forwarded.append(name, value);
        }
        Ok(Credentials::of(Verified {
            id: self.id.clone(),
            claims: self.claims.clone(),
            token: self.token.clone().map(SecretString::from),
            forwarded,
        }))
    }

    /// Has `redactor` remove what is not to be shown.
    #[cfg(feature = "probe")]
    pub(crate) fn hide_in(&self, redactor: &Redactor) {
        for value in self.headers.values().flat_map(HeaderValue::try_from) {
            add_header_of_caller(redactor, &value, "CALLER_HEADER");
        }
        if let Some(token) = &self.token {
            redactor.add(token, "CALLER_TOKEN");
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::another_type("id = 'a'\nheaders = 'Bearer s3cret'", 2)]
    #[case::another_key("\n\ns3cret = 's3cret'", 3)]
    #[case::no_toml("token = s3cret", 1)]
    fn a_file_that_is_no_caller_is_refused_without_a_word_of_what_is_in_it(
        #[case] text: &str,
        #[case] line: usize,
    ) {
        let error = WrittenCaller::parse(text).unwrap_err();
        assert!(error.starts_with(&format!("line {line} ")), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
