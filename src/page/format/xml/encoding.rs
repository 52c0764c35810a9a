//! The encoding that a document declares: only UTF-8 is read.

use quick_xml::events::{BytesDecl, Event};
use quick_xml::{Error, Reader};

use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};
use crate::page::format::text::{self, NotUtf8};

use super::flaw::Flaw;

/// Why bytes are not UTF-8: the readable part may declare another encoding.
pub(super) fn not_utf8(readable: &[u8], error: &NotUtf8) -> String {
    let declared =
        text::of(readable)
            .ok()
            .and_then(|text| match Reader::from_str(text).read_event() {
                Ok(Event::Decl(declaration)) => other_encoding(&declaration).ok().flatten(),
                _ => None,
            });
    match declared {
        Some(problem) => format!("{problem}: {error}"),
        None => error.to_string(),
    }
}

pub(super) fn check_encoding(declaration: &BytesDecl<'_>) -> Result<(), Flaw> {
    match other_encoding(declaration)? {
        Some(problem) => Err(Flaw::new(format!("{problem},"))),
        None => Ok(()),
    }
}

/// The problem with a declared encoding, if it is not supported.
fn other_encoding(declaration: &BytesDecl<'_>) -> Result<Option<String>, Flaw> {
    let Some(encoding) = declaration.encoding() else {
        return Ok(None);
    };
    let encoding = encoding.map_err(Error::from)?;
    let readable = ["utf-8", "utf8", "us-ascii"];
    if readable
        .iter()
        .any(|name| encoding.eq_ignore_ascii_case(name))
    {
        return Ok(None);
    }
    Ok(Some(format!(
        "the encoding `{}`, where only UTF-8 is read",
        excerpt(&encoding, GLIMPSE_CHARS)
    )))
}
