//! What the pager decided after a page, and why.

use std::collections::BTreeMap;
use std::fmt;

use super::location::{flag_name, name};
use crate::page::ended_by::EndedBy;
use crate::page::position::{Next, Position};
use crate::plan::{CursorSource, Location, NextCursor, Part, Path};

/// Where to read on, and why there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Where to read on.
    pub next: Next,
    /// Why there.
    pub reason: Reason<'a>,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason<'a> {
    /// The response means that the list ended before it.
    PastEnd,
    /// The first page is the whole list.
    Whole,
    /// A flag says whether there is more.
    Flag(Flag<'a>),
    /// The page names the next one.
    Named(Naming<'a>),
    /// The page does not name a next one.
    Unnamed(Naming<'a>),
    /// The page states the number of pages.
    Pages(&'a Location, u64),
    /// The page states the number of records.
    Records(&'a Location, u64),
    /// A request of its own returned the number of records.
    Counted(u64),
    /// The page states no total, which means that it is the only one.
    NoTotal(&'a Location),
    /// The page is empty.
    Empty,
    /// The page has fewer records than requested.
    Short(u32),
    /// Nothing says that it is the last.
    Open,
}

/// The value of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag<'a> {
    /// Where it is.
    pub at: &'a CursorSource,
    /// Whether there is more.
    pub more: bool,
}

/// Where a page names the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming<'a> {
    /// At a location of its own.
    At(&'a Location),
    /// In the `Link` header.
    Link,
    /// In its last record.
    LastRecord(&'a Part),
    /// By a list or an object of JSON.
    Structure(&'a Path),
    /// By several values.
    Several(&'a BTreeMap<String, CursorSource>),
}

impl<'a> Decision<'a> {
    pub(super) const fn new(next: Next, reason: Reason<'a>) -> Self {
        Self { next, reason }
    }

    pub(super) const fn end(reason: Reason<'a>) -> Self {
        Self::new(Next::End, reason)
    }

    pub(super) const fn one(position: Position, reason: Reason<'a>) -> Self {
        Self::new(Next::One(position), reason)
    }
}

impl Reason<'_> {
    /// What this reason ends a walk by.
    pub const fn ended_by(self) -> EndedBy {
        match self {
            Self::PastEnd => EndedBy::PastEnd,
            Self::Whole => EndedBy::WholeList,
            Self::Flag(_) => EndedBy::Flag,
            Self::Unnamed(Naming::LastRecord(_)) | Self::Empty => EndedBy::EmptyPage,
            Self::Named(_) | Self::Unnamed(_) | Self::Open => EndedBy::NoNext,
            Self::Pages(..) => EndedBy::LastPage,
            Self::Records(..) | Self::Counted(_) => EndedBy::Total,
            Self::NoTotal(_) => EndedBy::NoTotal,
            Self::Short(_) => EndedBy::ShortPage,
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PastEnd => {
                formatter.write_str("the response means that the list ended before it")
            }
            Self::Whole => formatter.write_str("the first response is the whole list"),
            Self::Flag(Flag { at, more: true }) => {
                write!(formatter, "`{}` says that there is more", flag_name(at))
            }
            Self::Flag(Flag { at, more: false }) => {
                write!(formatter, "`{}` says that there is no more", flag_name(at))
            }
            Self::Named(naming) => write!(formatter, "{naming} names it"),
            Self::Unnamed(naming @ (Naming::At(_) | Naming::Structure(_))) => {
                write!(formatter, "{naming} is absent, null or empty")
            }
            Self::Unnamed(naming @ Naming::Several(_)) => {
                write!(formatter, "all of {naming} are absent, null or empty")
            }
            Self::Unnamed(Naming::Link) => {
                formatter.write_str("no `Link` header has a target with `rel=\"next\"`")
            }
            Self::Unnamed(Naming::LastRecord(_)) | Self::Empty => {
                formatter.write_str("the page is empty")
            }
            Self::Pages(at, pages) => write!(formatter, "`{}` says {pages} pages", name(at)),
            Self::Records(at, records) => {
                write!(formatter, "`{}` says {records} records", name(at))
            }
            Self::Counted(records) => {
                write!(
                    formatter,
                    "the request for the total returned {records} records"
                )
            }
            Self::NoTotal(at) => write!(formatter, "`{}` is absent", name(at)),
            Self::Short(limit) => {
                write!(
                    formatter,
                    "the page has fewer records than the {limit} requested"
                )
            }
            Self::Open => formatter.write_str("nothing says that this page is the last"),
        }
    }
}

/// Where a page would name the next one, as messages name it.
pub(super) fn cursor_name(next: &NextCursor) -> String {
    match next {
        NextCursor::One(source) => flag_name(source),
        NextCursor::Structure { structure } => structure.to_string(),
        NextCursor::Several { values } => {
            let places: Vec<_> = values.values().map(flag_name).collect();
            places.join("`, `")
        }
    }
}

impl fmt::Display for Naming<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(location) => write!(formatter, "`{}`", name(location)),
            Self::Link => formatter.write_str("the `Link` header"),
            Self::LastRecord(Part::Key) => formatter.write_str("the key of the last record"),
            Self::Structure(path) => write!(formatter, "`{path}`"),
            Self::Several(values) => {
                let places: Vec<_> = values.values().map(flag_name).collect();
                write!(formatter, "`{}`", places.join("`, `"))
            }
            Self::LastRecord(Part::At(path)) => write!(formatter, "the last record's `{path}`"),
        }
    }
}
