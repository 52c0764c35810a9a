//! Values that are sent to an upstream, as the file writes them.
//!
//! `version = 1.10` in a query is `1.10`, which no number of ours remembers. What TOML alone has is left
//! out: the plus sign, underscores between digits, and other bases than ten, which are written in
//! ten.

use config::{Map, ValueKind};
use serde_json::Number;
use toml::de::{DeInteger, DeValue};

use crate::problem::KeyPath;

/// The only key of a table that stands for a number in JSON, as the file writes it.
pub(super) const NUMBER: &str = "$number";

/// How a value is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentForm {
    Text,
    Json,
}

/// How what stands at a key is sent, if it is.
pub(super) fn sent(at: &KeyPath) -> Option<SentForm> {
    let keys: Vec<_> = at.keys().iter().map(String::as_str).collect();
    if let ["upstreams", _, "auth", "username" | "client_id" | "scope"]
    | ["upstreams", _, "headers", _] = keys[..]
    {
        return Some(SentForm::Text);
    }
    if let ["upstreams", _, "auth", own @ ..] = keys.as_slice() {
        let is_of_claims = |pair: &[&str]| {
            matches!(pair, ["assertion" | "client_assertion", "claims"]) && own.len() > 2
        };
        if own.windows(2).any(is_of_claims) {
            return Some(SentForm::Json);
        }
        if let [.., "parameters", _] = own {
            return Some(SentForm::Text);
        }
    }
    in_request(&keys)
}

/// How what stands in a request is sent.
fn in_request(keys: &[&str]) -> Option<SentForm> {
    keys.windows(2).find_map(|pair| match pair {
        ["request" | "continuation", "json"] => Some(SentForm::Json),
        [
            "request" | "continuation",
            "query" | "headers" | "form" | "vars" | "body",
        ] => Some(SentForm::Text),
        _ => None,
    })
}

/// A plain value as it is sent; `source` is its text in the file. `None` where it is sent like any
/// other value.
pub(super) fn value(
    value: &DeValue<'_>,
    source: &str,
    sent: SentForm,
) -> Option<Result<ValueKind, String>> {
    let digits = match value {
        DeValue::Integer(number) => decimal(number)?,
        DeValue::Float(number) => plain(number.as_str()),
        DeValue::Datetime(_) => return Some(Ok(ValueKind::String(source.to_owned()))),
        DeValue::String(_) | DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => {
            return None;
        }
    };
    if sent == SentForm::Text {
        return Some(Ok(ValueKind::String(digits)));
    }
    if digits.parse::<Number>().is_err() {
        return Some(Err(format!("JSON has no number `{digits}`")));
    }
    if digits.parse::<i64>().is_ok() {
        return None;
    }
    let number = [(NUMBER.to_owned(), ValueKind::String(digits).into())];
    Some(Ok(ValueKind::Table(Map::from_iter(number))))
}

/// A whole number in base ten. `None` if it is in another base and too large to be written in ten.
fn decimal(number: &DeInteger<'_>) -> Option<String> {
    match number.radix() {
        10 => Some(plain(number.as_str())),
        radix => {
            let digits = number.as_str().replace('_', "");
            let number = u128::from_str_radix(&digits, radix).ok()?;
            Some(number.to_string())
        }
    }
}

fn plain(digits: &str) -> String {
    digits.trim_start_matches('+').replace('_', "")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::config::testing;
    use crate::plan::request::{Json, TextPart};
    use crate::plan::{Request, RequestBody};

    fn request(keys: &str) -> Request {
        let block = format!(
            "base_url = 'http://club.example'\nrecords = '/'\nfields = {{ id = 'id', name = 'id' }}\n\
             [request]\nmethod = 'POST'\npath = '/'\n{keys}"
        );
        testing::upstream(&block, &[]).requests.listing.clone()
    }

    #[rstest]
    #[case("1.10", "1.10")]
    #[case("2.0", "2.0")]
    #[case("1e3", "1e3")]
    #[case("1E+03", "1E+03")]
    #[case("-0.0", "-0.0")]
    #[case("+1.50", "1.50")]
    #[case("1_000", "1000")]
    #[case("1_0.2_5", "10.25")]
    #[case("0x10", "16")]
    #[case("0o17", "15")]
    #[case("007.5e0", "")]
    #[case("12345678901234567890123", "12345678901234567890123")]
    #[case("true", "true")]
    #[case("2024-01-01", "2024-01-01")]
    #[case("2024-01-01 10:00:00.50Z", "2024-01-01 10:00:00.50Z")]
    fn numbers_dates_and_booleans_go_out_as_they_are_written(
        #[case] written: &str,
        #[case] expected: &str,
    ) {
        if expected.is_empty() {
            assert!(format!("a = {written}").parse::<toml::Table>().is_err());
            return;
        }
        let expected = || vec![TextPart::Literal(expected.to_owned())];
        let keys = format!(
            "query = {{ v = {written}, list = [{written}] }}\nheaders = {{ x-v = {written} }}\n\
             form = {{ v = {written} }}"
        );
        let request = request(&keys);
        for (_, text) in &request.query {
            assert_eq!(text.0, expected());
        }
        let header = request.headers.iter().find(|(name, _)| name == "x-v");
        assert_eq!(header.unwrap().1.0, expected());
        let Some(RequestBody::Form(form)) = request.body else {
            panic!("no form");
        };
        assert_eq!(form[0].1.0, expected());
    }

    #[rstest]
    #[case("1.10", "1.10")]
    #[case("1e3", "1e3")]
    #[case("-0.0", "-0.0")]
    #[case("1_000", "1000")]
    #[case("0x10", "16")]
    #[case("12345678901234567890123", "12345678901234567890123")]
    #[case("false", "false")]
    fn numbers_in_json_go_out_as_they_are_written(#[case] written: &str, #[case] expected: &str) {
        let request = request(&format!("json = {{ v = {written} }}"));
        let Some(RequestBody::Json(Json::Object(members))) = request.body else {
            panic!("no object");
        };
        let Json::Constant(value) = &members[0].1 else {
            panic!("no constant");
        };
        assert_eq!(value.to_string(), expected);
    }
}
