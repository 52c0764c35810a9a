//! Bytes become a [`Page`], the one representation in which JSON and XML meet.
//!
//! ```text
//! body ▸ json | xml ▸ Page ▸ find (a path's value), records (the list of groups)
//! ```
//!
//! Nothing after this folder knows which of the two an upstream speaks. Decoding is pure and
//! bounded: no recursion that an upstream could deepen, no entity that it could define, and no more
//! memory than in proportion to the largest body that the transport lets through.

use std::fmt;

use bytesize::ByteSize;
use thiserror::Error;

use crate::config::upstream::Limits;
use crate::error::{ErrorKind, UpstreamError};

mod json;
mod text;
mod xml;

pub mod page;
pub use page::Page;

pub mod node;
pub use node::Node;

/// How many times as large as `limits.page_bytes` what is in a page may be in memory. Groups become
/// eight to twenty times as large as they are written, lists of next to nothing sixty times.
const GROWTH: u64 = 16;

/// How much may be in a body.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How deep lists and objects, or elements, may stand in each other.
    depth: u32,
    /// How much memory all of them may take.
    room: ByteSize,
}

impl Bounds {
    /// As much as `limits` allow.
    pub fn of(limits: &Limits) -> Self {
        Self {
            depth: limits.depth,
            room: ByteSize(limits.page_bytes.as_u64().saturating_mul(GROWTH)),
        }
    }

    #[cfg(test)]
    fn deep(depth: u32) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }
}

impl Default for Bounds {
    /// As much as adapters allow that say nothing of it.
    fn default() -> Self {
        Self::of(&Limits::default())
    }
}

/// Why a body is no page, or a page holds no records.
///
/// A message names keys and quotes a few characters of the body at most: what an upstream holds
/// does not belong into logs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormatError {
    /// The body is not in the format that the adapter names.
    #[error("expected {expected}, but the body {looks}: {problem}")]
    Unreadable {
        /// The format's name.
        expected: &'static str,
        /// What the body looks like, by its first characters.
        looks: String,
        /// What the decoder stumbled on, and where.
        problem: String,
    },
    /// What is in the body stands deeper in each other than the adapter allows.
    #[error("{what} more than {depth} deep (`limits.depth`) at line {line} column {column}")]
    Nested {
        /// What does.
        what: &'static str,
        /// How deep it may.
        depth: u32,
        /// The line, from 1.
        line: usize,
        /// The byte in that line, from 1.
        column: usize,
    },
    /// What is in the body takes more memory than a page may.
    #[error(
        "what is in the body takes more than {room} of memory, {GROWTH} times `limits.page_bytes`, \
         at line {line} column {column}"
    )]
    Swollen {
        /// How much it may take.
        room: ByteSize,
        /// The line, from 1.
        line: usize,
        /// The byte in that line, from 1.
        column: usize,
    },
    /// The container that `records` names is not in what should hold it.
    #[error("`{path}` is not there: `{reached}` {holds}")]
    Absent {
        /// The path that was followed.
        path: String,
        /// How far it led.
        reached: String,
        /// What stands there instead.
        holds: String,
    },
    /// What should hold the container that `records` names is not in the page either.
    #[error("`{path}` is not there: `{reached}` {holds}")]
    Missing {
        /// The path that was followed.
        path: String,
        /// How far it led.
        reached: String,
        /// What stands there instead.
        holds: String,
    },
    /// `records` names something that is not keyed, as its adapter says.
    #[error("`{path}` {holds}, where an object keyed by data belongs")]
    NotKeyed {
        /// The path that was followed.
        path: String,
        /// What stands there.
        holds: String,
    },
    /// Records stand in each other deeper than any tree of groups.
    #[error("`{path}` leads more than {depth} records deep")]
    TooDeep {
        /// The path from a record to those below it.
        path: String,
        /// How deep it may lead.
        depth: usize,
    },
    /// `records` names something that can be no list of groups.
    #[error("`{path}` {holds}, where a list belongs")]
    NoList {
        /// The path that was followed.
        path: String,
        /// What stands there.
        holds: String,
    },
}

