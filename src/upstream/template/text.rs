//! Texts with gaps, and what fills them on one page.

use secrecy::{ExposeSecret, SecretString};

use crate::config::upstream::Pushable;
use crate::upstream::pager::Position;
use crate::upstream::pushdown::{Pushed, Written};

/// What fills the gaps on one page.
#[derive(Debug, Clone, Copy)]
pub struct Gaps<'a> {
    /// Where the page is.
    pub position: &'a Position,
    /// How many records to ask for.
    pub limit: Option<u32>,
    /// The filters that the upstream is asked with.
    pub pushed: &'a Pushed,
}

impl Gaps<'_> {
    /// What a request that is not about a page is filled with: nothing.
    pub const NONE: Gaps<'static> = Gaps {
        position: &Position::Start,
        limit: None,
        pushed: &Pushed::NONE,
    };
}

/// A text with gaps.
#[derive(Debug)]
pub(super) struct Text(pub(super) Vec<Part>);

#[derive(Debug)]
pub(super) enum Part {
    /// Stands as it was written.
    Literal(String),
    /// A variable's value, escaped where it stands.
    Value(SecretString),
    /// A place for what differs from page to page.
    Gap(Gap),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Gap {
    Cursor,
    Offset,
    Page,
    Limit,
    Filter(Pushable),
}

/// The value of a gap on one page.
pub(super) enum Filling<'a> {
    Text(&'a str),
    Number(u64),
}

impl Gap {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cursor" => Self::Cursor,
            "offset" => Self::Offset,
            "page" => Self::Page,
            "limit" => Self::Limit,
            _ => Self::Filter(Pushable::named(name)?),
        })
    }

    pub(super) fn filling<'a>(self, gaps: &Gaps<'a>) -> Option<Filling<'a>> {
        match (self, gaps.position) {
            (Self::Cursor, Position::Cursor(cursor)) => Some(Filling::Text(cursor)),
            (Self::Offset, Position::Offset(number)) | (Self::Page, Position::Page(number)) => {
                Some(Filling::Number(*number))
            }
            (Self::Filter(filter), _) => gaps.pushed.get(filter).map(|written| match written {
                Written::Text(text) => Filling::Text(text),
                Written::Number(number) => Filling::Number(*number),
            }),
            (Self::Limit, _) => gaps.limit.map(|limit| Filling::Number(limit.into())),
            (Self::Cursor | Self::Offset | Self::Page, _) => None,
        }
    }
}

impl Text {
    pub(super) fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Literal(text.into())])
    }

    /// The text with its gaps filled; `None` when one has no value.
    pub(super) fn fill(&self, gaps: &Gaps<'_>) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Value(value) => filled.push_str(value.expose_secret()),
                Part::Gap(gap) => match gap.filling(gaps)? {
                    Filling::Text(text) => filled.push_str(text),
                    Filling::Number(number) => filled.push_str(&number.to_string()),
                },
            }
        }
        Some(filled)
    }

    /// The filters whose placeholders stand in it.
    pub(super) fn pushes(&self) -> impl Iterator<Item = Pushable> {
        self.0.iter().filter_map(|part| match part {
            Part::Gap(Gap::Filter(filter)) => Some(*filter),
            Part::Gap(Gap::Cursor | Gap::Offset | Gap::Page | Gap::Limit)
            | Part::Literal(_)
            | Part::Value(_) => None,
        })
    }

    pub(super) fn may_be_secret(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Value(_)))
    }
}
