//! What the pager decided about a page, and why: for whoever watches a walk.

use std::fmt;

use super::place::name;
use super::{Next, Position};
use crate::config::upstream::{Location, Part};

/// Where to read on, and why there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Where to read on.
    pub next: Next,
    /// Why there.
    pub why: Why<'a>,
}

/// What in a page decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// The answer means that the list has ended before it.
    PastEnd,
    /// The first answer is the whole list.
    Whole,
    /// A flag says whether there is more.
    Flag(Flag<'a>),
    /// The page names the next one here.
    Named(Naming<'a>),
    /// The page could name the next one here, and does not.
    Unnamed(Naming<'a>),
    /// The page says how many pages there are.
    Pages(&'a Location, u64),
    /// The page says how many records there are.
    Records(&'a Location, u64),
    /// A request of its own told how many records there are.
    Counted(u64),
    /// The page does not say how much there is, which means that it was the only one.
    NoTotal(&'a Location),
    /// The page holds no record.
    Empty,
    /// The page holds fewer records than the number that was asked for.
    Short(u32),
    /// Nothing says that it was the last.
    Open,
}

/// What a flag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag<'a> {
    /// Where it stands.
    pub at: &'a Location,
    /// Whether there is more.
    pub more: bool,
}

/// Where a page names the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming<'a> {
    /// At a place of its own.
    At(&'a Location),
    /// In the `Link` header.
    Link,
    /// In its last record.
    LastRecord(&'a Part),
}

impl<'a> Decision<'a> {
    pub(super) const fn new(next: Next, why: Why<'a>) -> Self {
        Self { next, why }
    }

    pub(super) const fn end(why: Why<'a>) -> Self {
        Self::new(Next::End, why)
    }

    pub(super) const fn one(position: Position, why: Why<'a>) -> Self {
        Self::new(Next::One(position), why)
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PastEnd => formatter.write_str("the answer means that the list ended before it"),
            Self::Whole => formatter.write_str("the first answer is the whole list"),
            Self::Flag(Flag { at, more: true }) => {
                write!(formatter, "`{}` says that there is more", name(at))
            }
            Self::Flag(Flag { at, more: false }) => {
                write!(formatter, "`{}` says that there is no more", name(at))
            }
            Self::Named(naming) => write!(formatter, "{naming} names it"),
            Self::Unnamed(naming @ Naming::At(_)) => {
                write!(formatter, "{naming} is absent, null or empty")
            }
            Self::Unnamed(Naming::Link) => {
                formatter.write_str("no `Link` header has a target with `rel=\"next\"`")
            }
            Self::Unnamed(Naming::LastRecord(_)) | Self::Empty => {
                formatter.write_str("the page holds no record")
            }
            Self::Pages(at, pages) => write!(formatter, "`{}` says {pages} pages", name(at)),
            Self::Records(at, records) => {
                write!(formatter, "`{}` says {records} records", name(at))
            }
            Self::Counted(records) => {
                write!(
                    formatter,
                    "the request for the total said {records} records"
                )
            }
            Self::NoTotal(at) => write!(formatter, "`{}` is absent", name(at)),
            Self::Short(limit) => {
                write!(formatter, "the page holds less than the {limit} asked for")
            }
            Self::Open => formatter.write_str("nothing says that this page was the last"),
        }
    }
}

impl fmt::Display for Naming<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(location) => write!(formatter, "`{}`", name(location)),
            Self::Link => formatter.write_str("the `Link` header"),
            Self::LastRecord(Part::Key) => formatter.write_str("the last record's name"),
            Self::LastRecord(Part::At(path)) => write!(formatter, "the last record's `{path}`"),
        }
    }
}
