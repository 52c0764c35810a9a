//! Bodies: JSON, a form, or raw text.

use bytes::Bytes;
use serde_json::Value as Json;

use super::parameters::Parameters;
use super::text::{Part, Text, Value, Variables};

/// The body of a request.
#[derive(Debug)]
pub(super) enum Body {
    Json(Shape),
    Form(Parameters),
    Raw(Text),
}

/// A JSON value with placeholders in its strings.
#[derive(Debug)]
pub(super) enum Shape {
    Text(Text),
    Constant(Json),
    List(Vec<Shape>),
    Object(Vec<(String, Shape)>),
}

impl Body {
    /// The default `Content-Type`.
    pub(super) const fn media_type(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Raw(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
        }
    }

    /// The texts that may have placeholders.
    pub(super) fn texts(&self) -> Vec<&Text> {
        match self {
            Self::Json(shape) => shape.texts(),
            Self::Form(parameters) => parameters.texts().collect(),
            Self::Raw(text) => vec![text],
        }
    }

    /// The body with its placeholders replaced; `None` if it is a text and one has no value.
    pub(super) fn render(&self, variables: &Variables<'_>) -> Option<Bytes> {
        Some(match self {
            Self::Json(shape) => shape.render(variables)?.to_string().into(),
            Self::Form(parameters) => parameters.render(variables).into(),
            Self::Raw(text) => text.render(variables)?.into(),
        })
    }
}

impl Shape {
    fn texts(&self) -> Vec<&Text> {
        match self {
            Self::Text(text) => vec![text],
            Self::Constant(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Object(members) => (members.iter())
                .flat_map(|(_, member)| member.texts())
                .collect(),
        }
    }

    /// The value with its placeholders replaced; `None` if it is a text and one has no value.
    fn render(&self, variables: &Variables<'_>) -> Option<Json> {
        Some(match self {
            Self::Constant(value) => value.clone(),
            Self::Text(text) => match text.0.as_slice() {
                [Part::Placeholder(placeholder)] => match placeholder.value(variables)? {
                    Value::Text(text) => text.into(),
                    Value::Number(number) => number.into(),
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
