//! The encoding that a document declares.

use std::borrow::Cow;

use encoding_rs::Encoding;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};
use crate::page::format::text;

/// How far into a document its declaration may reach.
const DECLARATION_BYTES: usize = 1024;

/// The text of a document, or why it has none. `charset` is the encoding that its head names.
pub(super) fn read<'a>(body: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, String> {
    let label = declared(body);
    let encoding = label.as_deref().map(known).transpose()?;
    text::of(body, charset, encoding).map_err(|error| match label {
        Some(label) => format!("it declares the encoding `{}`, but {error}", shown(&label)),
        None => error.to_string(),
    })
}

/// The encoding that a document declares, if that can be read before its encoding is known.
fn declared(body: &[u8]) -> Option<String> {
    let start = &body[..body.len().min(DECLARATION_BYTES)];
    let start = String::from_utf8_lossy(text::without_bom(start));
    match Reader::from_str(&start).read_event() {
        Ok(Event::Decl(declaration)) => Some(declaration.encoding()?.ok()?.into_owned()),
        _ => None,
    }
}

fn known(label: &str) -> Result<&'static Encoding, String> {
    text::encoding(label).ok_or_else(|| {
        format!(
            "the encoding `{}` is not known: UTF-8, UTF-16 and those of browsers are",
            shown(label)
        )
    })
}

fn shown(label: &str) -> String {
    excerpt(label, GLIMPSE_CHARS)
}
