//! Texts with placeholders, and the variables that are rendered into them.

use std::borrow::Cow;

use crate::percent::encode;
use crate::plan::request::Text;
use crate::plan::{Placeholder, TextPart};
use crate::upstream::auth::LoginValues;
use crate::upstream::on_behalf::{CallerAsk, CallerText};
use crate::upstream::outer_values::OuterValues;
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
    /// What is sent of the caller, if it is asked on behalf of one.
    pub caller: Option<&'a CallerAsk>,
    /// What the logins returned.
    pub login: &'a LoginValues,
    /// The values of the records around the list, if it is one of a record.
    pub outer: Option<&'a OuterValues>,
}

impl<'a> Variables<'a> {
    /// For requests that are about no page.
    pub const fn unpaged(
        pushed: &'a Pushed,
        caller: Option<&'a CallerAsk>,
        login: &'a LoginValues,
    ) -> Self {
        Self {
            position: &Position::Start,
            limit: None,
            pushed,
            caller,
            login,
            outer: None,
        }
    }
}

/// The value of a placeholder for one page.
pub(super) enum TemplateValue<'a> {
    Text(&'a str),
    Number(u64),
    /// A number of an upstream's own, which may be larger than any of ours.
    Digits(&'a str),
    /// A list or an object of an upstream's own.
    Json(&'a str),
    Bool(bool),
}

impl<'a> TemplateValue<'a> {
    /// The value of a cursor.
    fn of_cursor(position: &'a Position) -> Option<Self> {
        match position {
            Position::Cursor(cursor) => Some(Self::Text(cursor)),
            Position::NumberCursor(digits) => Some(Self::Digits(digits)),
            Position::JsonCursor(json) => Some(Self::Json(json)),
            Position::Cursors(_)
            | Position::Start
            | Position::Offset(_)
            | Position::Page(_)
            | Position::Url(_) => None,
        }
    }

    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) | Self::Digits(text) | Self::Json(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Bool(bool) => Cow::Borrowed(if bool { "true" } else { "false" }),
        }
    }
}

impl Placeholder {
    pub(super) fn value<'a>(&self, variables: &Variables<'a>) -> Option<TemplateValue<'a>> {
        match (self, variables.position) {
            (Self::Cursor, position) => TemplateValue::of_cursor(position),
            (Self::CursorValue(name), Position::Cursors(values)) => {
                let mut values = values.iter();
                let (_, value) = values.find(|(named, _)| named == name)?;
                TemplateValue::of_cursor(value)
            }
            (Self::Last, Position::Offset(first)) => {
                let after = first + u64::from(variables.limit?);
                Some(TemplateValue::Number(after.saturating_sub(1)))
            }
            (Self::End, Position::Offset(first)) => {
                Some(TemplateValue::Number(first + u64::from(variables.limit?)))
            }
            (Self::Offset, Position::Offset(number)) | (Self::Page, Position::Page(number)) => {
                Some(TemplateValue::Number(*number))
            }
            (Self::Filter(filter), _) => {
                variables.pushed.get(*filter).map(|written| match written {
                    PushedValue::Text(text) => TemplateValue::Text(text),
                    PushedValue::Number(number) => TemplateValue::Number(*number),
                })
            }
            (Self::Caller(value), _) => variables.caller?.get(value).map(|value| match value {
                CallerText::Text(text) => TemplateValue::Text(text),
                CallerText::Digits(digits) => TemplateValue::Digits(digits),
                CallerText::Bool(bool) => TemplateValue::Bool(*bool),
            }),
            (Self::Login(name), _) => {
                let value = variables.login.get(name)?;
                Some(if value.is_number() {
                    TemplateValue::Digits(value.text())
                } else {
                    TemplateValue::Text(value.text())
                })
            }
            (Self::Outer(name), _) => variables.outer?.get(name).map(|value| {
                if value.is_number {
                    TemplateValue::Digits(&value.text)
                } else {
                    TemplateValue::Text(&value.text)
                }
            }),
            (Self::Limit, _) => variables
                .limit
                .map(|limit| TemplateValue::Number(limit.into())),
            (Self::CursorValue(_) | Self::Offset | Self::Last | Self::End | Self::Page, _) => None,
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

    /// What upstreams returned for placeholders in it, each by its name.
    pub(super) fn returned<'a>(
        &'a self,
        variables: &Variables<'a>,
    ) -> impl Iterator<Item = (String, Cow<'a, str>)> {
        let variables = *variables;
        self.0.iter().filter_map(move |part| match part {
            TextPart::Placeholder(placeholder) => {
                let value = placeholder.value(&variables)?;
                Some((placeholder.returned()?, value.text()))
            }
            TextPart::Literal(_) | TextPart::Value(_) => None,
        })
    }

    /// Whether it contains a secret, or a value of `vars`, of a caller or of a login, which may be one.
    pub(super) fn may_be_secret(&self) -> bool {
        (self.0.iter()).any(|part| {
            matches!(
                part,
                TextPart::Value(_)
                    | TextPart::Placeholder(Placeholder::Caller(_) | Placeholder::Login(_))
            )
        })
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
