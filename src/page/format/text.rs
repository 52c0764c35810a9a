//! A body's bytes as text, and positions in it.
//!
//! Both formats are read as UTF-8 only. A body in another encoding gets a message that says so:
//! "expected value at line 1 column 1" has sent people looking in the wrong place.

use std::fmt;

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

/// The text of a body, without the byte order mark.
pub(super) fn of(body: &[u8]) -> Result<&str, NotUtf8> {
    let bytes = without_bom(body);
    str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let (line, column) = position(bytes, at);
        NotUtf8 {
            byte: bytes.get(at).copied().unwrap_or_default(),
            offset: at + body.len() - bytes.len(),
            line,
            column,
        }
    })
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

/// Whether bytes are UTF-16, with or without a mark: one of the two bytes of a document's first
/// character, which is ASCII, is zero.
pub(super) fn is_utf16(body: &[u8]) -> bool {
    matches!(
        body,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=127, ..] | [1..=127, 0, ..]
    )
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
        assert_eq!(of(body).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_mark_is_no_part_of_the_text() {
        assert_eq!(of(b"\xef\xbb\xbf[1]"), Ok("[1]"));
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
    #[case(b"\xff\xfe[\0]\0", true)]
    #[case(b"\xfe\xff\0[\0]", true)]
    #[case(b"[\0]\0", true)]
    #[case(b"\0<\0a", true)]
    #[case(b"[]", false)]
    #[case(b"\0\0", false)]
    #[case(b"", false)]
    #[case(b"[", false)]
    fn utf_16_is_known_by_its_first_character(#[case] body: &[u8], #[case] expected: bool) {
        assert_eq!(is_utf16(body), expected);
    }
}
