//! Which format a caller gets (RFC 9110, section 12.5.1).
//!
//! Read leniently: a range that is no media range is skipped, for old HTTP libraries send such
//! ranges beside good ones, and a caller that cannot change its headers still wants its groups.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::problem::{Kind, ProblemDetails};

/// A format that answers come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AnswerFormat {
    /// One object.
    Json,
    /// One document.
    Xml,
    /// One group a line, streamed.
    Ndjson,
    /// One group a row, streamed.
    Csv,
}

impl AnswerFormat {
    /// Every format, the preferred first.
    pub(crate) const ALL: &'static [Self] = &[Self::Json, Self::Xml, Self::Ndjson, Self::Csv];

    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The media type that asks for it.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }

    /// The media type that it is sent as.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::Ndjson => self.media_type(),
            Self::Xml => "application/xml; charset=utf-8",
            // RFC 4180, section 3: the first line names the columns.
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// Whether it is streamed, so that it may hold every group at once.
    pub(crate) const fn is_streamed(self) -> bool {
        match self {
            Self::Json | Self::Xml => false,
            Self::Ndjson | Self::Csv => true,
        }
    }
}

/// How much of a header a message quotes, in characters.
const LONGEST_QUOTE: usize = 200;

/// One of the ranges of an `Accept` header.
#[derive(Debug, Clone, Copy)]
struct Range<'a> {
    kind: &'a str,
    subkind: &'a str,
    quality: f32,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subkind) = parts.next()?.split_once('/')?;
        Some(Self {
            kind,
            subkind,
            quality: quality(parts)?,
        })
    }

    /// How closely it describes a media type, if it does at all.
    fn closeness(self, media_type: &str) -> Option<u8> {
        let (kind, subkind) = media_type.split_once('/')?;
        match (self.kind, self.subkind) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, other)
                if own.eq_ignore_ascii_case(kind) && other.eq_ignore_ascii_case(subkind) =>
            {
                Some(2)
            }
            _ => None,
        }
    }
}

/// How much a caller likes what has these parameters (RFC 9110, section 12.4.2); `None` where that
/// cannot be read.
pub(crate) fn quality<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<f32> {
    parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(Some(1.0), |(_, value)| value.trim().parse().ok())
        .filter(|quality| (0.0..=1.0).contains(quality))
}

/// What a caller sent of a header, for a message that refuses it.
pub(crate) fn sent(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    let mut sent = values.join(", ");
    if let Some((end, _)) = sent.char_indices().nth(LONGEST_QUOTE) {
        sent.truncate(end);
        sent.push('…');
    }
    sent
}

/// The offered format whose media type is all that a caller sent. Most do, and nothing is to be weighed.
fn named(only: &HeaderValue, offered: &[AnswerFormat]) -> Option<AnswerFormat> {
    let is_named = |format: &&AnswerFormat| only == format.media_type();
    offered.iter().find(is_named).copied()
}

/// The offered format that the caller likes best; among equals, the first offered.
pub(crate) fn negotiate(
    headers: &HeaderMap,
    offered: &[AnswerFormat],
) -> Result<AnswerFormat, ProblemDetails> {
    let mut values = headers.get_all(ACCEPT).iter();
    let only = values.next().filter(|_| values.next().is_none());
    if let Some(format) = only.and_then(|only| named(only, offered)) {
        return Ok(format);
    }
    let ranges = || {
        let values = headers.get_all(ACCEPT).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let ranges = values.flat_map(|value| value.split(','));
        ranges.filter(|range| !range.trim().is_empty())
    };
    let is_empty = ranges().next().is_none();
    let quality = |format: &AnswerFormat| {
        if is_empty {
            return 1.0;
        }
        let closest = ranges()
            .filter_map(Range::parse)
            .filter_map(|range| Some((range.closeness(format.media_type())?, range.quality)))
            .max_by_key(|(closeness, _)| *closeness);
        closest.map_or(0.0, |(_, quality)| quality)
    };
    offered
        .iter()
        .copied()
        .map(|format| (format, quality(&format)))
        .filter(|(_, quality)| *quality > 0.0)
        // The last of equals would win: so the first offered goes last.
        .rev()
        .max_by(|(_, left), (_, right)| left.total_cmp(right))
        .map(|(format, _)| format)
        .ok_or_else(|| not_acceptable(headers, offered))
}

fn not_acceptable(headers: &HeaderMap, offered: &[AnswerFormat]) -> ProblemDetails {
    let names: Vec<_> = offered.iter().map(|format| format.media_type()).collect();
    ProblemDetails::new(
        Kind::NotAcceptable,
        format!(
            "`Accept: {}` takes no media type that is available; take {}",
            sent(headers, &ACCEPT),
            names.join(" or ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use rstest::rstest;

    use super::*;

    fn chosen(accept: &str) -> Option<AnswerFormat> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        negotiate(&headers, AnswerFormat::ALL).ok()
    }

    #[rstest]
    #[case("", Some(AnswerFormat::Json))]
    #[case("*/*", Some(AnswerFormat::Json))]
    #[case("text/*", Some(AnswerFormat::Csv))]
    #[case("Application/XML", Some(AnswerFormat::Xml))]
    #[case("application/json;q=0.5, application/xml", Some(AnswerFormat::Xml))]
    #[case("text/html, application/x-ndjson;q=0.2", Some(AnswerFormat::Ndjson))]
    #[case("application/json;q=0, */*", Some(AnswerFormat::Xml))]
    #[case("application/*;q=0.1, text/csv;q=0.2", Some(AnswerFormat::Csv))]
    #[case("*/*;q=0.1, application/json;q=0", Some(AnswerFormat::Xml))]
    #[case("text/html, image/gif, *; q=.2, */*; q=.2", Some(AnswerFormat::Json))]
    #[case("application/json; charset=utf-8", Some(AnswerFormat::Json))]
    #[case("text/html", None)]
    #[case("*/*;q=0", None)]
    #[case("nonsense", None)]
    #[case("application/json;q=nan, text/csv;q=0.1", Some(AnswerFormat::Csv))]
    #[case("application/json;q=inf, text/csv;q=0.1", Some(AnswerFormat::Csv))]
    #[case("application/json;q=-1, text/csv;q=0.1", Some(AnswerFormat::Csv))]
    fn the_best_liked_format_is_chosen(
        #[case] accept: &str,
        #[case] expected: Option<AnswerFormat>,
    ) {
        assert_eq!(chosen(accept), expected);
    }

    #[test]
    fn without_the_header_it_is_json() {
        let format = negotiate(&HeaderMap::new(), AnswerFormat::ALL).unwrap();
        assert_eq!(format, AnswerFormat::Json);
    }

    #[test]
    fn several_headers_count_as_one() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, HeaderValue::from_static("application/json;q=0.1"));
        headers.append(ACCEPT, HeaderValue::from_static("text/csv"));
        assert_eq!(
            negotiate(&headers, AnswerFormat::ALL).unwrap(),
            AnswerFormat::Csv
        );
    }
}
