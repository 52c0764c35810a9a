//! Reads locations of a response: a position, a number, a flag.
//!
//! Null and empty texts say nothing. What cannot be what is looked for is an error, never taken for
//! absent: the list would end there.

use std::borrow::Cow;

use http::header::CONTENT_RANGE;
use serde_json::Value;

use super::context::PageContext;
use super::error::{Likely, PagerError};
use super::found::{Found, VALUE_CHARS, found};
use super::likely::{HINT_DEPTH, POSITIONS, TOTALS, below, likely};
use crate::json::{self, whole};
use crate::page::format::{Node, excerpt};
use crate::page::mapping::{ChosenItem, choose};
use crate::page::sole_header::sole_header;
use crate::plan::{ChosenPlace, CursorSource, Location, Path};

/// How long a structure may be that is kept of a page.
const KEPT_BYTES: usize = 4096;

/// A location, as messages name it.
pub(super) fn name(location: &Location) -> String {
    match location {
        Location::Body(path) => path.to_string(),
        Location::Header { header } => header.clone(),
        Location::Chosen(place) => {
            let value = place.value.to_string();
            format!("{}/…/{value}", place.each.to_string().trim_end_matches('/'))
        }
    }
}

/// What is at a location. Absent, null and empty are the same.
pub(super) fn find<'a>(
    location: &Location,
    context: PageContext<'a>,
) -> Result<Option<Found<'a>>, PagerError> {
    match location {
        Location::Body(path) => Ok(follow(context.page.root(), path)?.and_then(found)),
        Location::Header { header } => {
            let value = sole_header(context.headers, header)
                .map_err(|values| PagerError::contradicts(header, values))?;
            let text = value
                .map(|value| str::from_utf8(value.as_bytes()))
                .transpose();
            let text = text.map_err(|_| PagerError::NotText(header.clone()))?;
            let text = text.filter(|text| !text.is_empty());
            Ok(text.map(|text| Found::Text(Cow::Borrowed(text))))
        }
        Location::Chosen(place) => Ok(chosen(place, context)?.and_then(found)),
    }
}

/// The value in the item that is meant, if there is one. A list of other things is an error, and so is an
/// item without the value: the walk would end there.
fn chosen<'a>(
    place: &ChosenPlace,
    context: PageContext<'a>,
) -> Result<Option<Node<'a>>, PagerError> {
    let Some(list) = follow(context.page.root(), &place.each)? else {
        return Ok(None);
    };
    let no_item = |what: String, path: String| PagerError::NothingChosen {
        list: place.each.to_string(),
        what,
        path,
    };
    match choose(list, &place.only) {
        ChosenItem::Nothing => Ok(None),
        ChosenItem::One(item) => match item.find(&place.value) {
            Some(value) => Ok(Some(value)),
            None => Err(no_item(
                "the item that is meant".to_owned(),
                place.value.to_string(),
            )),
        },
        ChosenItem::Unmarked => {
            let paths = place
                .only
                .as_slice()
                .iter()
                .map(|filter| filter.path.to_string());
            let paths: Vec<_> = paths.collect();
            Err(no_item("every item".to_owned(), paths.join("` or `")))
        }
    }
}

/// The value at a path, if it is there. A value on the way that can never lead there is an error.
pub(super) fn follow<'a>(root: Node<'a>, path: &Path) -> Result<Option<Node<'a>>, PagerError> {
    let mut node = root;
    for (index, segment) in path.segments().iter().enumerate() {
        if let Some(member) = node.member(segment) {
            node = member;
            continue;
        }
        let first = node.first();
        let leads_nowhere = match first.text().filter(|_| first.is_string()) {
            Some(text) => !text.trim().is_empty(),
            None if first.is_list() => !first.is_empty() && segment.parse::<usize>().is_err(),
            None => first.is_number() || first.boolean() == Some(true),
        };
        if leads_nowhere {
            return Err(PagerError::LeadsNowhere {
                path: path.to_string(),
                on_the_way: below("", &path.segments()[..index]),
                holds: node.holds(),
            });
        }
        return Ok(None);
    }
    Ok(Some(node))
}