impl From<FormatError> for UpstreamError {
    fn from(error: FormatError) -> Self {
        let kind = match error {
            FormatError::Unreadable { .. } => ErrorKind::Decode,
            FormatError::Absent { .. }
            | FormatError::Missing { .. }
            | FormatError::NotKeyed { .. }
            | FormatError::NoList { .. } => ErrorKind::Mapping,
            FormatError::Nested { .. }
            | FormatError::Swollen { .. }
            | FormatError::TooDeep { .. } => ErrorKind::LimitExceeded,
        };
        Self::new(kind, error.to_string())
    }
}

impl FormatError {
    fn unreadable(expected: &'static str, body: &[u8], problem: impl fmt::Display) -> Self {
        Self::Unreadable {
            expected,
            looks: looks(body),
            problem: problem.to_string(),
        }
    }
}

/// How much of the body a message may show.
const GLIMPSE_CHARS: usize = 12;

/// What a body looks like at first sight.
fn looks(body: &[u8]) -> String {
    if text::is_utf16(body) {
        return "looks like UTF-16, where only UTF-8 is read".to_owned();
    }
    let start = without_bom(body).trim_ascii_start();
    if start.is_empty() {
        return "is empty".to_owned();
    }
    let start = String::from_utf8_lossy(&start[..start.len().min(4 * GLIMPSE_CHARS)]);
    let lower = start.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return "looks like an HTML page".to_owned();
    }
    format!("begins with `{}`", excerpt(&start, GLIMPSE_CHARS))
}

/// The first characters of a text, printable, with a mark where more were left out.
pub(crate) fn excerpt(text: &str, length: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(length)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if text.chars().nth(length).is_some() {
        shown.push('…');
    }
    shown
}

