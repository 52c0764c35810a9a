//! What a failed answer says of itself, for logs and `probe`.

use crate::config::Path;

use super::law::{Case, Law};

/// The longest message of an upstream that goes into a log line.
const MESSAGE_BYTES: usize = 200;

/// The first of several places that holds a text. A truth value is none: `error` may be either.
pub(super) fn first(paths: &[Path], case: &Case<'_>) -> Option<String> {
    paths.iter().find_map(|path| {
        let node = case
            .page
            .find(path)
            .filter(|node| !node.value().is_boolean())?;
        let text = node.text()?;
        let text = text.trim();
        (!text.is_empty()).then(|| shorten(text).to_owned())
    })
}

/// What stands where the adapter says that failures say why.
pub(super) fn declared(case: &Case<'_>, law: &Law) -> Option<String> {
    first(&law.message, case).or_else(|| {
        let message = law.success.as_ref()?.message.as_ref()?;
        first(message.as_slice(), case)
    })
}

/// The status of a failure, and what it says.
pub(super) fn detail(case: &Case<'_>, said: Option<String>) -> String {
    let status = case.status.as_u16();
    match said {
        Some(said) => format!("status {status}: {said}"),
        None => format!("status {status}"),
    }
}

pub(super) fn shorten(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_BYTES)]
}
