//! Decodes JSON (RFC 8259). Numbers keep their digits as they were written.

use std::borrow::Cow;

use serde_json::Error;

use super::error::{ENDS_EARLY, FormatError};
use super::limits::Bounds;
use super::tape::Tape;
use super::text;
use crate::json::{self, Unread};

mod scan;
use scan::{ScanStop, scan};

/// What is wrong with a body that is read by serde_json and does not fit a tape.
const TOO_LONG: &str = "it is longer than 2 GiB, all that one page may be";

/// Decodes one document within `bounds`.
pub(super) fn decode(
    body: &[u8],
    charset: Option<&str>,
    bounds: Bounds,
) -> Result<Tape, FormatError> {
    let unreadable = |problem| FormatError::unreadable("JSON", body, problem);
    let text = text::of(body, charset, None).map_err(|error| unreadable(error.to_string()))?;
    read(text, bounds, |text, error| {
        let is_begun = text.trim_start().starts_with(['{', '[']);
        let is_cut = is_begun && error.is_some_and(Error::is_eof);
        flawed("JSON", text.as_bytes(), error, is_cut)
    })
}

/// Decodes one value a line within `bounds`, as a list of them.
pub(super) fn decode_lines(
    body: &[u8],
    charset: Option<&str>,
    bounds: Bounds,
) -> Result<Tape, FormatError> {
    let unreadable = |problem| FormatError::unreadable("NDJSON", body, problem);
    let text = text::of(body, charset, None).map_err(|error| unreadable(error.to_string()))?;
    let mut list = String::with_capacity(text.len() + 2);
    list.push('[');
    let mut is_empty = true;
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            // Flaws are told by line.
            list.push('\n');
        }
        if line.trim().is_empty() {
            continue;
        }
        if !is_empty {
            list.push(',');
        }
        is_empty = false;
        list.push_str(line);
    }
    if is_empty {
        return Err(unreadable("it has no lines".to_owned()));
    }
    list.push(']');
    read(list.into(), bounds, |_, error| {
        let lines = text.trim_end().lines();
        let is_of_last = error.is_some_and(|error| error.line() >= lines.clone().count());
        let end = lines.clone().next_back();
        let end = end.and_then(|line| json::flaw(line, bounds.depth));
        let is_cut = matches!(end, Some(Unread::Malformed(error)) if error.is_eof());
        flawed("NDJSON", body, error, is_of_last && is_cut)
    })
}

/// A body that is no document, by what the reader says of it; without that it is too long.
fn flawed(expected: &'static str, body: &[u8], error: Option<&Error>, is_cut: bool) -> FormatError {
    let problem = error.map_or_else(|| TOO_LONG.to_owned(), Error::to_string);
    if is_cut {
        let looks = ENDS_EARLY.to_owned();
        return FormatError::Unreadable {
            expected,
            looks,
            problem,
        };
    }
    FormatError::unreadable(expected, body, problem)
}

fn read(
    text: Cow<'_, str>,
    bounds: Bounds,
    flawed: impl Fn(&str, Option<&Error>) -> FormatError,
) -> Result<Tape, FormatError> {
    let Bounds { depth, room, .. } = bounds;
    match scan(&text, bounds) {
        Ok(tape) => Ok(tape.finish(text, false)),
        Err(ScanStop::Full(at)) => {
            let (line, column) = text::position(text.as_bytes(), at);
            Err(FormatError::Swollen { room, line, column })
        }
        Err(ScanStop::Unread) => Err(match json::flaw(&text, depth) {
            Some(Unread::TooDeep { line, column }) => FormatError::Nested {
                what: "lists and objects",
                depth,
                line,
                column,
            },
            Some(Unread::Malformed(error)) => flawed(&text, Some(&error)),
            None => flawed(&text, None),
        }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::page::format::Page;
    use crate::plan::Format;

    fn written(body: &[u8]) -> String {
        let mut written = String::new();
        let tape = decode(body, None, Bounds::default()).unwrap();
        tape.write(0, &mut written);
        written
    }

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"id":12345678901234567890123,"rate":1.50,"tiny":1e-7}"#;
        assert_eq!(written(text.as_bytes()), text);
    }

    #[rstest]
    #[case::in_an_object(
        Format::Json,
        r#"{"d": [1, "#,
        "JSON, but the body ends early: EOF while parsing a value at line 1 column 10"
    )]
    #[case::in_a_text(
        Format::Json,
        "\n[\"a",
        "JSON, but the body ends early: EOF while parsing a string at line 2 column 3"
    )]
    #[case::elsewhere(
        Format::Json,
        r#"{"d": x}"#,
        "JSON, but the body begins with `{\"d\": x}`: expected value at line 1 column 7"
    )]
    #[case::of_no_document(Format::Json, "tru", "JSON, but the body begins with `tru`: ")]
    #[case::in_the_last_line(
        Format::Ndjson,
        "{\"a\": 1}\n{\"a\": ",
        "NDJSON, but the body ends early: "
    )]
    #[case::in_another_line(
        Format::Ndjson,
        "{\"a\":\n{\"a\": 1}\n",
        "NDJSON, but the body begins with `"
    )]
    fn a_body_that_was_cut_off_is_said_to_end_early(
        #[case] format: Format,
        #[case] body: &str,
        #[case] expected: &str,
    ) {
        let error = Page::decode(format, body.as_bytes()).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with(&format!("expected {expected}")),
            "{error}"
        );
    }

    #[test]
    fn members_keep_their_order() {
        let text = r#"{"z":1,"a":2,"m":3}"#;
        assert_eq!(written(text.as_bytes()), text);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(written(b"\xef\xbb\xbf[1]"), "[1]");
    }

    #[test]
    fn lists_and_objects_stand_in_each_other_up_to_the_depth() {
        assert!(decode(b"[[{\"a\": [1]}]]", None, Bounds::deep(4)).is_ok());
        let error = decode(b"[\n[{\"a\":\n [1]}]]", None, Bounds::deep(3)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "lists and objects more than 3 deep (`limits.depth`) at line 3 column 2"
        );
    }
}
