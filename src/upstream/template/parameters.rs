//! Parameters: names and values as a query or a form writes them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::text::{Gaps, Text};

/// All but the unreserved characters of RFC 3986. Signature schemes agree on this form, so what is
/// signed is what is sent, and no `+` ever has two meanings. Names such as `$top` and `page[size]`
/// are written so too: whoever reads a query decodes them.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Parameters in the order in which they are sent. A name may stand in it more than once.
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

    /// `name=value&…`; what has no value is left out.
    pub(super) fn fill(&self, gaps: &Gaps<'_>) -> String {
        let pairs = self.0.iter().filter_map(|(name, text)| {
            let value = text.fill(gaps)?;
            Some(format!("{name}={}", encode(&value)))
        });
        pairs.collect::<Vec<_>>().join("&")
    }
}
