//! Parameters: the names and values of a query or a form.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::text::{Text, Variables};

/// All but the unreserved characters of RFC 3986. Signature schemes agree on this form, so what is
/// signed is what is sent, and `+` is never ambiguous. It applies to names such as `$top` and
/// `page[size]` too: servers decode them.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Parameters in the order in which they are sent. A name may occur more than once.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, Text)>);

impl FromIterator<(String, Text)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, Text)>>(parameters: I) -> Self {
        let encoded = parameters
            .into_iter()
            .map(|(name, text)| (encode(&name), text));
        Self(encoded.collect())
    }
}

impl Parameters {
    /// The values, in order.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        self.0.iter().map(|(_, text)| text)
    }

    /// `name=value&…`, without parameters that have no value.
    pub(super) fn render(&self, variables: &Variables<'_>) -> String {
        let pairs = self.0.iter().filter_map(|(name, text)| {
            let value = text.render(variables)?;
            Some(format!("{name}={}", encode(&value)))
        });
        pairs.collect::<Vec<_>>().join("&")
    }
}
