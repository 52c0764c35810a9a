//! Bodies that are sent as they are written, but for the values in them.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::text::Variables;
use crate::percent::encode;
use crate::plan::TextPart;
use crate::plan::request::{BodySyntax, Text};

/// The body with its placeholders replaced, each value escaped for where it stands; `None` if one has
/// no value. A body that is one value is that value.
pub(super) fn render(text: &Text, syntax: BodySyntax, variables: &Variables<'_>) -> Option<String> {
    if let [_] = text.0.as_slice() {
        return text.render(variables);
    }
    let mut body = String::new();
    let mut place = Place::default();
    for part in &text.0 {
        match part {
            TextPart::Literal(text) => {
                body.push_str(text);
                place.pass(text);
            }
            // What the file says stands for itself, unless it would end the text that it is in.
            TextPart::Value(value) if syntax == BodySyntax::Json && !place.in_string => {
                body.push_str(value.expose());
            }
            TextPart::Value(value) => body.push_str(&place.escaped(value.expose(), syntax)),
            TextPart::Placeholder(placeholder) => {
                let value = placeholder.value(variables)?.text();
                body.push_str(&place.escaped(&value, syntax));
            }
        }
    }
    Some(body)
}

/// Where in a body the next value stands, by what is written before it.
#[derive(Debug, Default)]
struct Place {
    /// Within a string of JSON.
    in_string: bool,
    is_escaped: bool,
    /// Within character data of XML, and what was written last, which may begin or end some.
    in_character_data: bool,
}

impl Place {
    fn pass(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                _ if self.is_escaped => self.is_escaped = false,
                '\\' if self.in_string => self.is_escaped = true,
                '"' => self.in_string = !self.in_string,
                _ => {}
            }
        }
        match (text.rfind("<![CDATA["), text.rfind("]]>")) {
            (Some(start), end) => self.in_character_data = end.is_none_or(|end| end < start),
            (None, Some(_)) => self.in_character_data = false,
            (None, None) => {}
        }
    }

    fn escaped<'v>(&self, value: &'v str, syntax: BodySyntax) -> Cow<'v, str> {
        match syntax {
            BodySyntax::Json => json(value, self.in_string),
            BodySyntax::Xml if self.in_character_data => {
                value.replace("]]>", "]]]]><![CDATA[>").into()
            }
            BodySyntax::Xml => xml(value),
            BodySyntax::Form => encode(value).to_string().into(),
            BodySyntax::Text => value.into(),
        }
    }
}

/// In a string its letters, else a value: itself if it is one, or a string.
fn json(value: &str, in_string: bool) -> Cow<'_, str> {
    if !in_string && serde_json::from_str::<IgnoredAny>(value).is_ok() {
        return value.into();
    }
    let quoted = Value::from(value).to_string();
    match quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        Some(letters) if in_string => letters.to_owned().into(),
        Some(_) | None => quoted.into(),
    }
}

/// As text or in an attribute (XML 1.0, sections 2.4 and 3.3.3).
fn xml(value: &str) -> Cow<'_, str> {
    if !value.contains(['&', '<', '>', '"', '\'', '\r', '\n', '\t']) {
        return value.into();
    }
    let mut escaped = String::new();
    for letter in value.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\r' => escaped.push_str("&#13;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            letter => escaped.push(letter),
        }
    }
    escaped.into()
}
