//! Bodies: JSON, a form, or raw text.

use bytes::Bytes;
use serde_json::Value as JsonValue;

use super::text::{TemplateValue, Variables, render_parameters};
use crate::plan::request::Json;
use crate::plan::{RequestBody, TextPart};

impl RequestBody {
    /// The body with its placeholders replaced; `None` if it is a text and one has no value.
    pub(super) fn render(&self, variables: &Variables<'_>) -> Option<Bytes> {
        Some(match self {
            Self::Json(json) => json.render(variables)?.to_string().into(),
            Self::Form(parameters) => render_parameters(parameters, variables).into(),
            Self::Raw(text) => text.render(variables)?.into(),
        })
    }
}

impl Json {
    /// The value with its placeholders replaced; `None` if it is a text and one has no value.
    fn render(&self, variables: &Variables<'_>) -> Option<JsonValue> {
        Some(match self {
            Self::Constant(value) => value.clone(),
            Self::Text(text) => match text.0.as_slice() {
                [TextPart::Placeholder(placeholder)] => match placeholder.value(variables)? {
                    TemplateValue::Text(text) => text.into(),
                    TemplateValue::Number(number) => number.into(),
                },
                _ => text.render(variables)?.into(),
            },
            Self::List(items) => items
                .iter()
                .filter_map(|item| item.render(variables))
                .collect(),
            Self::Object(members) => members
                .iter()
                .filter_map(|(name, member)| Some((name.clone(), member.render(variables)?)))
                .collect(),
        })
    }
}
