//! Pages for people, of a login or a proxy, where the list belongs.

use super::error::FormatError;
use super::page::Page;

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
fn is_html_root(name: &str) -> bool {
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

impl Page {
    /// What a document is that has the root of an HTML page in place of the expected one.
    pub(super) fn html(&self) -> Option<FormatError> {
        let root = *self.root().names().first()?;
        is_html_root(root).then(|| FormatError::Unreadable {
            expected: "XML",
            looks: AN_HTML_PAGE.to_owned(),
            problem: format!("its root is `{root}`"),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::page::tests::{path, xml};
    use crate::plan::AbsentRecords;

    #[rstest]
    #[case::a_page("<html><head><title>Sign in</title></head><body/></html>")]
    #[case::xhtml(
        "<?xml version='1.0'?><!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'><body/></html>"
    )]
    #[case::a_piece_of_one("<h1>502 Bad Gateway</h1>")]
    fn a_well_formed_html_page_is_no_xml_without_the_list(#[case] body: &str) {
        for absent in [AbsentRecords::Error, AbsentRecords::Empty] {
            let page = xml(body);
            for records in ["/groups", "/groups/group", "/r/groups/group"] {
                let error = page.records(&path(records), absent).unwrap_err();
                let expected = "expected XML, but the body looks like an HTML page: its root is `";
                assert!(error.to_string().starts_with(expected), "{error}");
            }
        }
    }

    #[rstest]
    #[case::link("<link><id>1</id></link>")]
    #[case::form("<form><field><id>1</id></field></form>")]
    fn an_xml_root_with_the_name_of_an_html_element_is_no_html_page(#[case] body: &str) {
        let page = xml(body);
        let error = page.records(&path("/groups/group"), AbsentRecords::Error);
        let error = error.unwrap_err().to_string();
        assert!(!error.contains("HTML"), "{error}");
    }

    #[test]
    fn an_html_page_can_be_the_list() {
        let page = xml("<html><body><p><id>1</id></p><p><id>2</id></p></body></html>");
        let records = page.records(&path("/html/body/p"), AbsentRecords::Error);
        assert_eq!(records.unwrap().len(), 2);
    }
}
