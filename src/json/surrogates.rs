//! Escaped surrogates without their other half.
//!
//! `"\ud83c"` is JSON (RFC 8259, section 8.2), although it names no character: what cut a text in the
//! middle of an emoji writes it. serde_json refuses the whole document for it; browsers, Python and Go
//! go on.

use std::borrow::Cow;

/// The text with U+FFFD in the place of each such escape, which is as long: lines and columns stay
/// as they are.
pub(super) fn replaced(text: &str) -> Cow<'_, str> {
    let mut lone = Vec::new();
    let mut at = 0;
    while let Some(escape) = next_escape(text, at) {
        at = match (unit(text, escape), unit(text, escape + ESCAPE)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => escape + 2 * ESCAPE,
            (Some(0xd800..=0xdfff), _) => {
                lone.push(escape);
                escape + ESCAPE
            }
            (Some(_), _) => escape + ESCAPE,
            // A backslash and what it escapes, which may be another backslash.
            (None, _) => escape + 2,
        };
    }
    if lone.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut whole = String::with_capacity(text.len());
    let mut from = 0;
    for escape in lone {
        whole.push_str(&text[from..escape]);
        whole.push_str("\\ufffd");
        from = escape + ESCAPE;
    }
    whole.push_str(&text[from..]);
    Cow::Owned(whole)
}

/// How many bytes `\uXXXX` takes.
const ESCAPE: usize = 6;

/// Where the next backslash is, from a byte on.
fn next_escape(text: &str, from: usize) -> Option<usize> {
    let rest = text.as_bytes().get(from..)?;
    rest.iter()
        .position(|&byte| byte == b'\\')
        .map(|at| from + at)
}

/// The UTF-16 code unit that an escape at a byte names.
fn unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::first_half(r#""\ud83c""#, r#""\ufffd""#)]
    #[case::second_half(r#""\uDF0D""#, r#""\ufffd""#)]
    #[case::both(r#""\ud83c\udf0d""#, r#""\ud83c\udf0d""#)]
    #[case::the_wrong_way_round(r#""\udf0d\ud83c""#, r#""\ufffd\ufffd""#)]
    #[case::two_first_halves(r#""\ud83c\ud83c\udf0d""#, r#""\ufffd\ud83c\udf0d""#)]
    #[case::before_another_escape(r#""\ud83c\n\u0041""#, r#""\ufffd\n\u0041""#)]
    #[case::before_text(r#""é\ud83cé""#, r#""é\ufffdé""#)]
    #[case::a_backslash_and_text(r#""\\ud83c""#, r#""\\ud83c""#)]
    #[case::behind_a_backslash(r#""\\\ud83c""#, r#""\\\ufffd""#)]
    #[case::cut_off(r#""\ud83"#, r#""\ud83"#)]
    #[case::no_hex(r#""\ud8+c""#, r#""\ud8+c""#)]
    #[case::a_last_backslash("\\", "\\")]
    fn half_a_character_is_replaced(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(replaced(text), expected);
        assert_eq!(replaced(text).len(), text.len());
    }
}
