//! What an emulation can be told to do wrong.
//!
//! A fault is a switch on one emulation. It acts on every request alike, logins included, and stays
//! until it is removed; only faults of a list need a list request. [`super::inject`] implements them,
//! and [`InjectedFault::applies_to`] says where each is possible.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use strum::{EnumIter, EnumMessage, IntoEnumIterator as _, IntoStaticStr};
use thiserror::Error;

use super::fault_values::{CursorType, GzipForm, MisreportedTotal, XmlEncoding};
use crate::did_you_mean::nearest;
use crate::plan::Span;

/// One way in which an emulated upstream misbehaves.
///
/// What is said of a variant here is what `groupgate demo --help` says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, EnumMessage, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum InjectedFault {
    // Of the connection.
    /// nothing listens on the port, open connections are closed
    #[strum(serialize = "down")]
    Refuse,
    /// the port is open, and no connection is ever accepted
    HangConnect,
    /// the request is taken and never answered
    Hang,
    /// the connection is closed in the middle of the body
    Truncate,
    /// the connection is reset in the middle of the body
    Reset,
    /// a connection is closed as soon as it is used again
    CloseOnReuse,

    // Of the head.
    /// every answer takes that much longer, at most until the fault is removed
    Slow(Duration),
    /// this status, with an error body in the vendor's shape; 429 and 503 say to wait a second
    Status(u16),
    /// so many answers with this status, then all is well
    Burst {
        /// The status of the failures.
        status: u16,
        /// How many requests fail.
        failures: u32,
    },
    /// 429, with the seconds to wait
    TooMany(Duration),
    /// 429, with the date to wait for, so far from now
    TooManyUntil(Duration),
    /// every credential is refused
    Unauthorized,
    /// every credential is refused, after so many requests
    UnauthorizedAfter(u32),
    /// 302 to the same path on another host
    Redirect,
    /// 10,000 header fields
    Headers,
    /// 206 with the `Content-Range` of the page; a list without pages ends after ten groups
    PartialContent,

    // Of the body's bytes.
    /// so many bytes of the body, then a pause, and so on
    Drip {
        /// The size of a chunk.
        bytes: u32,
        /// The pause between chunks.
        every: Duration,
    },
    /// the document ends in the middle, and the answer with it
    Cut,
    /// the right body, declared as an image
    MediaType,
    /// a web page with status 200
    Garbage,
    /// a byte in the body that is not UTF-8
    #[strum(serialize = "invalid-utf8")]
    InvalidUtf8,
    /// gzip in a form that is seldom seen: as `GZIP`, as `x-gzip`, or in several members
    Gzip(GzipForm),
    /// XML in another encoding, which it declares
    XmlEncoding(XmlEncoding),
    /// one half of a surrogate pair in a JSON string
    LoneSurrogate,
    /// a body of 1 GB, streamed
    Huge,
    /// a body of 1 MB that unpacks to 1 GB
    GzipBomb,
    /// a small XML document whose entities expand to 10 GB
    EntityBomb,
    /// 10,000 nested JSON arrays
    DeepJson,
    /// 10,000 nested XML elements
    DeepXml,

    // Of the content.
    /// the vendor's own error body with status 200
    ErrorInBody,
    /// on every page, the second group has the id of the first
    DuplicateIds,
    /// every third group has no id
    MissingIds,
    /// the groups of a page are in two lists, at the list's path and `/parts` (XML: `/parts/part`)
    RepeatedParents,
    /// lists where texts and numbers should be, and texts where lists should be
    WrongTypes,
    /// every page announces seven groups more than there are
    WrongTotal,
    /// every page announces a wrong total: 0, its own length, seven too few, or an object
    Total(MisreportedTotal),
    /// every page is the first one again
    RepeatPage,
    /// every page names the same next page
    RepeatCursor,
    /// the cursor of the next page is an object, a list or `true`
    CursorType(CursorType),
    /// there is always one more page of new groups
    Endless,
    /// the link to the next page leads to another host
    NextElsewhere,
}

/// How the value of a fault is written.
struct ValueSyntax {
    word: &'static str,
    wanted: &'static str,
    example: &'static str,
}

