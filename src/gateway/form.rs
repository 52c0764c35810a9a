//! A raw query string, taken apart: known parameters and their decoded values.
//!
//! What is wrong whatever a parameter means is found here: an unknown name, broken percent-encoding,
//! an empty value, a second value where one is taken. Nothing is ever skipped, for a typo must not
//! return everything.

use percent_encoding::percent_decode_str;

use super::query::{PARAMETERS, Parameter, QueryError};
use super::suggest::Choice;

/// The parameters of a request, in the order in which they were sent.
#[derive(Debug)]
pub(super) struct Form(Vec<(&'static Parameter, String)>);

impl Form {
    /// Takes `raw` apart as form data: `&` between pairs, `+` for a space.
    pub(super) fn parse(raw: &str) -> Result<Self, QueryError> {
        let mut form = Self(Vec::new());
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let parameter = known(name)?;
            form.admit(parameter, decoded(parameter.name, value)?)?;
        }
        Ok(form)
    }

    /// The value of a parameter that is given once at most.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(parameter, _)| parameter.name == name)
            .map(|(_, value)| value.as_str())
    }

    /// The names of the parameters that were sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(parameter, _)| parameter.name)
    }

    fn admit(&mut self, parameter: &'static Parameter, value: String) -> Result<(), QueryError> {
        let name = parameter.name;
        if value.is_empty() {
            let message = format!("`{name}` is empty: give it a value or leave it out");
            return Err(QueryError::parameter(name, message));
        }
        if !parameter.repeatable && self.one(name).is_some() {
            let message = format!("`{name}` is given twice, and takes one value");
            return Err(QueryError::parameter(name, message));
        }
        self.0.push((parameter, value));
        Ok(())
    }
}

fn known(raw: &str) -> Result<&'static Parameter, QueryError> {
    let name = decoded(raw, raw)?;
    PARAMETERS
        .iter()
        .find(|parameter| parameter.name == name)
        .ok_or_else(|| {
            let names: Vec<_> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
            let choice = Choice::new("parameter", &names);
            QueryError::parameter(&name, choice.refusal(&name))
        })
}

/// `raw` as it was meant. Decoders usually leave a `%` that encodes nothing as it is; here it is an
/// error, because a value that was cut short would silently ask for something else.
fn decoded(name: &str, raw: &str) -> Result<String, QueryError> {
    let broken = |what| QueryError::parameter(name, format!("`{name}` {what}"));
    if !is_percent_encoded(raw) {
        return Err(broken("has a `%` that is not followed by two hex digits"));
    }
    // A literal plus is `%2B`, so pluses turn into spaces before anything is decoded.
    percent_decode_str(&raw.replace('+', " "))
        .decode_utf8()
        .map(String::from)
        .map_err(|_| broken("is not UTF-8 once its percent-encoding is undone"))
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

    fn message(raw: &str) -> String {
        Form::parse(raw).unwrap_err().to_string()
    }

    #[test]
    fn values_are_decoded_as_form_data() {
        let form = Form::parse("search=a+b%20c%2Bd%C3%A9&id=x:1&id=x:2,3").unwrap();
        assert_eq!(form.one("search"), Some("a b c+dé"));
        assert_eq!(form.all("id").collect::<Vec<_>>(), ["x:1", "x:2,3"]);
        assert_eq!(form.one("limit"), None);
    }

    #[test]
    fn an_empty_query_string_asks_for_everything_in_pages() {
        for raw in ["", "&", "&&"] {
            assert_eq!(Form::parse(raw).unwrap().names().count(), 0);
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
        let Err(QueryError::Parameter { name, .. }) = Form::parse("s%C3%A9arch=x") else {
            panic!("the parameter is unknown");
        };
        assert_eq!(name, "séarch");
    }
}
