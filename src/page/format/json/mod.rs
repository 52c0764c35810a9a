//! Decodes JSON (RFC 8259). Numbers keep their digits as they were written.

use std::borrow::Cow;

use super::error::FormatError;
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
    read(text, bounds, |text, problem| {
        FormatError::unreadable("JSON", text.as_bytes(), problem)
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
    read(list.into(), bounds, |_, problem| unreadable(problem))
}

fn read(
    text: Cow<'_, str>,
    bounds: Bounds,
    unreadable: impl Fn(&str, String) -> FormatError,
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
            Some(Unread::Malformed(error)) => unreadable(&text, error.to_string()),
            None => unreadable(&text, TOO_LONG.to_owned()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
