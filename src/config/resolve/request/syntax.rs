//! How values are escaped in a body that is written out.

use http::header::CONTENT_TYPE;

use crate::config::upstream as written;
use crate::plan::request::{BodySyntax, Text};
use crate::plan::{Placeholder, TextPart};
use crate::problem::Problem;

use crate::config::resolve::block::Block;

/// How values are escaped in the body `text` of a request, by its `Content-Type`, and without one by
/// how it begins. Where that is not known, no value of an upstream or a caller may stand in it.
pub(super) fn syntax(
    request: &written::Request,
    text: &Text,
    block: &mut Block<'_>,
) -> Option<BodySyntax> {
    let is_free = |part: &TextPart| {
        matches!(
            part,
            TextPart::Placeholder(Placeholder::Cursor | Placeholder::Filter(_))
        )
    };
    let media_type = request.headers.iter().find_map(|(name, value)| {
        let is_type = name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
        is_type.then_some(value)
    });
    let known = match media_type {
        Some(written::Text::Literal(media_type)) => by_media_type(media_type),
        Some(written::Text::Secret(_)) => None,
        None => by_start(text),
    };
    let is_whole = text.0.len() == 1;
    if let Some(syntax) = known.or(is_whole.then_some(BodySyntax::Text)) {
        return Some(syntax);
    }
    if !text.0.iter().any(is_free) {
        return Some(BodySyntax::Text);
    }
    let help = "set the header `content-type` to JSON, XML, a form \
                (`application/x-www-form-urlencoded`) or `text/plain`, which has no escapes; or write \
                `json` or `form` instead of `body`";
    let problem = "it is not known how a value is escaped in this body";
    block.push(Problem::new(block.path("body"), problem).with_help(help));
    None
}

fn by_media_type(media_type: &str) -> Option<BodySyntax> {
    let (essence, _) = media_type.split_once(';').unwrap_or((media_type, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let (_, subtype) = essence.split_once('/')?;
    let is_of = |syntax: &str| subtype == syntax || subtype.ends_with(&format!("+{syntax}"));
    if is_of("json") || matches!(subtype, "x-json" | "x-ndjson" | "ndjson" | "javascript") {
        return Some(BodySyntax::Json);
    }
    if is_of("xml") {
        return Some(BodySyntax::Xml);
    }
    match essence.as_str() {
        "application/x-www-form-urlencoded" => Some(BodySyntax::Form),
        "text/plain" => Some(BodySyntax::Text),
        _ => None,
    }
}

fn by_start(text: &Text) -> Option<BodySyntax> {
    let Some(TextPart::Literal(start)) = text.0.first() else {
        return None;
    };
    match start.trim_start().chars().next()? {
        '{' | '[' | '"' => Some(BodySyntax::Json),
        '<' => Some(BodySyntax::Xml),
        _ => None,
    }
}
