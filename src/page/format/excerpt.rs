//! What messages show of a body: a few characters, and what it looks like.

use super::text;

/// How much of a body a message may show.
pub(super) const GLIMPSE_CHARS: usize = 12;

/// What is said of a body that is a page for people: of a login, of a proxy.
pub(super) const AN_HTML_PAGE: &str = "looks like an HTML page";

/// How much of a body is searched for its first element.
const PROLOG_BYTES: usize = 2048;

/// The elements that an HTML page or a piece of one begins with.
const HTML: [&str; 14] = [
    "html", "head", "body", "title", "meta", "link", "script", "style", "h1", "h2", "p", "div",
    "center", "form",
];

/// Whether an element of this name begins an HTML page.
pub(super) fn is_html(name: &str) -> bool {
    HTML.iter().any(|html| name.eq_ignore_ascii_case(html))
}

/// The name of the first element or of the document type, behind declarations and comments.
fn root_name(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    loop {
        let (end, skipped) = if rest.starts_with("<?") {
            ("?>", 2)
        } else if rest.starts_with("<!--") {
            ("-->", 4)
        } else {
            break;
        };
        let at = rest.get(skipped..)?.find(end)?;
        rest = rest[skipped + at + end.len()..].trim_start();
    }
    let rest = rest.strip_prefix('<')?;
    let is_doctype = (rest.get(..8)).is_some_and(|word| word.eq_ignore_ascii_case("!doctype"));
    let rest = if is_doctype {
        rest[8..].trim_start()
    } else {
        rest
    };
    let end = rest.find(|character: char| !character.is_ascii_alphanumeric());
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// What a body looks like at first sight.
pub(super) fn looks(body: &[u8]) -> String {
    let start = text::without_bom(body).trim_ascii_start();
    if start.is_empty() {
        return "is empty".to_owned();
    }
    let text = String::from_utf8_lossy(&start[..start.len().min(PROLOG_BYTES)]);
    if root_name(&text).is_some_and(is_html) {
        return AN_HTML_PAGE.to_owned();
    }
    let start = String::from_utf8_lossy(&start[..start.len().min(4 * GLIMPSE_CHARS)]);
    format!("begins with `{}`", excerpt(&start, GLIMPSE_CHARS))
}

/// The first characters of a text, printable, with a mark where more were left out.
pub(crate) fn excerpt(text: &str, length: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(length)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if text.chars().nth(length).is_some() {
        shown.push('…');
    }
    shown
}
