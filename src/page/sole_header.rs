//! A header that says one thing, although a response may have several lines of it.

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderValue};

/// The value of a header, or two that contradict each other: which of them is meant, nobody knows. Lines that say
/// the same are one.
pub(crate) fn sole_header(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&HeaderValue>, [&HeaderValue; 2]> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let said = first.as_bytes().trim_ascii();
    match lines.find(|other| other.as_bytes().trim_ascii() != said) {
        Some(other) => Err([first, other]),
        None => Ok(Some(first)),
    }
}

/// The same of a header without which a response can do: one that contradicts itself says nothing.
pub(crate) fn certain_header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    sole_header(headers, name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(&[], Ok(None))]
    #[case::one(&["a"], Ok(Some("a")))]
    #[case::the_same(&["a", "a "], Ok(Some("a")))]
    #[case::another(&["a", "a", "b"], Err(()))]
    #[case::nothing_and_something(&["", "b"], Err(()))]
    fn lines_that_differ_contradict_each_other(
        #[case] lines: &[&'static str],
        #[case] expected: Result<Option<&str>, ()>,
    ) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-total", HeaderValue::from_static(line));
        }
        let said = sole_header(&headers, "X-Total").map_err(|_| ());
        let said = said.map(|value| value.map(|value| value.to_str().unwrap()));
        assert_eq!(said, expected);
        let certain = certain_header(&headers, "x-total");
        assert_eq!(
            certain.map(|value| value.to_str().unwrap()),
            expected.ok().flatten()
        );
    }
}
