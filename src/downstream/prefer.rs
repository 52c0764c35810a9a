//! What a caller would rather have (`Prefer`, RFC 7240): so far, strict handling.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Says which preferences were honoured.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What strict handling is answered with.
pub(crate) const STRICT: HeaderValue = HeaderValue::from_static("handling=strict");

/// Says what a caller would rather have.
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Whether an incomplete answer is to be a problem instead. Preferences that are not known are
/// passed over, as section 2 says; of one given twice, the first counts.
pub(crate) fn is_strict(headers: &HeaderMap) -> bool {
    headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(handling)
        .is_some_and(|value| value.eq_ignore_ascii_case("strict"))
}

/// The value of a `handling` preference, bare or quoted, without its parameters.
fn handling(preference: &str) -> Option<&str> {
    let (preference, _) = preference.split_once(';').unwrap_or((preference, ""));
    let (name, value) = preference.split_once('=')?;
    name.trim()
        .eq_ignore_ascii_case("handling")
        .then(|| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("handling=strict", true)]
    #[case("respond-async, Handling = \"strict\"; why=audit", true)]
    #[case("handling=lenient", false)]
    #[case("handling=lenient, handling=strict", false)]
    #[case("strict", false)]
    #[case("xhandling=strict", false)]
    fn strict_handling_is_read(#[case] prefer: &str, #[case] strict: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(PREFER, HeaderValue::from_str(prefer).unwrap());
        assert_eq!(is_strict(&headers), strict);
    }

    #[test]
    fn without_the_header_handling_is_lenient() {
        assert!(!is_strict(&HeaderMap::new()));
    }
}
