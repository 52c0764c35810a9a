//! Parameters: the names and values of a query or a form.

use super::text::{Text, Variables};
use crate::percent::encode;

/// Parameters in the order in which they are sent. A name may occur more than once.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, Text)>);

impl FromIterator<(String, Text)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, Text)>>(parameters: I) -> Self {
        let encoded = parameters
            .into_iter()
            .map(|(name, text)| (encode(&name).to_string(), text));
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
