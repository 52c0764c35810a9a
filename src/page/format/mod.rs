//! Decodes bytes into a [`Page`], the common representation of JSON and XML.
//!
//! ```text
//! body ▸ json | xml ▸ Page ▸ find (the value at a path), records (the list of groups)
//! ```
//!
//! Nothing after this folder knows the format of an upstream. Decoding is pure and bounded: nesting
//! is limited, an upstream cannot define entities, and memory stays in proportion to the largest
//! body that the transport accepts.

mod csv;

mod json;
mod text;
pub(crate) use text::{charset, without_prefix};
mod xml;
pub(crate) use xml::TEXT;

mod html;
mod html_start;

mod embedded;

mod tape;

mod excerpt;
pub(crate) use excerpt::{excerpt, names};

mod limits;
pub use limits::Bounds;
pub(crate) use limits::PageWeight;

mod error;
pub use error::FormatError;

pub mod member_name;
pub(crate) use member_name::MemberName;
mod node;
pub use node::Node;

pub mod page;
pub use page::Page;

pub mod parents;
pub use parents::Parents;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use bytesize::ByteSize;

    use super::excerpt::looks;
    use super::*;
    use crate::error::{ErrorKind, UpstreamError};
    use crate::plan::{AbsentRecords, Format};

    fn message(format: Format, body: &[u8]) -> String {
        Page::decode(format, body).unwrap_err().to_string()
    }

    #[rstest]
    #[case::html(b"\n<!DOCTYPE html><html>", "looks like an HTML page")]
    #[case::html_without_doctype(b"<HTML lang='en'>", "looks like an HTML page")]
    #[case::html_behind_a_comment(b"<!-- proxy -->\n<html>", "looks like an HTML page")]
    #[case::xhtml(
        b"<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC ''>",
        "looks like an HTML page"
    )]
    #[case::a_piece_of_html(b"<h1>502 Bad Gateway</h1>", "looks like an HTML page")]
    #[case::a_comment_without_an_end(b"<!-- proxy <html>", "begins with `<!-- proxy <\u{2026}`")]
    #[case::xml(b"<error>", "begins with `<error>`")]
    #[case::secret(b"token=abcdefghijklmnop", "begins with `token=abcdef…`")]
    #[case::bytes(b"\xff\x00\x01", "begins with `\u{fffd}  `")]
    fn a_message_says_what_the_body_looks_like(#[case] body: &[u8], #[case] expected: &str) {
        assert_eq!(looks(body).as_deref(), Some(expected));
    }

    #[test]
    fn a_body_of_white_space_looks_like_nothing() {
        assert_eq!((looks(b""), looks(b" \n\t")), (None, None));
    }

    #[rstest]
    #[case::there(")]}'\n{}", "\n{}")]
    #[case::behind_white_space(" \n)]}'{}", "{}")]
    #[case::behind_a_byte_order_mark("\u{feff})]}'{}", "{}")]
    #[case::twice(")]}')]}'{}", ")]}'{}")]
    #[case::not_there("{\"a\": \")]}'\"}", "{\"a\": \")]}'\"}")]
    #[case::half(")]", ")]")]
    fn a_prefix_is_stripped_once_where_it_is(#[case] body: &str, #[case] expected: &str) {
        let left = without_prefix(body.as_bytes(), ")]}'");
        assert_eq!(str::from_utf8(left), Ok(expected));
    }

    #[test]
    fn a_message_names_the_expected_format_and_the_place() {
        insta::assert_snapshot!(
            [
                message(Format::Json, b"<html><body>Bad gateway</body></html>"),
                message(Format::Json, b"{\"groups\": [\n  {\"id\": 1,}\n]}"),
                message(Format::Json, b"{\"groups\": ["),
                message(Format::Json, b"{\"name\": \"\xff\"}"),
                message(Format::Xml, b"{\"error\": true}"),
                message(Format::Xml, b"<groups>\n  <group><id>3</group>\n</groups>"),
                message(Format::Xml, b"<groups>\n  <group>\xff</group>\n</groups>"),
                message(Format::Xml, b"<groups>"),
                message(Format::Xml, b"<!-- nothing -->"),
                message(Format::Xml, b"<a/><b/>"),
                message(Format::Xml, b"<a/> tail"),
                message(Format::Xml, b"<a>&nbsp;</a>"),
                message(Format::Xml, b"<a b='&nbsp;'/>"),
                message(
                    Format::Xml,
                    b"<?xml version='1.0' encoding='UTF-7'?><a>\xe9</a>"
                ),
                message(
                    Format::Xml,
                    b"<?xml version='1.0' encoding='Shift_JIS'?><a>\xfd</a>"
                ),
                message(
                    Format::Xml,
                    b"<!DOCTYPE a [<!ENTITY lol 'lol'>]><a>&lol;</a>"
                ),
                message(Format::Xml, b"\xff\xfe<\0a\0>\0"),
            ]
            .join("\n")
        );
    }

    #[rstest]
    #[case::numbers(Format::Json, "0,", "[", "0]")]
    #[case::objects(Format::Json, r#"{"a":0},"#, "[", "0]")]
    #[case::elements(Format::Xml, "<b/>", "<a>", "</a>")]
    #[case::lists_of_one_element(Format::Xml, "<b><c/></b>", "<a>", "</a>")]
    #[case::attributes(Format::Xml, "<b c=''/>", "<a>", "</a>")]
    fn a_small_body_that_becomes_a_huge_page_is_refused(
        #[case] format: Format,
        #[case] item: &str,
        #[case] start: &str,
        #[case] end: &str,
    ) {
        let bounds = Bounds {
            room: ByteSize::kib(256),
            ..Bounds::default()
        };
        let body = |bytes: usize| {
            let items = item.repeat(bytes / item.len());
            format!("{start}{items}{end}")
        };
        assert!(Page::decode_within(format, body(1 << 10).as_bytes(), None, bounds).is_ok());
        let error =
            Page::decode_within(format, body(1 << 16).as_bytes(), None, bounds).unwrap_err();
        let message = error.to_string();
        let expected = "the decoded body takes more than 256.0 KiB of memory, 16 times \
                        `limits.page_bytes`, at line 1 column ";
        assert!(message.starts_with(expected), "{message}");
        assert_eq!(UpstreamError::from(error).kind, ErrorKind::LimitExceeded);
    }

    #[test]
    fn an_unreadable_body_is_a_decode_error_and_a_missing_container_a_mapping_error() {
        let unreadable = Page::decode(Format::Json, b"").unwrap_err();
        assert_eq!(UpstreamError::from(unreadable).kind, ErrorKind::Decode);
        let page = Page::decode(Format::Json, b"{}").unwrap();
        let missing = page
            .records(&"/groups".parse().unwrap(), AbsentRecords::Error)
            .unwrap_err();
        assert_eq!(UpstreamError::from(missing).kind, ErrorKind::Mapping);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoders_panic(body: Vec<u8>) {
            for format in [Format::Json, Format::Xml] {
                if let Err(error) = Page::decode(format, &body) {
                    proptest::prop_assert!(error.to_string().len() < 1024);
                }
            }
        }

        #[test]
        fn no_almost_xml_makes_the_decoder_panic(body in "[<>/!?&;#xa\\[\\]CDAT\"'= \n:-]{0,80}") {
            if let Err(error) = Page::decode(Format::Xml, body.as_bytes()) {
                proptest::prop_assert!(error.to_string().len() < 1024);
            }
        }
    }
}
