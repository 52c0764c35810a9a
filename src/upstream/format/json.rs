//! JSON (RFC 8259) into a page's value, numbers digit by digit as they were written.

use serde_json::Value;

use super::{FormatError, without_bom};

/// Decodes one document. serde_json bounds its depth and refuses what is not UTF-8.
pub(super) fn decode(body: &[u8]) -> Result<Value, FormatError> {
    serde_json::from_slice(without_bom(body))
        .map_err(|error| FormatError::unreadable("JSON", body, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"id":12345678901234567890123,"rate":1.50,"tiny":1e-7}"#;
        let value = decode(text.as_bytes()).unwrap();
        assert_eq!(value.to_string(), text);
    }

    #[test]
    fn members_keep_their_order() {
        let text = r#"{"z":1,"a":2,"m":3}"#;
        assert_eq!(decode(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(decode(b"\xef\xbb\xbf[1]").unwrap().to_string(), "[1]");
    }

    #[test]
    fn a_document_deeper_than_any_list_of_groups_is_refused() {
        assert!(decode("[".repeat(100_000).as_bytes()).is_err());
    }
}
