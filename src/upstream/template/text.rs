//! Texts with placeholders, and the variables that are rendered into them.

use secrecy::{ExposeSecret, SecretString};

use crate::plan::Pushable;
use crate::upstream::pager::Position;
use crate::upstream::pushdown::{Pushed, Written};

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

/// A text with placeholders.
#[derive(Debug)]
pub(super) struct Text(pub(super) Vec<Part>);

#[derive(Debug)]
pub(super) enum Part {
    /// Written as is.
    Literal(String),
    /// A value of `vars`, or a secret. Escaped for its place.
    Secret(SecretString),
    /// Replaced by a value that differs from page to page.
    Placeholder(Placeholder),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Placeholder {
    Cursor,
    Offset,
    Page,
    Limit,
    Filter(Pushable),
}

/// The value of a placeholder for one page.
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(u64),
}

impl Placeholder {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cursor" => Self::Cursor,
            "offset" => Self::Offset,
            "page" => Self::Page,
            "limit" => Self::Limit,
            _ => Self::Filter(Pushable::named(name)?),
        })
    }

    pub(super) fn value<'a>(self, variables: &Variables<'a>) -> Option<Value<'a>> {
        match (self, variables.position) {
            (Self::Cursor, Position::Cursor(cursor)) => Some(Value::Text(cursor)),
            (Self::Offset, Position::Offset(number)) | (Self::Page, Position::Page(number)) => {
                Some(Value::Number(*number))
            }
            (Self::Filter(filter), _) => {
                variables.pushed.get(filter).map(|written| match written {
                    Written::Text(text) => Value::Text(text),
                    Written::Number(number) => Value::Number(*number),
                })
            }
            (Self::Limit, _) => variables.limit.map(|limit| Value::Number(limit.into())),
            (Self::Cursor | Self::Offset | Self::Page, _) => None,
        }
    }
}

impl Text {
    pub(super) fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Literal(text.into())])
    }

    /// The text with its placeholders replaced; `None` if one has no value.
    pub(super) fn render(&self, variables: &Variables<'_>) -> Option<String> {
        let mut rendered = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => rendered.push_str(text),
                Part::Secret(value) => rendered.push_str(value.expose_secret()),
                Part::Placeholder(placeholder) => match placeholder.value(variables)? {
                    Value::Text(text) => rendered.push_str(text),
                    Value::Number(number) => rendered.push_str(&number.to_string()),
                },
            }
        }
        Some(rendered)
    }

    /// The filters that it has placeholders for.
    pub(super) fn pushes(&self) -> impl Iterator<Item = Pushable> {
        self.0.iter().filter_map(|part| match part {
            Part::Placeholder(Placeholder::Filter(filter)) => Some(*filter),
            Part::Placeholder(
                Placeholder::Cursor | Placeholder::Offset | Placeholder::Page | Placeholder::Limit,
            )
            | Part::Literal(_)
            | Part::Secret(_) => None,
        })
    }

    pub(super) fn may_be_secret(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Secret(_)))
    }
}
