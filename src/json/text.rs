//! Texts in JSON: what is escaped in them, and where they end.

/// Eight bytes, each of which is one.
const ONES: u64 = u64::from_le_bytes([1; 8]);
/// The highest bit of each byte.
const HIGH: u64 = ONES << 7;

/// Where the first byte is that cannot stand in a text as it is (a quote, a backslash, a control
/// character), at or behind `from`; else the end.
#[inline]
pub(crate) fn special(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        // Where a byte is lower than what is subtracted, it borrows and is marked. One behind it may be
        // marked for the borrowing, but none before it.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = word ^ (ONES * u64::from(b'"'));
        let quote = quote.wrapping_sub(ONES) & !quote;
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let backslash = backslash.wrapping_sub(ONES) & !backslash;
        let found = (control | quote | backslash) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let found = rest.iter().position(|&byte| is_special(byte));
    found.map_or(bytes.len(), |found| at + found)
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\')
}

/// Writes a text that needs no escape, between quotes.
#[inline]
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// Writes a text between quotes, escaped as serde_json does.
#[inline]
pub(crate) fn push_text(out: &mut String, text: &str) {
    if special(text.as_bytes(), 0) == text.len() {
        push_quoted(out, text);
    } else {
        push_escaped(out, text);
    }
}

#[cold]
fn push_escaped(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut from = 0;
    loop {
        let at = special(text.as_bytes(), from);
        out.push_str(&text[from..at]);
        let Some(&byte) = text.as_bytes().get(at) else {
            break;
        };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            control => {
                out.push_str("\\u00");
                out.push(char::from(DIGITS[usize::from(control >> 4)]));
                out.push(char::from(DIGITS[usize::from(control & 15)]));
            }
        }
        from = at + 1;
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_written_as_serde_json_writes_it(
            text in prop_oneof![any::<String>(), "[a-z\"\\\\\u{0}-\u{1f}\u{7f}é]{0,40}"],
        ) {
            let mut out = String::new();
            push_text(&mut out, &text);
            prop_assert_eq!(out, serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn what_cannot_stand_as_it_is_is_found_wherever_it_is(
            bytes in proptest::collection::vec(prop_oneof![Just(b'a'), 0x1e..0x24_u8, Just(b'\\'), any::<u8>()], 0..40),
            from in 0..40_usize,
        ) {
            let from = from.min(bytes.len());
            let found = bytes[from..].iter().position(|&byte| is_special(byte));
            prop_assert_eq!(special(&bytes, from), found.map_or(bytes.len(), |at| from + at));
        }
    }
}
