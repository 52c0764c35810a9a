//! Faults of how a list is written: right, and in a form that is seldom seen.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response};
use serde_json::json;

use super::body::{Body, whole};
use super::content::ListResponse;
use crate::tools::demo::fault_values::{GzipForm, XmlEncoding};
use crate::tools::demo::message::Answer;

/// What stands in a list for one half of a surrogate pair, which no text can hold.
const PLACEHOLDER: &str = "\u{e000}";
/// The first half of a pair, as JSON escapes it.
const HALF: &str = "\\ud83c";

/// The answer, compressed.
pub(super) fn gzip(mut answer: Answer, form: GzipForm) -> io::Result<Response<Body>> {
    let (name, members) = match form {
        GzipForm::UpperCase => ("GZIP", 1),
        GzipForm::XGzip => ("x-gzip", 1),
        GzipForm::Members => ("gzip", 2),
    };
    let headers = answer.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    headers.remove(CONTENT_LENGTH);
    let mut packed = Vec::new();
    let size = answer.body().len().div_ceil(members).max(1);
    for part in answer.body().chunks(size) {
        let mut member = GzEncoder::new(packed, Compression::fast());
        member.write_all(part)?;
        packed = member.finish()?;
    }
    Ok(whole(answer.map(|_| packed.into())))
}

/// The answer in another encoding, if it is XML.
pub(super) fn in_encoding(mut answer: Answer, encoding: XmlEncoding) -> Response<Body> {
    let text = std::str::from_utf8(answer.body()).unwrap_or_default();
    if !text.starts_with('<') || text.starts_with("<!") {
        return whole(answer);
    }
    let name: &str = encoding.into();
    let text = format!("<?xml version=\"1.0\" encoding=\"{name}\"?>{text}");
    let body: Bytes = match encoding {
        XmlEncoding::Latin1 => text.chars().flat_map(latin_1).collect(),
        XmlEncoding::Utf16 => std::iter::once(0xfeff)
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect(),
    };
    // Many servers say nothing of it in the head.
    let media_type = HeaderValue::from_static("application/xml");
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    whole(answer.map(|_| body))
}

/// A character, or a reference to one that the encoding lacks.
fn latin_1(character: char) -> Vec<u8> {
    match u8::try_from(u32::from(character)) {
        Ok(byte) => vec![byte],
        Err(_) => format!("&#{};", u32::from(character)).into_bytes(),
    }
}

/// The list with one half of a surrogate pair in the first group's description. XML has none.
pub(super) fn lone_surrogate(list: &mut ListResponse<'_>) {
    if let Some(record) = list.records().next() {
        record["description"] = json!(PLACEHOLDER);
    }
    list.finish = Box::new(|answer| {
        answer.map(|body| match std::str::from_utf8(&body) {
            Ok(text) if !text.starts_with('<') => text.replace(PLACEHOLDER, HALF).into(),
            _ => body,
        })
    });
}
