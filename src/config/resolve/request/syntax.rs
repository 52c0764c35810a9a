//! How values are escaped in a body that is written out.

use http::header::CONTENT_TYPE;

use crate::config::upstream as written;
use crate::plan::TextPart;
use crate::plan::request::{BodySyntax, Text};

/// How values are escaped in the body `text` of a request, by its `Content-Type`, and without one by
/// how it begins. In text of any other kind they stand as they are.
pub(super) fn syntax(request: &written::Request, text: &Text) -> BodySyntax {
    let media_type = request.headers.iter().find_map(|(name, value)| {
        let is_type = name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
        is_type.then_some(value)
    });
    match media_type {
        Some(written::Text::Literal(media_type)) => by_media_type(media_type),
        Some(written::Text::Secret(_)) => BodySyntax::Text,
        None => by_start(text),
    }
}

fn by_media_type(media_type: &str) -> BodySyntax {
    let (essence, _) = media_type.split_once(';').unwrap_or((media_type, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let (_, subtype) = essence.split_once('/').unwrap_or_default();
    let is_of = |syntax: &str| subtype == syntax || subtype.ends_with(&format!("+{syntax}"));
    if is_of("json") || matches!(subtype, "x-json" | "x-ndjson" | "ndjson" | "javascript") {
        BodySyntax::Json
    } else if is_of("xml") {
        BodySyntax::Xml
    } else if subtype == "x-www-form-urlencoded" {
        BodySyntax::Form
    } else {
        BodySyntax::Text
    }
}

fn by_start(text: &Text) -> BodySyntax {
    let Some(TextPart::Literal(start)) = text.0.first() else {
        return BodySyntax::Text;
    };
    match start.trim_start().chars().next() {
        Some('{' | '[' | '"') => BodySyntax::Json,
        Some('<') => BodySyntax::Xml,
        Some(_) | None => BodySyntax::Text,
    }
}
