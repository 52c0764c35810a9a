//! Lower-case hexadecimal digits.

/// How many digits a number of 128 bits has.
pub(crate) const NUMBER_DIGITS: usize = 32;

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| PAIRS[usize::from(*byte)]);
    digits.map(char::from).collect()
}

/// All digits of a number, on the stack: every request is given an id.
pub(crate) fn hex_of_number(number: u128) -> [u8; NUMBER_DIGITS] {
    let mut digits = [0; NUMBER_DIGITS];
    for (place, byte) in number.to_be_bytes().into_iter().enumerate() {
        [digits[2 * place], digits[2 * place + 1]] = PAIRS[usize::from(byte)];
    }
    digits
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
}
