//! Names of elements and attributes, and what is white space.

use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};

use super::flaw::Flaw;

/// What a byte is in a name (XML 1.0, section 2.3). Of letters beyond ASCII all pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameByte {
    First,
    Inner,
    Colon,
    Other,
}

const NAME_BYTES: [NameByte; 256] = {
    let mut bytes = [NameByte::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = match byte as u8 {
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => NameByte::First,
            b'-' | b'.' | b'0'..=b'9' => NameByte::Inner,
            b':' => NameByte::Colon,
            _ => NameByte::Other,
        };
        byte += 1;
    }
    bytes
};

/// The name of an element from a byte on: where the local name begins, and where it ends. `None` if it
/// may be none.
#[inline]
pub(super) fn local_name(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let (mut start, mut at) = (from, from);
    let mut first = NameByte::Other;
    loop {
        let kind = NAME_BYTES[usize::from(*bytes.get(at)?)];
        match kind {
            NameByte::First | NameByte::Inner => {
                if at == start {
                    first = kind;
                }
            }
            NameByte::Colon if start == from => start = at + 1,
            NameByte::Colon => return None,
            NameByte::Other => break,
        }
        at += 1;
    }
    (first == NameByte::First && at > start).then_some((start, at))
}

/// Rejects invalid names (XML 1.0, section 2.3), by their ASCII characters: they could pass for an
/// attribute or text.
pub(super) fn check_name(name: &str) -> Result<(), Flaw> {
    let mut kinds = name.bytes().map(|byte| NAME_BYTES[usize::from(byte)]);
    let Some(first) = kinds.next() else {
        return Err(Flaw::new("a tag or an attribute without a name"));
    };
    let is_inner = |kind| matches!(kind, NameByte::First | NameByte::Inner);
    if first == NameByte::First && kinds.all(is_inner) {
        return Ok(());
    }
    Err(Flaw::new(format!(
        "`{}`, which is not a name,",
        excerpt(name, GLIMPSE_CHARS)
    )))
}

/// Whether a text is only white space, like indentation. XML defines four such characters; vendors
/// also indent with no-break spaces.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}
