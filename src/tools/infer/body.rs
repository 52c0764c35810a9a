//! A sample's body, read without being told what it is written in.

use http::StatusCode;

use crate::page::format::{FormatError, Page};
use crate::plan::Format;

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
    /// Reads a body, or says why it is no page.
    pub(super) fn read(status: StatusCode, body: &[u8]) -> Result<Self, String> {
        if !status.is_success() {
            return Err(format!("its status is {status}: an error, not a page"));
        }
        let unmarked = body.strip_prefix(b"\xef\xbb\xbf");
        let text = unmarked.unwrap_or(body).trim_ascii_start();
        let format = if text.starts_with(b"<") {
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
            (Ok(page), _) => Ok(read(None, page)),
            (Err(error), Format::Xml) => Err(refusal(&error)),
            (Err(error), Format::Json) => {
                let (prefix, page) = after_prefix(text).ok_or_else(|| refusal(&error))?;
                Ok(read(Some(prefix), page))
            }
        }
    }

    pub(super) const fn root(&self) -> SampleValue<'_> {
        SampleValue::root(&self.page, self.format)
    }
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
    fn a_byte_order_mark_is_seen() {
        assert!(read("\u{feff}{}").is_marked && !read("{}").is_marked);
    }

    #[rstest]
    #[case::html(200, "<!DOCTYPE html><html><p>Sign in</html>", "HTML")]
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
