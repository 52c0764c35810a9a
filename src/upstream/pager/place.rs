//! What stands at a place of an answer, read as what a pager needs: a text, a number, a flag.

use super::{Look, PagerError};
use crate::config::upstream::Location;
use crate::page::format::excerpt;

/// How much a message shows of what is no number: an upstream may put a whole text there.
const VALUE_CHARS: usize = 40;

/// A place as a message names it.
pub(super) fn name(location: &Location) -> String {
    match location {
        Location::Body(path) => path.to_string(),
        Location::Header { header } => header.clone(),
    }
}

/// The text at a location; absent, null and empty are the same to a walk.
pub(super) fn text(location: &Location, look: Look<'_>) -> Option<String> {
    let text = match location {
        Location::Body(path) => look.page.find(path)?.text()?.into_owned(),
        Location::Header { header } => look.headers.get(header)?.to_str().ok()?.to_owned(),
    };
    (!text.is_empty()).then_some(text)
}

/// The number at a location, which may be written as text.
pub(super) fn number(location: &Location, look: Look<'_>) -> Result<Option<u64>, PagerError> {
    text(location, look)
        .map(|text| {
            text.trim().parse().map_err(|_| PagerError::NotANumber {
                name: name(location),
                value: excerpt(&text, VALUE_CHARS),
            })
        })
        .transpose()
}

/// The truth value at a location.
pub(super) fn flag(location: &Location, look: Look<'_>) -> Result<Option<bool>, PagerError> {
    let Some(text) = text(location, look) else {
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