/// The body without the byte order mark that some servers put before UTF-8. RFC 8259, section 8.1
/// lets a reader skip it.
fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The body without the text that some servers put before JSON to keep it from being run as a
/// script. A body that does not begin with it stays as it is.
pub(crate) fn without_prefix<'a>(body: &'a [u8], prefix: &str) -> &'a [u8] {
    let text = without_bom(body).trim_ascii_start();
    text.strip_prefix(prefix.as_bytes()).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::upstream::Format;

    fn message(format: Format, body: &[u8]) -> String {
        Page::decode(format, body).unwrap_err().to_string()
    }

    #[rstest]
    #[case::nothing(b"", "is empty")]
    #[case::white_space(b" \n\t", "is empty")]
    #[case::html(b"\n<!DOCTYPE html><html>", "looks like an HTML page")]
    #[case::html_without_doctype(b"<HTML lang='en'>", "looks like an HTML page")]
    #[case::xml(b"<error>", "begins with `<error>`")]
    #[case::secret(b"token=abcdefghijklmnop", "begins with `token=abcdef…`")]
    #[case::bytes(b"\xff\x00\x01", "begins with `\u{fffd}  `")]
    fn a_message_says_what_the_body_looks_like(#[case] body: &[u8], #[case] expected: &str) {
        assert_eq!(looks(body), expected);
    }

    #[rstest]
    #[case::there(")]}'\n{}", "\n{}")]
    #[case::behind_white_space(" \n)]}'{}", "{}")]
    #[case::behind_a_byte_order_mark("\u{feff})]}'{}", "{}")]
    #[case::twice(")]}')]}'{}", ")]}'{}")]
    #[case::not_there("{\"a\": \")]}'\"}", "{\"a\": \")]}'\"}")]
    #[case::half(")]", ")]")]
    fn a_prefix_is_stripped_once_where_it_is(#[case] body: &str, #[case] expected: &str) {
        let left = without_prefix(body.as_bytes(), ")]}'");
        assert_eq!(str::from_utf8(left), Ok(expected));
    }

    #[test]
    fn a_message_names_the_expected_format_and_the_place() {
        insta::assert_snapshot!(
            [
                message(Format::Json, b"<html><body>Bad gateway</body></html>"),
                message(Format::Json, b"{\"groups\": [\n  {\"id\": 1,}\n]}"),
                message(Format::Json, b"{\"groups\": ["),
                message(Format::Json, b"{\"name\": \"\xff\"}"),
                message(Format::Xml, b"{\"error\": true}"),
                message(Format::Xml, b"<groups>\n  <group><id>3</group>\n</groups>"),
                message(Format::Xml, b"<groups>\n  <group>\xff</group>\n</groups>"),
                message(Format::Xml, b"<groups>"),
                message(Format::Xml, b"<!-- nothing -->"),
                message(Format::Xml, b"<a/><b/>"),
                message(Format::Xml, b"<a/> tail"),
                message(Format::Xml, b"<a>&nbsp;</a>"),
                message(Format::Xml, b"<a b='&nbsp;'/>"),
                message(
                    Format::Xml,
                    b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"
                ),
                message(
                    Format::Xml,
                    b"<!DOCTYPE a [<!ENTITY lol 'lol'>]><a>&lol;</a>"
                ),
                message(Format::Xml, b"\xff\xfe<\0a\0/\0>\0"),
            ]
            .join("\n")
        );
    }

    #[rstest]
    #[case::numbers(Format::Json, "0,", "[", "0]")]
    #[case::objects(Format::Json, r#"{"a":0},"#, "[", "0]")]
    #[case::elements(Format::Xml, "<b/>", "<a>", "</a>")]
    #[case::lists_of_one_element(Format::Xml, "<b><c/></b>", "<a>", "</a>")]
    #[case::attributes(Format::Xml, "<b c=''/>", "<a>", "</a>")]
    fn a_small_body_that_becomes_a_huge_page_is_refused(
        #[case] format: Format,
        #[case] item: &str,
        #[case] start: &str,
        #[case] end: &str,
    ) {
        let bounds = Bounds {
            room: ByteSize::mib(1),
            ..Bounds::default()
        };
        let body = |bytes: usize| {
            let items = item.repeat(bytes / item.len());
            format!("{start}{items}{end}")
        };
        assert!(Page::decode_within(format, body(1 << 10).as_bytes(), bounds).is_ok());
        let error = Page::decode_within(format, body(1 << 16).as_bytes(), bounds).unwrap_err();
        let message = error.to_string();
        let expected = "what is in the body takes more than 1.0 MiB of memory, 16 times \
                        `limits.page_bytes`, at line 1 column ";
        assert!(message.starts_with(expected), "{message}");
        assert_eq!(UpstreamError::from(error).kind, ErrorKind::LimitExceeded);
    }

    #[test]
    fn an_unreadable_body_is_a_decode_error_and_a_missing_container_a_mapping_error() {
        let unreadable = Page::decode(Format::Json, b"").unwrap_err();
        assert_eq!(UpstreamError::from(unreadable).kind, ErrorKind::Decode);
        let page = Page::decode(Format::Json, b"{}").unwrap();
        let missing = page.records(&"/groups".parse().unwrap()).unwrap_err();
        assert_eq!(UpstreamError::from(missing).kind, ErrorKind::Mapping);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoders_panic(body: Vec<u8>) {
            for format in [Format::Json, Format::Xml] {
                if let Err(error) = Page::decode(format, &body) {
                    proptest::prop_assert!(error.to_string().len() < 1024);
                }
            }
        }

        #[test]
        fn no_almost_xml_makes_the_decoder_panic(body in "[<>/!?&;#xa\\[\\]CDAT\"'= \n:-]{0,80}") {
            if let Err(error) = Page::decode(Format::Xml, body.as_bytes()) {
                proptest::prop_assert!(error.to_string().len() < 1024);
            }
        }
    }
}
