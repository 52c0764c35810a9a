//! Numbers of JSON as texts: one number is one text, however it is written.

use std::borrow::Cow;

/// How many zeros an exponent may stand for: a few digits of it could fill the memory.
const MOST_ZEROS: i64 = 40;

/// The digits of a number, without a fraction that is zero and without an exponent: `17.0`, `1.7e1` and `170e-1`
/// are `17`, exactly. What is no integer, or one with too many zeros, stays as it is written.
pub(crate) fn whole(number: &str) -> Cow<'_, str> {
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(number);
    }
    integer(number).map_or(Cow::Borrowed(number), Cow::Owned)
}

fn integer(number: &str) -> Option<String> {
    let (sign, size) = match number.strip_prefix('-') {
        Some(size) => ("-", size),
        None => ("", number),
    };
    let (mantissa, exponent) = size.split_once(['e', 'E']).unwrap_or((size, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [before, after].concat();
    let is_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_exponent =
        !exponent_digits.is_empty() && exponent_digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits || !is_exponent {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    // Where the decimal point is, counted in digits.
    let point = i64::try_from(before.len()).ok()?;
    let point = point.checked_add(exponent.parse().ok()?)?;
    let zeros = point.checked_sub(i64::try_from(significant.len()).ok()?)?;
    let kept = significant.trim_start_matches('0');
    let may_be = (0..=MOST_ZEROS.max(i64::try_from(digits.len()).ok()?)).contains(&zeros);
    may_be.then(|| format!("{sign}{kept}{}", "0".repeat(zeros as usize)))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("7.0", "7")]
    #[case("7.000", "7")]
    #[case("70e-1", "7")]
    #[case("0.7e1", "7")]
    #[case("0.0007E+4", "7")]
    #[case("7e0", "7")]
    #[case("7e2", "700")]
    #[case("700e-1", "70")]
    #[case("-7.0", "-7")]
    #[case("0.0", "0")]
    #[case("-0", "0")]
    #[case("0e99999999999999999999", "0")]
    #[case("9007199254740993.0", "9007199254740993")]
    #[case("1238712345678901234567.0", "1238712345678901234567")]
    #[case("1.5e39", "1500000000000000000000000000000000000000")]
    fn one_integer_is_one_text(#[case] written: &str, #[case] expected: &str) {
        assert_eq!(whole(written), expected);
    }

    #[rstest]
    #[case("7")]
    #[case("007")]
    #[case("-7")]
    #[case("7.50")]
    #[case("75e-1")]
    #[case("-0.1")]
    #[case("1e400")]
    #[case("1e99999999999999999999")]
    #[case("1e-99999999999999999999")]
    #[case("")]
    #[case("-")]
    #[case(".")]
    #[case("1.2.0")]
    #[case("1e")]
    #[case("e1")]
    #[case("0x10")]
    #[case("1e1.0")]
    #[case("1e+-1")]
    fn what_is_no_integer_or_none_but_digits_stays_as_it_is(#[case] written: &str) {
        assert_eq!(whole(written), written);
    }

    proptest! {
        #[test]
        fn a_decimal_point_that_moves_with_the_exponent_changes_nothing(
            number in any::<i64>(),
            zeros in 0..12_usize,
            places in 0..18_usize,
            is_upper in any::<bool>(),
        ) {
            let letter = if is_upper { 'E' } else { 'e' };
            let sign = if number < 0 { "-" } else { "" };
            let digits = number.unsigned_abs();
            let padded = format!("{digits:020}");
            let (before, after) = padded.split_at(padded.len() - places);
            let fraction = format!("{sign}{before}.{after}{}{letter}{places}", "0".repeat(zeros));
            let written = format!("{sign}{digits}{}{letter}-{zeros}", "0".repeat(zeros));
            for written in [fraction, written, format!("{number}.{}", "0".repeat(zeros + 1))] {
                prop_assert_eq!(whole(&written), number.to_string(), "{}", written);
            }
        }

        #[test]
        fn any_text_is_read(text in "[-+0-9.eE]{0,12}") {
            let read = whole(&text);
            if let (Ok(before), Ok(after)) = (text.parse::<f64>(), read.parse::<f64>()) {
                prop_assert_eq!(before.partial_cmp(&after), Some(Ordering::Equal));
            }
        }
    }
}
