//! The next page's URL in a `Link` header (RFC 8288).

use std::borrow::Cow;

use http::header::LINK;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::context::PageContext;
use super::error::PagerError;
use crate::page::format::excerpt;
use crate::plan::{Paging, PagingStyle};

/// How much of a link a message shows.
const LINK_CHARS: usize = 100;

impl Paging {
    /// The next page that the `Link` header names although the style does not go by it, as messages
    /// show it. A link to the page itself names none.
    pub(crate) fn linked(&self, context: PageContext<'_>) -> Option<String> {
        if matches!(self.style, PagingStyle::Link) {
            return None;
        }
        let mut targets = (context.headers.get_all(LINK).iter())
            .filter_map(|field| next_targets(field).ok())
            .flatten();
        targets.find_map(|target| other_page(target, &context.requested().ok()?))
    }
}

/// A target, as messages show it, if it is not the page that was requested.
fn other_page(target: &str, requested: &Url) -> Option<String> {
    let next = requested.join(target).ok()?;
    (next != *requested).then(|| shown(&next, requested))
}

/// In what a URL differs from the one that was requested: what both have may be secret.
fn shown(next: &Url, requested: &Url) -> String {
    let mut shown = String::new();
    if next.origin() != requested.origin() {
        shown.push_str(&next.origin().ascii_serialization());
    }
    if next.path() != requested.path() {
        shown.push_str(next.path());
    }
    let pairs = |url: &Url| -> Vec<String> {
        let query = url.query().unwrap_or_default();
        query.split('&').map(str::to_owned).collect()
    };
    let same = pairs(requested);
    let pairs = pairs(next).into_iter().map(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        if same.contains(&pair) {
            format!("{name}=…")
        } else {
            pair
        }
    });
    if next.query().is_some() {
        shown.push('?');
        shown.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    excerpt(&shown, LINK_CHARS)
}

/// The target of the `rel="next"` link in all `Link` fields. Several are one if they lead to one URL from the page that
/// was `requested`, and else an error: whichever is followed, the list may lack what the other leads to.
///
/// A field that cannot be parsed is an error, for it may have held the link.
pub(crate) fn next_link(
    headers: &HeaderMap,
    requested: Option<&Url>,
) -> Result<Option<String>, PagerError> {
    let mut targets = Vec::new();
    for field in headers.get_all(LINK) {
        targets.extend(next_targets(field)?);
    }
    let Some((first, others)) = targets.split_first() else {
        return Ok(None);
    };
    let url = |target: &str| requested.and_then(|requested| requested.join(target).ok());
    let is_same =
        |other: &&&str| other == &first || url(other).is_some_and(|it| url(first) == Some(it));
    if let Some(other) = others.iter().find(|other| !is_same(other)) {
        let shown = |target: &str| match url(target).zip(requested) {
            Some((next, requested)) => shown(&next, requested),
            None => excerpt(target, LINK_CHARS),
        };
        return Err(PagerError::TwoNextLinks([shown(first), shown(other)]));
    }
    Ok(Some((*first).to_owned()))
}

/// The targets of all `rel="next"` links in a field. One that says `results="false"` is none: Sentry has a next link on
/// its last page too, and says so of it (<https://docs.sentry.io/api/pagination/>).
fn next_targets(field: &HeaderValue) -> Result<Vec<&str>, PagerError> {
    let links = str::from_utf8(field.as_bytes()).ok().and_then(links);
    let links = links.ok_or(PagerError::BadLink)?.into_iter();
    Ok(links
        .filter(Link::is_next)
        .map(|next| next.target)
        .collect())
}

/// The text of the first link to a next page in a field, with its parameters.
#[cfg(feature = "probe")]
pub(crate) fn next_in(field: &str) -> Option<&str> {
    let next = links(field)?.into_iter().find(Link::is_next)?;
    Some(next.text)
}

/// A target, its relations, and whether it says that there are no results.
struct Link<'a> {
    /// All of it, as it stands in the field.
    #[cfg(feature = "probe")]
    text: &'a str,
    target: &'a str,
    relations: Option<Cow<'a, str>>,
    is_empty: bool,
}

