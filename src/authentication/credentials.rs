//! What a request brings to show who sends it.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::refused::RefusedCredentials;

/// The header of an API key. Where it is, `Authorization` is not looked at: it may be for an upstream.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The scheme of `Authorization`, in any case.
const BEARER: &[u8] = b"bearer";

/// The longest credentials, in bytes.
const LONGEST: usize = 16 * 1024;

/// What a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    /// What `X-Api-Key` says.
    Key(&'a [u8]),
    /// What `Authorization: Bearer` says.
    Bearer(&'a [u8]),
}

impl<'a> Presented<'a> {
    /// What these headers bring, if anything.
    pub(super) fn in_headers(headers: &'a HeaderMap) -> Result<Option<Self>, RefusedCredentials> {
        if let Some(key) = only(headers, &API_KEY)? {
            return sound(key.as_bytes()).map(Self::Key).map(Some);
        }
        let Some(value) = only(headers, &AUTHORIZATION)? else {
            return Ok(None);
        };
        let value = value.as_bytes();
        let scheme = value.get(..BEARER.len()).unwrap_or_default();
        let token = value.get(BEARER.len()..).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(BEARER) || token.first() != Some(&b' ') {
            return Err(RefusedCredentials::Invalid);
        }
        sound(token.trim_ascii()).map(Self::Bearer).map(Some)
    }
}

/// The last word of `Authorization`, whatever its scheme; `None` where there is none, or two of these headers.
pub(super) fn only_word(headers: &HeaderMap) -> Option<&[u8]> {
    let value = only(headers, &AUTHORIZATION).ok()??;
    let mut words = value.as_bytes().rsplit(u8::is_ascii_whitespace);
    words.find(|word| !word.is_empty())
}

/// The value of a header that a request must not have twice: two readers could take different ones.
fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, RefusedCredentials> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(RefusedCredentials::Invalid),
    }
}

fn sound(secret: &[u8]) -> Result<&[u8], RefusedCredentials> {
    if secret.is_empty() || secret.len() > LONGEST {
        return Err(RefusedCredentials::Invalid);
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let split = |line: &&str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.parse().unwrap(), value.trim_start().parse().unwrap())
        };
        let pairs = lines.iter().map(split);
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let _: bool = headers.append::<HeaderName>(name, value);
        }
        headers
    }

    #[rstest]
    #[case(&[], Ok(None))]
    #[case(&["x-api-key: k"], Ok(Some(Presented::Key(b"k"))))]
    #[case(&["authorization: Bearer t"], Ok(Some(Presented::Bearer(b"t"))))]
    #[case(&["authorization: bEARER   t "], Ok(Some(Presented::Bearer(b"t"))))]
    #[case(&["x-api-key: k", "authorization: Basic YTpi"], Ok(Some(Presented::Key(b"k"))))]
    #[case(&["authorization: Basic YTpi"], Err(RefusedCredentials::Invalid))]
    #[case(&["authorization: Bearer"], Err(RefusedCredentials::Invalid))]
    #[case(&["authorization: Bearer "], Err(RefusedCredentials::Invalid))]
    #[case(&["authorization: Bearert"], Err(RefusedCredentials::Invalid))]
    #[case(&["authorization: t"], Err(RefusedCredentials::Invalid))]
    #[case(&["x-api-key:"], Err(RefusedCredentials::Invalid))]
    #[case(&["x-api-key: k", "x-api-key: k"], Err(RefusedCredentials::Invalid))]
    #[case(&["authorization: Bearer t", "authorization: Bearer t"], Err(RefusedCredentials::Invalid))]
    fn one_of_two_headers_brings_it(
        #[case] lines: &[&str],
        #[case] expected: Result<Option<Presented<'static>>, RefusedCredentials>,
    ) {
        assert_eq!(Presented::in_headers(&headers(lines)), expected);
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        let long = |length| headers(&[&format!("x-api-key: {}", "k".repeat(length))]);
        assert!(Presented::in_headers(&long(LONGEST)).is_ok());
        assert_eq!(
            Presented::in_headers(&long(LONGEST + 1)),
            Err(RefusedCredentials::Invalid)
        );
    }
}
