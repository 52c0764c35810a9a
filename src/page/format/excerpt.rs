//! What messages show of a body: a few characters, and what it looks like.

use super::html_start::{AN_HTML_PAGE, begins_html};
use super::text;

/// How much of a body a message may show.
pub(super) const GLIMPSE_CHARS: usize = 12;

/// What a body looks like at first sight; nothing if it is empty.
pub(super) fn looks(body: &[u8]) -> Option<String> {
    let start = text::without_bom(body).trim_ascii_start();
    if start.is_empty() {
        return None;
    }
    if begins_html(start) {
        return Some(AN_HTML_PAGE.to_owned());
    }
    let start = String::from_utf8_lossy(&start[..start.len().min(4 * GLIMPSE_CHARS)]);
    Some(format!("begins with `{}`", excerpt(&start, GLIMPSE_CHARS)))
}

/// The first characters of a text, printable, with a mark where more were left out.
pub(crate) fn excerpt(text: &str, length: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(length)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if text.chars().nth(length).is_some() {
        shown.push('…');
    }
    shown
}

/// How many names a message lists, and how much of each: an object may be keyed by data.
const NAMES_SHOWN: usize = 8;
const NAME_CHARS: usize = 32;

/// What an object has, by the names of its members.
pub(crate) fn names(members: &[&str]) -> String {
    let shown: Vec<_> = members
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| format!("`{}`", excerpt(name, NAME_CHARS)))
        .collect();
    let shown = shown.join(", ");
    match members.len().saturating_sub(NAMES_SHOWN) {
        0 => format!("has {shown}"),
        more => format!("has {shown} and {more} more"),
    }
}