impl Link<'_> {
    /// Whether it leads to more. Relations are a list of words, compared in any case (RFC 8288,
    /// section 3.3).
    fn is_next(&self) -> bool {
        let mut relations = self
            .relations
            .iter()
            .flat_map(|it| it.split_ascii_whitespace());
        !self.is_empty && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    }
}

/// The links of one field (RFC 8288, appendix B.2), or `None` if it cannot be parsed.
fn links(field: &str) -> Option<Vec<Link<'_>>> {
    let mut links = Vec::new();
    let mut rest = field.trim_ascii_start();
    while !rest.is_empty() {
        // A list may have empty members (RFC 9110, section 5.6.1.2).
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_ascii_start();
            continue;
        }
        let (link, after) = link(rest)?;
        links.push(link);
        rest = after;
    }
    Some(links)
}

/// The link at the start of a text, and the rest: nothing, or a comma.
fn link(text: &str) -> Option<(Link<'_>, &str)> {
    let (target, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    let (mut relations, mut is_empty) = (None, false);
    loop {
        rest = rest.trim_ascii_start();
        let Some(after) = rest.strip_prefix(';') else {
            break;
        };
        let (name, value, after) = parameter(after)?;
        // All but the first `rel` are ignored (RFC 8288, section 3.3).
        if relations.is_none() && name.eq_ignore_ascii_case("rel") {
            relations = Some(value);
        } else if name.eq_ignore_ascii_case("results") {
            is_empty = value.eq_ignore_ascii_case("false");
        }
        rest = after;
    }
    let link = Link {
        #[cfg(feature = "probe")]
        text: text[..text.len() - rest.len()].trim_ascii_end(),
        target,
        relations,
        is_empty,
    };
    (rest.is_empty() || rest.starts_with(',')).then_some((link, rest))
}

/// The parameter at the start of a text, its value without quotes, and the rest.
fn parameter(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (name, rest) = word(text.trim_ascii_start(), "=;,");
    let Some(value) = rest.trim_ascii_start().strip_prefix('=') else {
        return Some((name, Cow::Borrowed(""), rest));
    };
    let value = value.trim_ascii_start();
    if let Some(quoted) = value.strip_prefix('"') {
        let (value, rest) = unquoted(quoted)?;
        return Some((name, Cow::Owned(value), rest));
    }
    // Some servers take single quotes for quotes.
    if let Some(quoted) = value.strip_prefix('\'') {
        let closed = quoted.split_once('\'').filter(|(_, rest)| {
            let rest = rest.trim_ascii_start();
            rest.is_empty() || rest.starts_with([';', ','])
        });
        match closed {
            Some((value, rest)) => return Some((name, Cow::Borrowed(value), rest)),
            None if name.eq_ignore_ascii_case("rel") => return None,
            None => {}
        }
    }
    let (value, rest) = word(value, ";,");
    Some((name, Cow::Borrowed(value), rest))
}

/// The text up to white space or one of `ends`. Servers omit quotes that RFC 9110 requires, as in
/// `rel=https://example.com/up`, so any other character is accepted.
fn word<'a>(text: &'a str, ends: &str) -> (&'a str, &'a str) {
    let is_end = |character: char| ends.contains(character) || character.is_ascii_whitespace();
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

/// The text before the closing quote, unescaped (RFC 9110, section 5.6.4), and the rest after it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn next(fields: &[&[u8]]) -> Result<Option<String>, PagerError> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(LINK, HeaderValue::from_bytes(field).unwrap());
        }
        next_link(&headers, None)
    }

    #[rstest]
    #[case::bare(&["<a>; rel=next"], Some("a"))]
    #[case::in_single_quotes(&["<a>; rel='prev', <b>; rel='next'"], Some("b"))]
    #[case::of_several_in_single_quotes(&["<a>; title='b, c'; rel='last next';x=y"], Some("a"))]
    #[case::beside_an_apostrophe(&["<a>; title='tis; rel=next"], Some("a"))]
    #[case::in_another_field(&["<a>; rel=\"prev\"", "<b>; rel=\"next\""], Some("b"))]
    #[case::of_several_relations(&["<a,b>; rel=\"last  NEXT\""], Some("a,b"))]
    #[case::after_another(&["<a>; rel=prev, <b>;REL=\"Next\""], Some("b"))]
    #[case::with_space_everywhere(&[" , <a> ; title = \"t\" ; rel = next ,"], Some("a"))]
    #[case::with_a_bare_url(&["<a>; rev=https://b/c?d=e; rel=next"], Some("a"))]
    #[case::beside_a_flag(&["<a>; crossorigin; rel=next"], Some("a"))]
    #[case::beside_a_title_in_utf_8(&["<a>; title=\"\u{dc}bersicht\"; rel=next"], Some("a"))]
    #[case::only_in_a_title(&["<a>; title=\"b; rel=next\"; rel=last"], None)]
    #[case::after_an_escaped_quote(&[r#"<a>; title="\", <b>; rel=next, \\"; rel=last"#], None)]
    #[case::in_the_second_rel(&["<a>; rel=prev; rel=next"], None)]
    #[case::in_another_relation(&["<a>; rel=nextish"], None)]
    #[case::of_no_link(&["<a>; rel=last", ""], None)]
    #[case::with_results(&["<a>; rel=\"next\"; results=\"true\"; cursor=\"0:100:0\""], Some("a"))]
    #[case::without_results(&["<a>; rel=\"next\"; results=\"false\"; cursor=\"0:200:0\""], None)]
    #[case::of_which_another_has_no_results(&["<a>; results=false; rel=prev, <b>; rel=next"], Some("b"))]
    fn the_next_link_is_found_in_any_field_and_any_spelling(
        #[case] fields: &[&str],
        #[case] expected: Option<&str>,
    ) {
        let fields: Vec<_> = fields.iter().map(|field| field.as_bytes()).collect();
        assert_eq!(next(&fields), Ok(expected.map(str::to_owned)));
    }

    #[rstest]
    #[case::in_one_field(&["</list?page=3>; rel=next, </list?page=4>; rel=next"], "`?page=3` and `?page=4`")]
    #[case::in_two(&["</list?page=3>; rel=next", "<https://v.example/list?page=3>; rel=\"next last\""], "`?page=3` and `https://v.example?page=3`")]
    #[case::to_nowhere(&["</list?page=3>; rel=next", "<https://>; rel=next"], "`?page=3` and `https://`")]
    #[case::to_the_same(&["</list?page=3>; rel=next", "<https://u.example/list?page=3>; rel=next"], "")]
    fn next_links_to_different_pages_are_an_error(
        #[case] fields: &[&'static str],
        #[case] both: &str,
    ) {
        let requested: Url = "https://u.example/list?page=2".parse().unwrap();
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(LINK, HeaderValue::from_static(field));
        }
        match next_link(&headers, Some(&requested)) {
            Ok(target) => {
                assert_eq!(target.as_deref(), Some("/list?page=3"));
                assert_eq!(both, "");
            }
            Err(error) => assert_eq!(
                error.to_string(),
                format!("the `Link` header names two next pages: {both}")
            ),
        }
    }

    #[rstest]
    #[case::another_page("</list?key=secret&page=3>; rel=next", Some("?key=…&page=3"))]
    #[case::elsewhere(
        "<https://v.example/more?key=secret>; rel=next",
        Some("https://v.example/more?key=…")
    )]
    #[case::itself("</list?key=secret&page=2>; rel=next", None)]
    #[case::nowhere("<>; rel=next", None)]
    #[case::another_relation("</list?page=3>; rel=prev", None)]
    #[case::unreadable("page 3", None)]
    fn a_link_is_shown_without_what_was_requested_too(
        #[case] field: &'static str,
        #[case] expected: Option<&str>,
    ) {
        let requested: Url = "https://u.example/list?key=secret&page=2".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(LINK, HeaderValue::from_static(field));
        let next = next_link(&headers, None).ok().flatten();
        let next = next.and_then(|next| other_page(&next, &requested));
        assert_eq!(next.as_deref(), expected);
    }

    #[rstest]
    #[case::words(b"garbage, <")]
    #[case::no_closing_bracket(b"<a; rel=next")]
    #[case::no_closing_quote(b"<a>; rel=\"next")]
    #[case::no_closing_single_quote(b"<a>; rel='next")]
    #[case::words_after_a_link(b"<a>; rel=last next")]
    #[case::no_text(b"<\xe9>; rel=next")]
    fn a_field_that_cannot_be_parsed_is_an_error(#[case] field: &[u8]) {
        assert_eq!(next(&[field]), Err(PagerError::BadLink));
    }
}
