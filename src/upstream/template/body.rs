//! Bodies: JSON, a form, or a text as it is written.

use bytes::Bytes;
use serde_json::Value;

use super::parameters::Parameters;
use super::text::{Filling, Gaps, Part, Text};

/// The body of a request.
#[derive(Debug)]
pub(super) enum Body {
    Json(Shape),
    Form(Parameters),
    Verbatim(Text),
}

/// A JSON value with gaps in its strings.
#[derive(Debug)]
pub(super) enum Shape {
    Text(Text),
    Plain(Value),
    List(Vec<Shape>),
    Object(Vec<(String, Shape)>),
}

impl Body {
    /// The media type that it is sent as, unless a header says otherwise.
    pub(super) const fn media_type(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Verbatim(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
        }
    }

    /// The texts in it.
    pub(super) fn texts(&self) -> Vec<&Text> {
        match self {
            Self::Json(shape) => shape.texts(),
            Self::Form(parameters) => parameters.texts().collect(),
            Self::Verbatim(text) => vec![text],
        }
    }

    /// The body with its gaps filled; `None` when it is a text with a gap that has no value.
    pub(super) fn fill(&self, gaps: &Gaps<'_>) -> Option<Bytes> {
        Some(match self {
            Self::Json(shape) => shape.fill(gaps)?.to_string().into(),
            Self::Form(parameters) => parameters.fill(gaps).into(),
            Self::Verbatim(text) => text.fill(gaps)?.into(),
        })
    }
}

impl Shape {
    fn texts(&self) -> Vec<&Text> {
        match self {
            Self::Text(text) => vec![text],
            Self::Plain(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Object(members) => (members.iter())
                .flat_map(|(_, member)| member.texts())
                .collect(),
        }
    }

    /// The value with its gaps filled; `None` when it is a text with a gap that has no value.
    fn fill(&self, gaps: &Gaps<'_>) -> Option<Value> {
        Some(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) => match text.0.as_slice() {
                [Part::Gap(gap)] => match gap.filling(gaps)? {
                    Filling::Text(text) => text.into(),
                    Filling::Number(number) => number.into(),
                },
                _ => text.fill(gaps)?.into(),
            },
            Self::List(items) => items.iter().filter_map(|item| item.fill(gaps)).collect(),
            Self::Object(members) => members
                .iter()
                .filter_map(|(name, member)| Some((name.clone(), member.fill(gaps)?)))
                .collect(),
        })
    }
}