impl ValueSyntax {
    const fn new(word: &'static str, wanted: &'static str, example: &'static str) -> Self {
        Self {
            word,
            wanted,
            example,
        }
    }

    fn of(word: &str) -> Option<&'static Self> {
        VALUES.iter().find(|syntax| syntax.word == word)
    }
}

/// The faults that have a value.
const VALUES: [ValueSyntax; 11] = [
    ValueSyntax::new("slow", "a duration", "slow:500ms"),
    ValueSyntax::new("too-many", "a duration", "too-many:2s"),
    ValueSyntax::new("too-many-until", "a duration", "too-many-until:2s"),
    ValueSyntax::new("status", "an error status from 400 to 599", "status:503"),
    ValueSyntax::new(
        "burst",
        "an error status from 400 to 599 and the number of requests that fail",
        "burst:503:3",
    ),
    ValueSyntax::new(
        "unauthorized-after",
        "the number of requests that pass",
        "unauthorized-after:3",
    ),
    ValueSyntax::new(
        "drip",
        "the bytes of a chunk, at least 1, and the pause between chunks",
        "drip:10:100ms",
    ),
    ValueSyntax::new("gzip", "`GZIP`, `x-gzip` or `members`", "gzip:x-gzip"),
    ValueSyntax::new(
        "xml-encoding",
        "`iso-8859-1` or `utf-16`",
        "xml-encoding:utf-16",
    ),
    ValueSyntax::new("total", "`zero`, `page`, `less` or `object`", "total:page"),
    ValueSyntax::new(
        "cursor-type",
        "`object`, `list` or `true`",
        "cursor-type:list",
    ),
];

/// Why a fault does not apply to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotApplicable {
    /// There is no next page that could be wrong.
    #[error("its list has no pages")]
    NoPages,
    /// Its pages are counted.
    #[error("its pages name no cursor")]
    NoCursor,
    /// Its pages announce no number of groups.
    #[error("its pages announce no total")]
    NoTotal,
    /// Its pages hold no URL.
    #[error("its pages hold no link to the next one")]
    NoLink,
    /// It has one format.
    #[error("it does not serve XML")]
    NoXml,
    /// There is no emulation of this name.
    #[error("it is not emulated")]
    NoUpstream,
}

fn help(text: &str) -> String {
    let words: Vec<_> = InjectedFault::all()
        .map(|fault| fault.to_string())
        .collect();
    nearest(text, words.iter().map(String::as_str)).map_or_else(
        || "`groupgate demo --help` lists them".to_owned(),
        |word| format!("did you mean `{word}`?"),
    )
}

impl InjectedFault {
    /// Every fault, with an example of its value where it has one.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter().map(|fault| {
            let example = ValueSyntax::of(fault.word()).map(|syntax| syntax.example);
            example.map_or(Some(fault), parse).unwrap_or(fault)
        })
    }

    fn word(self) -> &'static str {
        self.into()
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a fault that `VALUES` does not name is complete without a value"
    )]
    fn with_value(self, value: &str) -> Option<Self> {
        let split = || value.split_once(':');
        Some(match self {
            Self::Slow(_) => Self::Slow(span(value)?),
            Self::TooMany(_) => Self::TooMany(span(value)?),
            Self::TooManyUntil(_) => Self::TooManyUntil(span(value)?),
            Self::Status(_) => Self::Status(error_status(value)?),
            Self::Burst { .. } => {
                let (status, failures) = split()?;
                Self::Burst {
                    status: error_status(status)?,
                    failures: failures.parse().ok()?,
                }
            }
            Self::UnauthorizedAfter(_) => Self::UnauthorizedAfter(value.parse().ok()?),
            Self::Drip { .. } => {
                let (bytes, every) = split()?;
                Self::Drip {
                    bytes: bytes.parse().ok().filter(|bytes| *bytes > 0)?,
                    every: span(every)?,
                }
            }
            Self::Gzip(_) => Self::Gzip(value.parse().ok()?),
            Self::XmlEncoding(_) => Self::XmlEncoding(value.parse().ok()?),
            Self::Total(_) => Self::Total(value.parse().ok()?),
            Self::CursorType(_) => Self::CursorType(value.parse().ok()?),
            _ => return None,
        })
    }
}

