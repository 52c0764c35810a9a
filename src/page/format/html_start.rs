//! What an HTML page begins with.

/// What is said of a body that is a page for people: of a login, of a proxy.
pub(super) const AN_HTML_PAGE: &str = "looks like an HTML page";

/// How much of a body is searched for its first element.
const PROLOG_BYTES: usize = 2048;

/// The elements that an HTML page or a piece of one begins with.
const HTML: [&str; 14] = [
    "html", "head", "body", "title", "meta", "link", "script", "style", "h1", "h2", "p", "div",
    "center", "form",
];

/// Those of them that no data has.
const HTML_ONLY: [&str; 4] = ["html", "h1", "h2", "center"];

/// Whether a well-formed document with this root is an HTML page or a piece of one.
pub(super) fn is_html_root(name: &str) -> bool {
    HTML_ONLY.iter().any(|html| name.eq_ignore_ascii_case(html))
}

/// Whether an element of this name begins an HTML page.
fn is_html(name: &str) -> bool {
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

/// Whether a body begins an HTML page.
pub(super) fn begins_html(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&body[..body.len().min(PROLOG_BYTES)]);
    root_name(&start).is_some_and(is_html)
}