/// A value, as JSON that says the same here. Nothing for what says nothing, is very long, or is no scalar of XML.
pub(super) fn as_json(node: Node<'_>) -> Option<Value> {
    match found(node)? {
        Found::Truth(truth) => Some(Value::Bool(truth)),
        Found::Number(digits) => json::number(&digits).map(Value::Number),
        Found::Text(text) => Some(Value::String(text.into_owned())),
        Found::Structure(node) if node.is_xml() => None,
        Found::Structure(node) => {
            let mut json = String::new();
            node.write(&mut json);
            let json = Some(json).filter(|json| json.len() <= KEPT_BYTES)?;
            json::read_own(&json).ok()
        }
    }
}

/// The position at a location: a cursor or a URL. False is none, as null and empty are.
pub(super) fn position(
    location: &Location,
    context: PageContext<'_>,
) -> Result<Option<String>, PagerError> {
    let no_position = |holds: String, likely: Option<String>| PagerError::NotAPosition {
        name: name(location),
        holds,
        likely: Likely(likely),
    };
    match find(location, context)? {
        None | Some(Found::Truth(false)) => Ok(None),
        Some(Found::Text(text) | Found::Number(text)) => Ok(Some(text.into_owned())),
        Some(Found::Truth(true)) => Err(no_position("is `true`".to_owned(), None)),
        Some(Found::Structure(node)) => {
            let likely = likely(node, &name(location), &POSITIONS, HINT_DEPTH, |_| true);
            Err(no_position(node.holds(), likely))
        }
    }
}

/// The number at a location. It may be a string. In `Content-Range` it follows the slash.
pub(super) fn number(
    location: &Location,
    context: PageContext<'_>,
) -> Result<Option<u64>, PagerError> {
    let no_number = |value: String, likely| PagerError::NotANumber {
        name: name(location),
        value,
        why: "not a number",
        likely: Likely(likely),
    };
    let text = match find(location, context)? {
        None => return Ok(None),
        Some(Found::Text(text) | Found::Number(text)) => text,
        Some(Found::Truth(truth)) => return Err(no_number(format!("is `{truth}`"), None)),
        Some(Found::Structure(node)) => {
            let is_number = |text: &str| whole(text).parse::<u64>().is_ok();
            let likely = likely(node, &name(location), &TOTALS, HINT_DEPTH, is_number);
            return Err(no_number(node.holds(), likely));
        }
    };
    let is_range = matches!(location, Location::Header { header }
        if header.eq_ignore_ascii_case(CONTENT_RANGE.as_str()));
    let number = match text.rsplit_once('/') {
        // The length is unknown (RFC 9110, section 14.4).
        Some((_, total)) if is_range && total.trim() == "*" => return Ok(None),
        Some((_, total)) if is_range => total.trim(),
        _ => text.trim(),
    };
    let number = whole(number);
    number
        .parse()
        .map(Some)
        .map_err(|_| PagerError::NotANumber {
            name: name(location),
            value: format!("is `{}`", excerpt(&text, VALUE_CHARS)),
            why: why_no_count(&number),
            likely: Likely(None),
        })
}

/// Why a text counts nothing.
fn why_no_count(text: &str) -> &'static str {
    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(number) if has_digits && number < 0.0 => "below 0",
        Ok(number) if has_digits && number.fract() != 0.0 => "not a whole number",
        Ok(_) if has_digits => "too large",
        Ok(_) | Err(_) => "not a number",
    }
}

