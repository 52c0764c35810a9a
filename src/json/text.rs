//! Texts in JSON: what is escaped in them, and where they end.

use wide::u8x16;

/// Where the first byte is that cannot stand in a text as it is (a quote, a backslash, a control
/// character), at or behind `from`; else the end.
#[inline]
pub(crate) fn special(bytes: &[u8], from: usize) -> usize {
    first_among(bytes, from, |bytes| {
        let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        control | bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'))
    })
}

/// Where the first byte is that `marks` marks, at or behind `from`; else the end. It marks no space.
#[inline]
pub(crate) fn first_among(bytes: &[u8], from: usize, marks: impl Fn(u8x16) -> u8x16) -> usize {
    let marked = |chunk| marks(u8x16::new(chunk)).to_bitmask();
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let marked = marked(*chunk);
        if marked != 0 {
            return at + marked.trailing_zeros() as usize;
        }
        at += chunk.len();
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let mut chunk = [b' '; 16];
    if let Some(start) = chunk.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    match marked(chunk) {
        0 => bytes.len(),
        marked => at + marked.trailing_zeros() as usize,
    }
}

/// Writes a text that needs no escape, between quotes.
#[inline]
pub(crate) fn push_quoted(out: &mut String, text: &str) {
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
        out.push('"');
        push_body(out, text);
        out.push('"');
    }
}

/// Writes what stands between the quotes of a text.
pub(crate) fn push_body(out: &mut String, text: &str) {
    body_pieces(text, |piece| out.push_str(piece));
}

/// What stands between the quotes of a text, piece by piece.
#[inline]
pub(crate) fn body_pieces(text: &str, mut push: impl FnMut(&str)) {
    const DIGITS: &str = "0123456789abcdef";
    let digit = |value: u8| &DIGITS[usize::from(value)..=usize::from(value)];
    let mut from = 0;
    loop {
        let at = special(text.as_bytes(), from);
        push(&text[from..at]);
        let Some(&byte) = text.as_bytes().get(at) else {
            return;
        };
        match byte {
            b'"' => push("\\\""),
            b'\\' => push("\\\\"),
            b'\n' => push("\\n"),
            b'\r' => push("\\r"),
            b'\t' => push("\\t"),
            0x08 => push("\\b"),
            0x0c => push("\\f"),
            control => {
                push("\\u00");
                push(digit(control >> 4));
                push(digit(control & 15));
            }
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn is_special(byte: u8) -> bool {
        matches!(byte, 0..=0x1f | b'"' | b'\\')
    }

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
