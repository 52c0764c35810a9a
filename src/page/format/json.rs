//! Decodes JSON (RFC 8259). Numbers keep their digits as they were written.

use serde_json::Value;

use super::error::FormatError;
use super::limits::Bounds;
use super::text;
use crate::json::{self, Unread};

/// Decodes one document within `bounds`.
pub(super) fn decode(
    body: &[u8],
    charset: Option<&str>,
    bounds: Bounds,
) -> Result<Value, FormatError> {
    let unreadable = |body, problem| FormatError::unreadable("JSON", body, problem);
    let text =
        text::of(body, charset, None).map_err(|error| unreadable(body, error.to_string()))?;
    let Bounds { depth, room } = bounds;
    json::read(&text, depth, room.as_u64()).map_err(|unread| match unread {
        Unread::TooDeep { line, column } => FormatError::Nested {
            what: "lists and objects",
            depth,
            line,
            column,
        },
        Unread::TooLarge { line, column } => FormatError::Swollen { room, line, column },
        Unread::Malformed(error) => unreadable(text.as_bytes(), error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"id":12345678901234567890123,"rate":1.50,"tiny":1e-7}"#;
        let value = decode(text.as_bytes(), None, Bounds::default()).unwrap();
        assert_eq!(value.to_string(), text);
    }

    #[test]
    fn members_keep_their_order() {
        let text = r#"{"z":1,"a":2,"m":3}"#;
        assert_eq!(
            decode(text.as_bytes(), None, Bounds::default())
                .unwrap()
                .to_string(),
            text
        );
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(
            decode(b"\xef\xbb\xbf[1]", None, Bounds::default())
                .unwrap()
                .to_string(),
            "[1]"
        );
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
