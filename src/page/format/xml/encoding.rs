//! The encoding that a document declares.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};
use crate::page::format::text;

/// How far into a document its declaration may reach.
const DECLARATION_BYTES: usize = 1024;

/// The text of a document, or why it has none. `charset` is the encoding that its head names.
pub(super) fn read<'a>(body: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, String> {
    let label = declared(body);
    let encoding = label.as_deref().and_then(text::encoding);
    let unknown = label.as_deref().filter(|_| encoding.is_none());
    // It means other letters by ASCII.
    if let Some(label) = unknown.filter(|label| label.eq_ignore_ascii_case("utf-7")) {
        return Err(not_known(label));
    }
    text::of(body, charset, encoding).map_err(|error| match &label {
        Some(label) if encoding.is_none() => not_known(label),
        Some(label) => format!("it declares the encoding `{}`, but {error}", shown(label)),
        None => error.to_string(),
    })
}

/// The encoding that a document declares, if that can be read before its encoding is known.
fn declared(body: &[u8]) -> Option<String> {
    // Some servers put empty lines before it.
    let start = text::without_bom(body).trim_ascii_start();
    let start = &start[..start.len().min(DECLARATION_BYTES)];
    let start = String::from_utf8_lossy(start);
    match Reader::from_str(&start).read_event() {
        Ok(Event::Decl(declaration)) => Some(declaration.encoding()?.ok()?.into_owned()),
        _ => None,
    }
}

fn not_known(label: &str) -> String {
    format!(
        "the encoding `{}` is not known: UTF-8, UTF-16 and those of browsers are",
        shown(label)
    )
}

fn shown(label: &str) -> String {
    excerpt(label, GLIMPSE_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_before_a_declaration_does_not_hide_it() {
        let body = b"\n \n<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
        assert!(read(body, None).unwrap().ends_with("<a>\u{e9}</a>"));
    }

    #[test]
    fn an_unknown_encoding_matters_only_where_the_text_is_not_utf_8() {
        let ascii = b"<?xml version='1.0' encoding='x-own'?><a>e</a>";
        assert!(read(ascii, None).unwrap().ends_with("<a>e</a>"));
        let other = b"<?xml version='1.0' encoding='x-own'?><a>\xe9</a>";
        let error = read(other, None).unwrap_err();
        let expected = "the encoding `x-own` is not known";
        assert!(error.starts_with(expected), "{error}");
    }
}
