//! What an adapter may have meant where it names a list or an object in place of a scalar.

use super::found::{Found, VALUE_CHARS, flag_in, found};
use crate::page::format::{Node, excerpt};

/// How deep below a value that is no scalar a likely one is searched for.
pub(super) const HINT_DEPTH: usize = 3;

/// What the members of an object are called that are positions, the likeliest first.
pub(super) const POSITIONS: [&str; 8] = [
    "href", "url", "uri", "cursor", "token", "next", "value", "id",
];

/// What the members of an object are called that are totals, the likeliest first.
pub(super) const TOTALS: [&str; 4] = ["value", "total", "count", "records"];

/// The path of the likeliest scalar below a value, by what its members are called.
pub(super) fn likely(
    node: Node<'_>,
    path: &str,
    names: &[&str],
    depth: usize,
    fits: impl Fn(&str) -> bool + Copy,
) -> Option<String> {
    if depth == 0 {
        return None;
    }
    let mut members: Vec<(&str, Node<'_>)> = match node.names() {
        // Of a list only the first item.
        names if names.is_empty() => vec![("0", node.first().items().next()?)],
        names => (names.into_iter())
            .filter_map(|name| Some((name, node.member(name)?)))
            .collect(),
    };
    let rank = |name: &str| names.iter().position(|one| name.eq_ignore_ascii_case(one));
    members.sort_by_key(|(name, _)| rank(name).unwrap_or(names.len()));
    let at = |name: &str| below(path, &[name.to_owned()]);
    let scalar = members.iter().find(|(_, member)| {
        let text = flag_in(*member);
        !matches!(found(*member), Some(Found::Structure(_))) && text.is_some_and(|text| fits(&text))
    });
    match scalar {
        Some((name, _)) => Some(at(name)),
        None => (members.iter())
            .find_map(|(name, member)| likely(*member, &at(name), names, depth - 1, fits)),
    }
}

/// A path and segments below it, escaped (RFC 6901, section 3).
pub(crate) fn below(path: &str, segments: &[String]) -> String {
    let mut below = path.trim_end_matches('/').to_owned();
    for segment in segments {
        below.push('/');
        below.push_str(&excerpt(
            &segment.replace('~', "~0").replace('/', "~1"),
            VALUE_CHARS,
        ));
    }
    if below.is_empty() {
        below.push('/');
    }
    below
}
