//! Lower-case hexadecimal digits.

use wide::u8x16;

/// How many digits a number of 128 bits has.
pub(crate) const NUMBER_DIGITS: usize = 32;

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| PAIRS[usize::from(*byte)]);
    digits.map(char::from).collect()
}

/// All digits of a number, on the stack: every request is given an id.
pub(crate) fn hex_of_number(number: u128) -> [u8; NUMBER_DIGITS] {
    let halves = |number: u128| u8x16::new(number.to_be_bytes()) & u8x16::splat(0xf);
    let digits = |halves: u8x16| {
        let is_letter = halves.max(u8x16::splat(10)).simd_eq(halves);
        halves + u8x16::splat(b'0') + (is_letter & u8x16::splat(b'a' - b'0' - 10))
    };
    let (high, low) = (digits(halves(number >> 4)), digits(halves(number)));
    let mut written = [0; NUMBER_DIGITS];
    let (first, last) = written.split_at_mut(NUMBER_DIGITS / 2);
    first.copy_from_slice(u8x16::unpack_low(high, low).as_array());
    last.copy_from_slice(u8x16::unpack_high(high, low).as_array());
    written
}

/// Whether all are lower-case hexadecimal digits.
pub(crate) fn are_hex_digits(text: &[u8; NUMBER_DIGITS]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(byte);
    // All are looked at, many at once.
    text.iter().fold(true, |all, byte| all & is_digit(byte))
}

/// The digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0xf]];
        byte += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_becomes_two_digits() {
        assert_eq!(hex(&[]), "");
        assert_eq!(hex(&[0x00, 0x0a, 0xa0, 0xff]), "000aa0ff");
    }

    #[test]
    fn a_number_is_written_with_all_its_digits() {
        let number = 0x0123_4567_89ab_cdef_0000_0000_0000_00ff;
        assert_eq!(hex_of_number(number), *b"0123456789abcdef00000000000000ff");
    }

    #[test]
    fn hexadecimal_digits_are_known_from_all_other_bytes() {
        for byte in 0..=u8::MAX {
            for place in [0, 15, NUMBER_DIGITS - 1] {
                let mut text = *b"0123456789abcdef00000000000000ff";
                text[place] = byte;
                let expected = b"0123456789abcdef".contains(&byte);
                assert_eq!(are_hex_digits(&text), expected, "{byte} at {place}");
            }
        }
    }
}
