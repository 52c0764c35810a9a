//! Texts with placeholders, and the variables that are rendered into them.

use std::borrow::Cow;

use crate::percent::encode;
use crate::plan::request::Text;
use crate::plan::{Placeholder, TextPart};
use crate::upstream::pager::Position;
use crate::upstream::pushdown::{Pushed, PushedValue};

/// The values of the placeholders for one page.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'a> {
    /// The position of the page.
    pub position: &'a Position,
    /// How many records to request.
    pub limit: Option<u32>,
    /// The filters that are pushed down.
    pub pushed: &'a Pushed,
}

impl Variables<'_> {
    /// No values, for requests that are not about a page.
    pub const NONE: Variables<'static> = Variables {
        position: &Position::Start,
        limit: None,
        pushed: &Pushed::NONE,
    };
}

/// The value of a placeholder for one page.
pub(super) enum TemplateValue<'a> {
    Text(&'a str),
    Number(u64),
    /// A number of an upstream's own, which may be larger than any of ours.
    Digits(&'a str),
}

impl<'a> TemplateValue<'a> {
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) | Self::Digits(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
        }
    }
}

impl Placeholder {
    pub(super) fn value<'a>(self, variables: &Variables<'a>) -> Option<TemplateValue<'a>> {
        match (self, variables.position) {
            (Self::Cursor, Position::Cursor(cursor)) => Some(TemplateValue::Text(cursor)),
            (Self::Cursor, Position::NumberCursor(digits)) => Some(TemplateValue::Digits(digits)),
            (Self::Offset, Position::Offset(number)) | (Self::Page, Position::Page(number)) => {
                Some(TemplateValue::Number(*number))
            }
            (Self::Filter(filter), _) => {
                variables.pushed.get(filter).map(|written| match written {
                    PushedValue::Text(text) => TemplateValue::Text(text),
                    PushedValue::Number(number) => TemplateValue::Number(*number),
                })
            }
            (Self::Limit, _) => variables
                .limit
                .map(|limit| TemplateValue::Number(limit.into())),
            (Self::Cursor | Self::Offset | Self::Page, _) => None,
        }
    }
}

impl Text {
    /// The text with its placeholders replaced; `None` if one has no value.
    pub(super) fn render(&self, variables: &Variables<'_>) -> Option<String> {
        let mut rendered = String::new();
        for part in &self.0 {
            match part {
                TextPart::Literal(text) => rendered.push_str(text),
                TextPart::Value(value) => rendered.push_str(value.expose()),
                TextPart::Placeholder(placeholder) => {
                    rendered.push_str(&placeholder.value(variables)?.text());
                }
            }
        }
        Some(rendered)
    }

    /// Whether it contains a secret, or a value of `vars`, which may be one.
    pub(super) fn may_be_secret(&self) -> bool {
        (self.0.iter()).any(|part| matches!(part, TextPart::Value(_)))
    }
}

/// `name=value&…`, without parameters that have no value.
pub(super) fn render_parameters(
    parameters: &[(String, Text)],
    variables: &Variables<'_>,
) -> String {
    let pairs = parameters.iter().filter_map(|(name, text)| {
        let value = text.render(variables)?;
        Some(format!("{}={}", encode(name), encode(&value)))
    });
    pairs.collect::<Vec<_>>().join("&")
}