/// What a flag says. A page without records has no last one, and says nothing in it.
pub(super) fn flag(
    source: &CursorSource,
    context: PageContext<'_>,
) -> Result<Option<bool>, PagerError> {
    let no_flag = |value: String, likely| PagerError::NotAFlag {
        name: flag_name(source),
        value,
        likely: Likely(likely),
    };
    let text = match source {
        CursorSource::Record { .. } => context.last_record_flag.map(Cow::Borrowed),
        CursorSource::Page(location) => match find(location, context)? {
            None => None,
            Some(Found::Truth(truth)) => return Ok(Some(truth)),
            Some(Found::Text(text) | Found::Number(text)) => Some(text),
            Some(Found::Structure(node)) => {
                let is_flag = |text: &str| truth(text).is_some();
                let likely = likely(node, &name(location), &[], HINT_DEPTH, is_flag);
                return Err(no_flag(node.holds(), likely));
            }
        },
    };
    let Some(text) = text else {
        return Ok(None);
    };
    match truth(&text) {
        Some(truth) => Ok(Some(truth)),
        None => Err(no_flag(
            format!("is `{}`", excerpt(&text, VALUE_CHARS)),
            None,
        )),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A flag, as messages name it.
pub(super) fn flag_name(source: &CursorSource) -> String {
    match source {
        CursorSource::Page(location) => name(location),
        CursorSource::Record { last_record } => format!("{last_record} of the last record"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use http::{HeaderMap, HeaderValue, Uri};
    use rstest::rstest;

    use super::*;
    use crate::page::format::Page;
    use crate::plan::Format;

    static URL: LazyLock<Uri> = LazyLock::new(|| Uri::from_static("https://a.example"));

    fn xml(text: &str) -> Page {
        Page::decode(Format::Xml, text.as_bytes()).unwrap()
    }

    fn context<'a>(page: &'a Page, headers: &'a HeaderMap) -> PageContext<'a> {
        PageContext {
            page,
            headers,
            url: &URL,
            records: 0,
            last_record_key: None,
            last_record_flag: None,
            parents: None,
            is_past_end: false,
        }
    }

    fn header(value: &[u8]) -> Result<Option<String>, PagerError> {
        let mut headers = HeaderMap::new();
        headers.insert("x-next", HeaderValue::from_bytes(value).unwrap());
        let location = Location::Header {
            header: "x-next".to_owned(),
        };
        position(&location, context(&xml("<r/>"), &headers))
    }

    #[test]
    fn a_header_is_read_as_utf_8_and_is_never_absent_because_it_is_not() {
        let text = "\u{fc}ber";
        assert_eq!(header(text.as_bytes()), Ok(Some(text.to_owned())));
        let error = header(b"\xfcber").unwrap_err();
        assert_eq!(error, PagerError::NotText("x-next".to_owned()));
    }

    #[rstest]
    #[case::two(&["2", "7"], "`2` and `7`")]
    #[case::nothing_and_one(&["", "x2"], "`` and `x2`")]
    #[case::one_that_is_no_text(&["2", "\u{fc}"], "`2` and `\u{fc}`")]
    fn a_header_whose_lines_contradict_each_other_is_an_error(
        #[case] lines: &[&str],
        #[case] both: &str,
    ) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-next", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let location = Location::Header {
            header: "X-Next".to_owned(),
        };
        let page = xml("<r/>");
        let context = context(&page, &headers);
        let source = CursorSource::Page(location.clone());
        let expected = format!("the header `X-Next` contradicts itself: it says {both}");
        for error in [
            position(&location, context).unwrap_err(),
            number(&location, context).unwrap_err(),
            flag(&source, context).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn white_space_around_xml_texts_is_layout() {
        let page = xml("<r><none>\n  </none><next>\n a b\n</next><end>\n false </end></r>");
        let headers = HeaderMap::new();
        let at = |path: &str| {
            let location = Location::Body(path.parse().unwrap());
            position(&location, context(&page, &headers))
        };
        assert_eq!(at("/r/none"), Ok(None));
        assert_eq!(at("/r/next"), Ok(Some("a b".to_owned())));
        assert_eq!(at("/r/end"), Ok(None));
    }

    #[rstest]
    #[case("-1", "below 0")]
    #[case("-1.0", "below 0")]
    #[case("-0.5", "below 0")]
    #[case("2.5", "not a whole number")]
    #[case("1e30", "too large")]
    #[case("18446744073709551616", "too large")]
    #[case("many", "not a number")]
    #[case("NaN", "not a number")]
    fn what_counts_nothing_is_said_to_be_what_it_is(#[case] text: &str, #[case] expected: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("x-total", text.parse().unwrap());
        let location = Location::Header {
            header: "x-total".to_owned(),
        };
        let error = number(&location, context(&xml("<r/>"), &headers)).unwrap_err();
        let expected = format!("`x-total` is `{text}`, which is {expected}");
        assert_eq!(error.to_string(), expected);
    }

    #[rstest]
    #[case("True", Some(true))]
    #[case("TRUE", Some(true))]
    #[case("1", Some(true))]
    #[case("False", Some(false))]
    #[case("FALSE", Some(false))]
    #[case("no", None)]
    fn flags_are_read_in_any_case(#[case] text: &str, #[case] expected: Option<bool>) {
        assert_eq!(truth(text), expected);
    }
}
