//! A body's bytes as text, and positions in it.
//!
//! A byte order mark counts first, then UTF-16 as its first character shows it. Else a body is in
//! the encoding that its head or its own declaration names, and without one in UTF-8. Nothing is
//! replaced on the way, but for halves of characters in UTF-16: a body in another encoding than it
//! says gets a message that says so. "expected value at line 1 column 1" has sent people looking in
//! the wrong place.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A byte that is not valid UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotUtf8 {
    byte: u8,
    /// The number of bytes before it, including the byte order mark.
    pub(super) offset: usize,
    line: usize,
    column: usize,
}

/// The body without the byte order mark that some servers put before UTF-8. RFC 8259, section 8.1
/// lets a reader skip it.
pub(super) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The body without the text that some servers put before JSON to keep it from being run as a
/// script. A body that does not begin with it stays as it is.
pub(crate) fn without_prefix<'a>(body: &'a [u8], prefix: &str) -> &'a [u8] {
    let text = without_bom(body).trim_ascii_start();
    text.strip_prefix(prefix.as_bytes()).unwrap_or(body)
}

/// The character encoding that the head of a response names (RFC 9110, section 8.3.2).
pub(crate) fn charset(headers: &HeaderMap) -> Option<&str> {
    let media_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    })
}

/// The encoding of a label, if it is known. ASCII is read as UTF-8.
pub(super) fn encoding(label: &str) -> Option<&'static Encoding> {
    match label.trim() {
        ascii
            if ["us-ascii", "ascii"]
                .iter()
                .any(|known| ascii.eq_ignore_ascii_case(known)) =>
        {
            Some(UTF_8)
        }
        label => Encoding::for_label(label.as_bytes()),
    }
}

/// The text of a body, without the byte order mark.
///
/// `charset` is what the head says, `declared` what the body does. The head counts first (RFC 7303,
/// section 3), but servers often add a default to it that nothing was written in: what is UTF-8 is
/// read as such, unless the body declares another encoding.
pub(super) fn of<'a>(
    body: &'a [u8],
    charset: Option<&str>,
    declared: Option<&'static Encoding>,
) -> Result<Cow<'a, str>, NotUtf8> {
    if let Some((encoding, bytes)) = marked(body).or_else(|| utf16(body)) {
        return Ok(shrunk(encoding.decode_without_bom_handling(bytes).0));
    }
    let bytes = without_bom(body);
    // What can be read byte by byte so far is not UTF-16, whatever it says.
    let named = |encoding: &&Encoding| *encoding != UTF_16LE && *encoding != UTF_16BE;
    let is_marked = bytes.len() < body.len();
    let named = |encoding: &&Encoding| !is_marked && named(encoding);
    let charset = charset.and_then(encoding).filter(named);
    let declared = declared.filter(named);
    // It says that there is a flaw, and the standard library where.
    let utf8 = simdutf8::basic::from_utf8(bytes).or_else(|_| str::from_utf8(bytes));
    let is_default = declared.is_none_or(|declared| declared == UTF_8)
        && charset.is_none_or(Encoding::is_ascii_compatible);
    let first = if is_default { utf8.ok() } else { None };
    let text = first.map(Cow::Borrowed).or_else(|| {
        let mut named = charset.into_iter().chain(declared);
        named.find_map(|encoding| {
            encoding.decode_without_bom_handling_and_without_replacement(bytes)
        })
    });
    match (text, utf8) {
        (Some(text), _) => Ok(shrunk(text)),
        (None, Ok(text)) => Ok(Cow::Borrowed(text)),
        (None, Err(error)) => Err(NotUtf8::new(body, bytes, error.valid_up_to())),
    }
}

/// The text in no more memory than it needs: up to three times as much is reserved to decode it.
fn shrunk(mut text: Cow<'_, str>) -> Cow<'_, str> {
    if let Cow::Owned(text) = &mut text {
        text.shrink_to_fit();
    }
    text
}

/// The encoding that a byte order mark names, if it is not UTF-8, and what stands behind it.
fn marked(body: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    let (encoding, mark) = Encoding::for_bom(body)?;
    (encoding != UTF_8).then(|| (encoding, &body[mark..]))
}

/// A body in UTF-16 without a mark: one of the two bytes of a document's first character, which is
/// ASCII, is zero.
fn utf16(body: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    match body {
        [0, 1..=127, ..] => Some((UTF_16BE, body)),
        [1..=127, 0, ..] => Some((UTF_16LE, body)),
        _ => None,
    }
}

impl NotUtf8 {
    fn new(body: &[u8], bytes: &[u8], at: usize) -> Self {
        let (line, column) = position(bytes, at);
        Self {
            byte: bytes.get(at).copied().unwrap_or_default(),
            offset: at + body.len() - bytes.len(),
            line,
            column,
        }
    }
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            byte,
            offset,
            line,
            column,
        } = self;
        write!(
            formatter,
            "byte {offset} is 0x{byte:02x}, which is not UTF-8, at line {line} column {column}"
        )
    }
}

