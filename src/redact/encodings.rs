//! Encodings that change all of a secret: base64 (RFC 4648, sections 4 and 5) and hexadecimal digits. How single letters
//! may be written is [`spelling`](super::spelling)'s matter.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::MIN_EMBEDDED_BYTES;
use crate::hex::hex;

/// The value, and what may be found of it where it was encoded, by itself or within a longer text.
pub(super) fn encodings(value: &str) -> Vec<String> {
    let mut texts = vec![
        value.to_owned(),
        // The name of a host.
        value.to_lowercase(),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ];
    let digits = hex(value.as_bytes());
    // What is shorter may be any word or number.
    let longer = [digits.to_uppercase(), digits]
        .into_iter()
        .chain(in_other_base64(value))
        .chain((0..3).flat_map(|before| within_base64(value, before)));
    texts.extend(longer.filter(|text| text.len() >= MIN_EMBEDDED_BYTES));
    texts
}

/// A value that is base64 itself, in both alphabets and without padding.
fn in_other_base64(value: &str) -> Vec<String> {
    let value = value.trim_end_matches('=');
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    if !value.bytes().all(is_base64) {
        return Vec::new();
    }
    vec![
        value.replace('-', "+").replace('_', "/"),
        value.replace('+', "-").replace('/', "_"),
    ]
}

/// What stands for a value alone where a longer text was encoded that has `before` more bytes than a multiple of three
/// before it: three bytes are four letters, and those at the ends are of its neighbours, too.
fn within_base64(value: &str, before: usize) -> [String; 2] {
    let bytes = [&[0; 2][..before], value.as_bytes()].concat();
    // Letters of six bits: the first with none of the eight of a neighbour, and the last that is whole.
    let (start, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    [
        STANDARD_NO_PAD.encode(&bytes),
        URL_SAFE_NO_PAD.encode(&bytes),
    ]
    .map(|text| text.get(start..end).unwrap_or_default().to_owned())
}
