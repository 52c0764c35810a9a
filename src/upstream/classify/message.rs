//! The message of an error response, for logs and `probe`.

use crate::plan::Path;

use super::context::ResponseContext;

/// The longest upstream message in a log line.
const MESSAGE_BYTES: usize = 200;

/// The text at the first path that has one. A boolean is not a text: `error` may be either.
pub(super) fn first(paths: &[Path], context: &ResponseContext<'_>) -> Option<String> {
    paths.iter().find_map(|path| {
        let node = context
            .page
            .find(path)
            .filter(|node| node.boolean().is_none())?;
        let text = node.text()?;
        let text = text.trim();
        (!text.is_empty()).then(|| shorten(text).to_owned())
    })
}

/// The status of an error, and its message.
pub(super) fn detail(context: &ResponseContext<'_>, said: Option<String>) -> String {
    let status = context.status.as_u16();
    match said {
        Some(said) => format!("status {status}: {said}"),
        None => format!("status {status}"),
    }
}

pub(super) fn shorten(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_BYTES)]
}
