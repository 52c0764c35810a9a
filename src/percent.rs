//! Percent-encoding, and which characters stand for themselves in a URI.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986, section 2.3: what is encoded with it means the
/// same in any part of any URI. Signature schemes agree on this form too, so what is signed is what is
/// sent; and `+`, which stands for a space in forms only, is never ambiguous.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text with everything encoded that is not unreserved, in upper-case digits.
pub(crate) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}
