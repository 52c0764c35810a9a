//! A raw query string, split into known parameters and their decoded values.
//!
//! Errors that do not depend on a parameter's meaning are found here: an unknown name, broken
//! percent-encoding, an empty value, a second value where one is allowed. Nothing is ever skipped: a
//! typo must not return everything.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::did_you_mean::refusal;

use super::attributes::ATTRIBUTE;
use super::query::{PARAMETERS, Parameter, QueryError};

/// The parameters of a request, in the order in which they were sent.
#[derive(Debug)]
pub(super) struct QueryString {
    parameters: Vec<(&'static Parameter, String)>,
    /// The attributes that are filtered by, by name.
    attributes: BTreeMap<String, String>,
}

impl QueryString {
    /// Reads `raw` as form data: `&` between pairs, `+` for a space. Who sends an unknown parameter is told of those
    /// that it `can_use`.
    pub(super) fn parse(
        raw: &str,
        can_use: impl Fn(&Parameter) -> bool,
        attributes: &[&str],
    ) -> Result<Self, QueryError> {
        let mut parameters = Self {
            parameters: Vec::new(),
            attributes: BTreeMap::new(),
        };
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match known(name, &can_use, attributes)? {
                SentName::Parameter(parameter) => {
                    parameters.admit(parameter, decoded(parameter.name, value)?)?;
                }
                SentName::Attribute(name) => {
                    let value = decoded(&format!("{ATTRIBUTE}{name}"), value)?;
                    parameters.admit_attribute(name, value)?;
                }
            }
        }
        Ok(parameters)
    }

    /// The value of a parameter that is given once at most.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.parameters
            .iter()
            .filter(move |(parameter, _)| parameter.name == name)
            .map(|(_, value)| value.as_str())
    }

    /// The names of the parameters that were sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.parameters.iter().map(|(parameter, _)| parameter.name)
    }

    /// The attributes that are filtered by, in order of name, with their values.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let attributes = self.attributes.iter();
        attributes.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn admit_attribute(&mut self, name: &str, value: String) -> Result<(), QueryError> {
        let parameter = format!("{ATTRIBUTE}{name}");
        refuse_empty(&parameter, &value)?;
        if self.attributes.insert(name.to_owned(), value).is_some() {
            return Err(repeated(&parameter));
        }
        Ok(())
    }

    fn admit(&mut self, parameter: &'static Parameter, value: String) -> Result<(), QueryError> {
        let name = parameter.name;
        refuse_empty(name, &value)?;
        if !parameter.repeatable && self.one(name).is_some() {
            return Err(repeated(name));
        }
        self.parameters.push((parameter, value));
        Ok(())
    }
}

fn refuse_empty(name: &str, value: &str) -> Result<(), QueryError> {
    if !value.is_empty() {
        return Ok(());
    }
    let message = format!("`{name}` is empty; give it a value or leave it out");
    Err(QueryError::parameter(name, message))
}

fn repeated(name: &str) -> QueryError {
    QueryError::parameter(name, format!("`{name}` may be given only once"))
}

/// What a name in a query string stands for.
enum SentName<'a> {
    Parameter(&'static Parameter),
    Attribute(&'a str),
}

fn known<'a>(
    raw: &str,
    can_use: impl Fn(&Parameter) -> bool,
    attributes: &[&'a str],
) -> Result<SentName<'a>, QueryError> {
    let name = decoded(raw, raw)?;
    let mut parameters = PARAMETERS.iter();
    if let Some(parameter) = parameters.find(|parameter| parameter.name == name) {
        return Ok(SentName::Parameter(parameter));
    }
    let mut named = attributes.iter().copied();
    let attribute = (name.strip_prefix(ATTRIBUTE)).and_then(|name| named.find(|one| *one == name));
    attribute.map(SentName::Attribute).ok_or_else(|| {
        let usable = PARAMETERS.iter().filter(|parameter| can_use(parameter));
        let known = usable.map(|parameter| parameter.name.to_owned());
        let attributes = attributes.iter().map(|name| format!("{ATTRIBUTE}{name}"));
        let known: Vec<_> = known.chain(attributes).collect();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        QueryError::parameter(&name, refusal("parameter", &name, &known))
    })
}

/// `raw`, decoded. Decoders usually keep a `%` that encodes nothing as it is; here it is an error,
/// because a value that was cut short would silently ask for something else.
fn decoded(name: &str, raw: &str) -> Result<String, QueryError> {
    let broken = |what| QueryError::parameter(name, format!("`{name}` {what}"));
    if !is_percent_encoded(raw) {
        return Err(broken(
            "contains a `%` that is not followed by two hex digits",
        ));
    }
    // A literal plus is `%2B`, so pluses turn into spaces before anything is decoded.
    percent_decode_str(&raw.replace('+', " "))
        .decode_utf8()
        .map(String::from)
        .map_err(|_| broken("is not valid UTF-8 after percent-decoding"))
}

fn is_percent_encoded(raw: &str) -> bool {
    raw.split('%').skip(1).all(|rest| {
        rest.as_bytes()
            .first_chunk::<2>()
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<QueryString, QueryError> {
        QueryString::parse(raw, |_| true, &[])
    }

    fn message(raw: &str) -> String {
        parse(raw).unwrap_err().to_string()
    }

    #[test]
    fn values_are_decoded_as_form_data() {
        let parameters = parse("search=a+b%20c%2Bd%C3%A9&id=x:1&id=x:2,3").unwrap();
        assert_eq!(parameters.one("search"), Some("a b c+dé"));
        assert_eq!(parameters.all("id").collect::<Vec<_>>(), ["x:1", "x:2,3"]);
        assert_eq!(parameters.one("limit"), None);
    }

    #[test]
    fn an_empty_query_string_asks_for_everything_in_pages() {
        for raw in ["", "&", "&&"] {
            assert_eq!(parse(raw).unwrap().names().count(), 0);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let messages = [
            "limt=5",
            "zzzzzzzzz=5",
            "=5",
            "%zz=1",
            "%ff=1",
            "search",
            "search=",
            "search=%",
            "search=%4",
            "search=%zz",
            "search=%é",
            "search=%ff",
            "limit=1&limit=1",
        ]
        .map(|raw| format!("{raw}: {}", message(raw)))
        .join("\n");
        insta::assert_snapshot!(messages);
    }

    #[test]
    fn an_unknown_parameter_is_named_as_it_was_sent() {
        let Err(QueryError::Parameter { name, .. }) = parse("s%C3%A9arch=x") else {
            panic!("the parameter is unknown");
        };
        assert_eq!(name, "séarch");
    }
}
