//! Positions that are URLs: from a `Link` header or from the body, never of another origin.

use http::HeaderMap;
use http::header::LINK;
use url::Url;

use super::{PagerError, Position};

/// The position of the page that `target` names, seen from `base`.
pub(super) fn at_url(target: &str, base: &Url) -> Result<Position, PagerError> {
    let url = base.join(target).map_err(|_| PagerError::BadUrl)?;
    if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(PagerError::ForeignUrl(url.origin().ascii_serialization()));
    }
    Ok(Position::Url(url))
}

/// The target of the first `rel="next"` link (RFC 8288, section 3), over all `Link` fields.
pub(super) fn next_link(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|field| field.to_str().ok())
        .flat_map(links)
        .find(|(_, parameters)| is_next(parameters))
        .map(|(target, _)| target.to_owned())
}

/// The links of one field: targets in angle brackets, each with its parameters.
fn links(field: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = field;
    std::iter::from_fn(move || {
        let start = rest.find('<')? + 1;
        let end = start + rest[start..].find('>')?;
        let target = &rest[start..end];
        let parameters = &rest[end + 1..];
        // A comma between links, unlike one inside quotes.
        let mut quoted = false;
        let stop = parameters
            .char_indices()
            .find(|&(_, character)| {
                quoted ^= character == '"';
                character == ',' && !quoted
            })
            .map_or(parameters.len(), |(index, _)| index);
        rest = &parameters[stop..];
        Some((target, &parameters[..stop]))
    })
}

/// Whether `rel` is or holds `next`: it is a list of words, quoted or not, in any case.
fn is_next(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))
        .is_some_and(|(_, value)| {
            value
                .trim()
                .trim_matches('"')
                .split_ascii_whitespace()
                .any(|relation| relation.eq_ignore_ascii_case("next"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_in_any_field_and_any_spelling() {
        let headers = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(LINK, field.parse().unwrap());
            }
            headers
        };
        let found = |fields: &[&str]| next_link(&headers(fields));
        assert_eq!(found(&["<a>; rel=next"]).as_deref(), Some("a"));
        assert_eq!(
            found(&["<a>; rel=\"prev\"", "<b>; rel=\"next\""]).as_deref(),
            Some("b")
        );
        assert_eq!(found(&["<a,b>; rel=\"next last\""]).as_deref(), Some("a,b"));
        assert_eq!(
            found(&["<a>; rel=prev, <b>;REL=\"Next\""]).as_deref(),
            Some("b")
        );
        assert_eq!(found(&["<a>; rel=\"last\"", ""]), None);
        assert_eq!(found(&["garbage, <"]), None);
    }
}