/// The column at which the listing says what a fault does.
const DOES_AT: usize = 25;

/// As wide as the least terminal that is common: a wider listing would be wrapped without indentation.
const WIDTH: usize = 80;

/// Every fault and what it does, each on a line of its own and the indented ones after it.
pub(crate) fn listing() -> String {
    InjectedFault::all()
        .map(|fault| {
            let does = fault.get_documentation().unwrap_or_default();
            let mut listed = format!("  {:<22}", fault.to_string());
            let mut column = listed.chars().count();
            for word in does.split_whitespace() {
                let length = word.chars().count() + 1;
                if column + length > WIDTH {
                    listed.push('\n');
                    listed.push_str(&" ".repeat(DOES_AT - 1));
                    column = DOES_AT - 1;
                }
                listed.push(' ');
                listed.push_str(word);
                column += length;
            }
            listed + "\n"
        })
        .collect()
}

/// The fault of a text that is valid.
fn parse(text: &str) -> Option<InjectedFault> {
    let (word, value) = match text.split_once(':') {
        Some((word, value)) => (word, Some(value)),
        None => (text, None),
    };
    let fault = InjectedFault::iter().find(|fault| fault.word() == word)?;
    match value {
        None if ValueSyntax::of(word).is_none() => Some(fault),
        _ => fault.with_value(value?),
    }
}

impl FromStr for InjectedFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).ok_or_else(|| {
            let word = text.split(':').next().unwrap_or_default();
            match ValueSyntax::of(word) {
                None => format!("`{text}` is not a fault; {}", help(text)),
                Some(ValueSyntax {
                    wanted, example, ..
                }) => format!("`{text}` is invalid: expected {wanted}, as in `{example}`"),
            }
        })
    }
}

fn span(text: &str) -> Option<Duration> {
    text.parse().ok().map(Span::get)
}

fn error_status(text: &str) -> Option<u16> {
    let status = text.parse::<StatusCode>().ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status.as_u16())
}

impl fmt::Display for InjectedFault {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the test reads every fault back from what it shows"
    )]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())?;
        match self {
            Self::Slow(by) => write!(formatter, ":{by:?}"),
            Self::TooMany(wait) | Self::TooManyUntil(wait) => write!(formatter, ":{wait:?}"),
            Self::Status(status) => write!(formatter, ":{status}"),
            Self::Burst { status, failures } => write!(formatter, ":{status}:{failures}"),
            Self::UnauthorizedAfter(passed) => write!(formatter, ":{passed}"),
            Self::Drip { bytes, every } => write!(formatter, ":{bytes}:{every:?}"),
            Self::Gzip(form) => write!(formatter, ":{}", <&str>::from(form)),
            Self::XmlEncoding(encoding) => write!(formatter, ":{}", <&str>::from(encoding)),
            Self::Total(total) => write!(formatter, ":{}", <&str>::from(total)),
            Self::CursorType(cursor) => write!(formatter, ":{}", <&str>::from(cursor)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_from_what_it_shows() {
        for fault in InjectedFault::all() {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
    }

    #[test]
    fn every_value_has_an_example_that_is_not_the_default() {
        let with_value = InjectedFault::all().filter(|fault| fault.to_string().contains(':'));
        assert_eq!(with_value.count(), VALUES.len());
        for syntax in VALUES {
            let fault: InjectedFault = syntax.example.parse().unwrap();
            assert_eq!(fault.to_string(), syntax.example);
        }
    }

    #[test]
    fn the_listing_begins_a_line_for_each_fault_and_indents_the_others() {
        let listing = listing();
        let (more, first): (Vec<_>, Vec<_>) =
            (listing.lines()).partition(|line| line.starts_with(&" ".repeat(DOES_AT)));
        assert_eq!(first.len(), InjectedFault::all().count());
        assert!(!more.is_empty());
        assert!(listing.lines().all(|line| line.len() <= WIDTH), "{listing}");
        assert!(
            listing.contains("  burst:503:3            so many answers"),
            "{listing}"
        );
    }
}
