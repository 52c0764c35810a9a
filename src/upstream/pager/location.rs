//! Reads locations of a response: a text, a number, a flag.

use super::context::PageContext;
use super::error::PagerError;
use crate::page::format::excerpt;
use crate::plan::Location;

/// How much of an invalid value a message shows: it may be a whole text.
const VALUE_CHARS: usize = 40;

/// A location, as messages name it.
pub(super) fn name(location: &Location) -> String {
    match location {
        Location::Body(path) => path.to_string(),
        Location::Header { header } => header.clone(),
    }
}

/// The text at a location; absent, null and empty are the same.
pub(super) fn text(location: &Location, context: PageContext<'_>) -> Option<String> {
    let text = match location {
        Location::Body(path) => context.page.find(path)?.text()?.into_owned(),
        Location::Header { header } => context.headers.get(header)?.to_str().ok()?.to_owned(),
    };
    (!text.is_empty()).then_some(text)
}

/// The number at a location. It may be a string.
pub(super) fn number(
    location: &Location,
    context: PageContext<'_>,
) -> Result<Option<u64>, PagerError> {
    text(location, context)
        .map(|text| {
            text.trim().parse().map_err(|_| PagerError::NotANumber {
                name: name(location),
                value: excerpt(&text, VALUE_CHARS),
            })
        })
        .transpose()
}

/// The boolean at a location.
pub(super) fn flag(
    location: &Location,
    context: PageContext<'_>,
) -> Result<Option<bool>, PagerError> {
    let Some(text) = text(location, context) else {
        return Ok(None);
    };
    match text.trim() {
        "true" | "1" => Ok(Some(true)),
        "false" | "0" => Ok(Some(false)),
        _ => Err(PagerError::NotAFlag {
            name: name(location),
            value: excerpt(&text, VALUE_CHARS),
        }),
    }
}
