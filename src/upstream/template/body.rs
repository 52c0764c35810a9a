//! Bodies: JSON, a form, or text as it is written.

use bytes::Bytes;
use serde_json::{Map, Value as JsonValue};

use super::raw;
use super::text::{TemplateValue, Variables, render_parameters};
use crate::json::{number, read_own};
use crate::plan::request::Json;
use crate::plan::{RequestBody, TextPart};

impl RequestBody {
    /// The body with its placeholders replaced; `None` if it is a text and one has no value.
    pub(super) fn render(&self, variables: &Variables<'_>) -> Option<Bytes> {
        Some(match self {
            Self::Json(json) => match (json.render(variables), json) {
                (Some(json), _) => json.to_string().into(),
                // A body that is left with nothing is still a body.
                (None, Json::Object(_)) => JsonValue::Object(Map::new()).to_string().into(),
                (None, Json::List(_)) => JsonValue::Array(Vec::new()).to_string().into(),
                (None, Json::Constant(_) | Json::Text(_)) => return None,
            },
            Self::Form(parameters) => render_parameters(parameters, variables).into(),
            Self::Raw(text, syntax) => raw::render(text, *syntax, variables)?.into(),
        })
    }
}

impl Json {
    /// The value with its placeholders replaced; `None` if it is a text and one has no value, or if
    /// nothing is left in it for that reason.
    fn render(&self, variables: &Variables<'_>) -> Option<JsonValue> {
        match self {
            Self::Constant(value) => Some(value.clone()),
            Self::Text(text) => match text.0.as_slice() {
                [TextPart::Placeholder(placeholder)] => Some(placeholder.value(variables)?.json()),
                _ => Some(text.render(variables)?.into()),
            },
            Self::List(items) => {
                let rendered = items.iter().filter_map(|item| item.render(variables));
                let rendered: Vec<_> = rendered.collect();
                (items.is_empty() || !rendered.is_empty()).then_some(JsonValue::Array(rendered))
            }
            Self::Object(members) => {
                let rendered = members.iter().filter_map(|(name, member)| {
                    let member = member.render(variables)?;
                    Some((name.clone(), member))
                });
                let rendered: Map<_, _> = rendered.collect();
                (members.is_empty() || !rendered.is_empty()).then_some(JsonValue::Object(rendered))
            }
        }
    }
}

impl TemplateValue<'_> {
    /// The value in its own type.
    fn json(self) -> JsonValue {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => number.into(),
            Self::Bool(bool) => bool.into(),
            // It was read before it was written.
            Self::Json(json) => read_own(json).unwrap_or_else(|_| json.into()),
            Self::Digits(digits) => number(digits).map_or_else(|| digits.into(), JsonValue::from),
        }
    }
}