/// Line and column of a byte, counted from 1.
pub(super) fn position(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at.min(bytes.len())];
    let mut lines = before.split(|&byte| byte == b'\n');
    let last = lines.next_back().map_or(0, <[u8]>::len);
    (lines.count() + 1, last + 1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::start(b"\xff", "byte 0 is 0xff, which is not UTF-8, at line 1 column 1")]
    #[case::later(
        b"ab\ncd\xe9f",
        "byte 5 is 0xe9, which is not UTF-8, at line 2 column 3"
    )]
    #[case::behind_a_mark(
        b"\xef\xbb\xbfa\x80",
        "byte 4 is 0x80, which is not UTF-8, at line 1 column 2"
    )]
    #[case::cut_in_a_character(
        b"a\xe2\x82",
        "byte 1 is 0xe2, which is not UTF-8, at line 1 column 2"
    )]
    #[case::a_surrogate(
        b"\xed\xa0\x80",
        "byte 0 is 0xed, which is not UTF-8, at line 1 column 1"
    )]
    fn what_is_no_utf_8_is_named_with_its_place(#[case] body: &[u8], #[case] expected: &str) {
        assert_eq!(of(body, None, None).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_mark_is_no_part_of_the_text() {
        assert_eq!(of(b"\xef\xbb\xbf[1]", None, None), Ok("[1]".into()));
    }

    #[rstest]
    #[case(0, (1, 1))]
    #[case(1, (1, 2))]
    #[case(2, (2, 1))]
    #[case(3, (3, 1))]
    #[case(9, (3, 2))]
    fn lines_and_columns_count_from_one(#[case] at: usize, #[case] expected: (usize, usize)) {
        assert_eq!(position(b"a\n\nb", at), expected);
    }

    #[rstest]
    #[case::a_mark(b"\xff\xfe[\0]\0", "[]")]
    #[case::a_mark_the_other_way_round(b"\xfe\xff\0[\0]", "[]")]
    #[case::no_mark(b"[\0]\0", "[]")]
    #[case::no_mark_the_other_way_round(b"\0<\0a", "<a")]
    #[case::half_a_character(b"\xff\xfe\x3c\xd8]\0", "\u{fffd}]")]
    #[case::zeros_only(b"\0\0", "\0\0")]
    #[case::one_byte(b"[", "[")]
    fn utf_16_is_known_by_its_first_character(#[case] body: &[u8], #[case] expected: &str) {
        for charset in [None, Some("utf-8"), Some("iso-8859-1")] {
            assert_eq!(of(body, charset, None), Ok(expected.into()));
        }
    }

    #[rstest]
    #[case::latin_1(b"\xe9", Some("ISO-8859-1"), None, "é")]
    #[case::latin_1_declared(b"\xe9", None, Some("iso-8859-1"), "é")]
    #[case::windows_1252(b"\x80", Some("windows-1252"), None, "€")]
    #[case::a_head_that_is_wrong(b"\xe9", Some("utf-8"), Some("latin1"), "é")]
    #[case::a_default_that_is_wrong(b"\xc3\xa9", Some("iso-8859-1"), None, "é")]
    #[case::a_declaration_that_counts(b"\xc3\xa9", None, Some("iso-8859-1"), "Ã©")]
    #[case::unknown(b"\xc3\xa9", Some("utf8mb4"), None, "é")]
    #[case::ascii(b"\xc3\xa9", Some("us-ascii"), Some("us-ascii"), "é")]
    #[case::several_bytes(b"\x93\xfa", Some("shift_jis"), None, "日")]
    #[case::escapes(b"\x1b$BF|\x1b(B", Some("iso-2022-jp"), None, "日")]
    #[case::what_cannot_be_utf_16(b"<a/>", Some("utf-16"), Some("utf-16"), "<a/>")]
    #[case::a_mark_wins(b"\xef\xbb\xbf\xc3\xa9", Some("iso-8859-1"), None, "é")]
    fn a_body_is_read_in_the_encoding_that_it_is_said_to_have(
        #[case] body: &[u8],
        #[case] charset: Option<&str>,
        #[case] declared: Option<&str>,
        #[case] expected: &str,
    ) {
        let declared = declared.and_then(encoding);
        assert_eq!(of(body, charset, declared), Ok(expected.into()));
    }

    #[rstest]
    #[case("text/xml; charset=ISO-8859-1", Some("ISO-8859-1"))]
    #[case("text/xml;version=1; Charset=\"utf-8\" ", Some("utf-8"))]
    #[case("text/xml", None)]
    #[case("text/xml; charset", None)]
    fn the_head_names_an_encoding(#[case] media_type: &str, #[case] expected: Option<&str>) {
        let headers = [(CONTENT_TYPE, media_type.parse().unwrap())]
            .into_iter()
            .collect();
        assert_eq!(charset(&headers), expected);
    }
}
