//! A sample's body, read without being told what it is written in.

use http::StatusCode;

use crate::page::format::{FormatError, Page};
use crate::plan::{AbsentRecords, Format, Path};

use super::part::SampleValue;

/// A body that was read.
#[derive(Debug)]
pub(super) struct SampleBody {
    pub(super) format: Format,
    /// The prefix of the JSON, which keeps it from being run as a script.
    pub(super) prefix: Option<String>,
    /// Whether it begins with a byte order mark.
    pub(super) is_marked: bool,
    pub(super) page: Page,
}

/// How far into a body a prefix may reach.
const PREFIX_BYTES: usize = 64;

impl SampleBody {
    /// The records at a path; none where there is no such list.
    pub(super) fn records(&self, path: &Path, absent: AbsentRecords) -> Vec<SampleValue<'_>> {
        let nodes = self.page.records(path, absent).unwrap_or_default();
        let value = |node| SampleValue::of(node, self.format);
        nodes.into_iter().map(value).collect()
    }

    /// Reads a body, or says why it is no page.
    pub(super) fn read(status: StatusCode, body: &[u8]) -> Result<Self, String> {
        if !status.is_success() {
            return Err(format!("its status is {status}: an error, not a page"));
        }
        let unmarked = body.strip_prefix(b"\xef\xbb\xbf");
        let text = unmarked.unwrap_or(body).trim_ascii_start();
        let format = if begins_as_xml(body) {
            Format::Xml
        } else {
            Format::Json
        };
        let read = |prefix, page| Self {
            format,
            prefix,
            is_marked: unmarked.is_some(),
            page,
        };
        match (Page::decode(format, body), format) {
            (Ok(page), Format::Xml) if is_html(&page) => {
                Err("it looks like an HTML page".to_owned())
            }
            (Ok(page), _) => Ok(read(None, page)),
            (Err(error), Format::Xml) => Err(refusal(&error)),
            (Err(error), _) => {
                let (prefix, page) = after_prefix(text).ok_or_else(|| refusal(&error))?;
                Ok(read(Some(prefix), page))
            }
        }
    }

    pub(super) const fn root(&self) -> SampleValue<'_> {
        SampleValue::root(&self.page, self.format)
    }
}

/// Whether a body begins with `<`, in whatever encoding: behind byte order marks, white space and the
/// zero bytes of UTF-16.
fn begins_as_xml(body: &[u8]) -> bool {
    let is_before = |byte: &u8| {
        matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff) || byte.is_ascii_whitespace()
    };
    body.iter().find(|byte| !is_before(byte)) == Some(&b'<')
}

/// Whether a document is a web page. One that is well-formed can be read as XML, but lists no groups.
fn is_html(page: &Page) -> bool {
    let names = page.root().names();
    names.iter().any(|name| name.eq_ignore_ascii_case("html"))
}

fn refusal(error: &FormatError) -> String {
    format!("it is neither valid JSON nor valid XML ({error})")
}

/// JSON behind a prefix such as `)]}'`: what comes before the first brace or bracket, when all that
/// follows is one document.
fn after_prefix(text: &[u8]) -> Option<(String, Page)> {
    let head = &text[..text.len().min(PREFIX_BYTES)];
    let start = head.iter().position(|byte| matches!(byte, b'{' | b'['))?;
    let prefix = str::from_utf8(&text[..start]).ok()?.trim_end();
    // A word before it would be another document, or a script.
    let ends_oddly = !prefix.ends_with(|last: char| last.is_alphanumeric() || last == '(');
    let is_plain = !prefix.is_empty() && ends_oddly && !prefix.contains(char::is_control);
    let page = Page::decode(Format::Json, &text[start..]).ok()?;
    is_plain.then(|| (prefix.to_owned(), page))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(body: &str) -> SampleBody {
        SampleBody::read(StatusCode::OK, body.as_bytes()).unwrap()
    }

    #[rstest]
    #[case::json("[1]", Format::Json, None)]
    #[case::xml(" <a/>", Format::Xml, None)]
    #[case::prefix(")]}'\n[1]", Format::Json, Some(")]}'"))]
    #[case::loop_prefix("for(;;);{}", Format::Json, Some("for(;;);"))]
    fn a_body_says_what_it_is(
        #[case] text: &str,
        #[case] format: Format,
        #[case] prefix: Option<&str>,
    ) {
        let body = read(text);
        assert_eq!((body.format, body.prefix.as_deref()), (format, prefix));
    }

    #[test]
    fn xml_in_utf_16_is_seen_as_xml() {
        for mark in ["\u{feff}", ""] {
            let text = format!("{mark}<a>\u{e9}</a>");
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            for body in [little, big] {
                let read = SampleBody::read(StatusCode::OK, &body).unwrap();
                assert_eq!(read.format, Format::Xml, "{body:?}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_seen() {
        assert!(read("\u{feff}{}").is_marked && !read("{}").is_marked);
    }

    #[rstest]
    #[case::html(200, "<!DOCTYPE html><html><p>Sign in</html>", "HTML")]
    #[case::well_formed_html(200, "<!DOCTYPE html><html><p>Sign in</p></html>", "HTML")]
    #[case::html_without_doctype(200, "<HTML><body>Sign in</body></HTML>", "HTML")]
    #[case::html_behind_a_comment(200, "<!-- x --><html><body/></html>", "HTML")]
    #[case::xhtml(
        200,
        "<?xml version='1.0'?><!DOCTYPE html PUBLIC 'a' 'b'><html xmlns='http://www.w3.org/1999/xhtml'/>",
        "HTML"
    )]
    #[case::nothing(200, "", "is empty")]
    #[case::words(200, "service unavailable", "service unav")]
    #[case::word(200, "result {}", "result {}")]
    #[case::cut(200, "{\"groups\": [", "EOF")]
    #[case::error(503, "[]", "503")]
    fn what_is_no_page_is_refused_with_the_reason(
        #[case] status: u16,
        #[case] body: &str,
        #[case] reason: &str,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let refused = SampleBody::read(status, body.as_bytes()).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}
