//! Numbers with an exponent.
//!
//! serde_json writes their exponents anew while it reads them: `1E3` becomes `1e+3`. It hands over every number as an
//! object with one private name; where the text already has that object, what it holds is a text that stays as it is.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr2, memchr3};
use serde_json::Number;

use super::NUMBER;

/// The text with such an object in the place of each number that would become another. It is JSON if the text is.
pub(super) fn kept(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut whole = String::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = memchr3(b'"', b'e', b'E', &bytes[at..]) {
        let found = at + found;
        if bytes[found] == b'"' {
            at = end_of_text(bytes, found + 1);
            continue;
        }
        at = found + 1;
        let number = around(bytes, from, found);
        let digits = &text[number.clone()];
        if digits
            .parse::<Number>()
            .is_ok_and(|read| read.as_str() != digits)
        {
            whole.push_str(&text[from..number.start]);
            whole.extend(["{\"", NUMBER, "\":\"", digits, "\"}"]);
            from = number.end;
        }
    }
    if whole.is_empty() {
        return Cow::Borrowed(text);
    }
    whole.push_str(&text[from..]);
    Cow::Owned(whole)
}

/// Behind the quote that ends the text which goes on here.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// What could be a number with its exponent behind the letter at this place, and begins at `from` or behind it.
fn around(bytes: &[u8], from: usize, letter: usize) -> Range<usize> {
    let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-');
    let before = bytes[from..letter].iter().rev().take_while(is_part).count();
    let behind = bytes[letter + 1..].iter().take_while(is_part).count();
    letter - before..letter + 1 + behind
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none("[1,-2.50,true,false,\"e\"]", 0)]
    #[case::as_serde_json_writes_it("[1e+3,1.5e-7]", 0)]
    #[case::capital("[1E3,1E+3,-1.50E-03]", 3)]
    #[case::no_sign("{\"1E3\":1e3}", 1)]
    #[case::the_whole("1E3", 1)]
    #[case::in_a_text(r#"["1E3","\"1E3,","\\",1E3]"#, 1)]
    #[case::no_number("[1E,01E3,1E3.5,E3]", 0)]
    #[case::a_number_that_goes_on("1E3E3", 1)]
    #[case::an_open_text("[1E3,\"1E3\\", 1)]
    fn only_numbers_that_would_become_others_are_kept(#[case] text: &str, #[case] count: usize) {
        let kept = kept(text);
        assert_eq!(kept.matches(NUMBER).count(), count, "{kept}");
        let object = format!("{{\"{NUMBER}\":\"");
        assert_eq!(kept.replace(&object, "").replace("\"}", ""), text);
    }
}
