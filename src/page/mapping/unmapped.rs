//! The parts of a record that no field maps, written as JSON.

use crate::page::format::{MemberName, Node, TEXT};
use crate::plan::People;

/// The path of a list of people, and who they are if it holds more than them.
pub(super) type MappedList<'a> = (&'a [String], Option<&'a People>);

/// Writes members of a record or of another object without the parts at `mapped` and the people of `lists`, and says
/// whether anything was left. Where nothing is left, nothing is written.
pub(super) fn unmapped<'a>(
    members: impl Iterator<Item = (MemberName<'a>, Node<'a>)>,
    mapped: &[&[String]],
    lists: &[MappedList<'_>],
    out: &mut String,
) -> bool {
    if !mapped.iter().any(|path| path.is_empty()) {
        return remaining(members, mapped, lists, out);
    }
    // The text of an XML element is the member that stands for it.
    let text = [TEXT.to_owned()];
    let mapped = mapped.iter();
    let mapped: Vec<_> = mapped
        .map(|path| if path.is_empty() { &text[..] } else { *path })
        .collect();
    remaining(members, &mapped, lists, out)
}

fn remaining<'a>(
    members: impl Iterator<Item = (MemberName<'a>, Node<'a>)>,
    mapped: &[&[String]],
    lists: &[MappedList<'_>],
    out: &mut String,
) -> bool {
    let start = out.len();
    for (name, value) in members {
        let before = out.len();
        out.push(if before == start { '{' } else { ',' });
        name.write(out);
        out.push(':');
        let is_below = |path: &[String]| path.first().is_some_and(|first| first == name.text());
        let is_touched = mapped.iter().any(|path| is_below(path))
            || lists.iter().any(|(path, _)| is_below(path));
        if !is_touched {
            value.write(out);
        } else if !without_member(name.text(), value, mapped, lists, out) {
            out.truncate(before);
        }
    }
    let is_left = out.len() > start;
    if is_left {
        out.push('}');
    }
    is_left
}

/// Writes the value of a member without the parts at `mapped` and the people of `lists`, and says whether
/// anything was left.
fn without_member(
    name: &str,
    value: Node<'_>,
    mapped: &[&[String]],
    lists: &[MappedList<'_>],
    out: &mut String,
) -> bool {
    let lists = lists.iter();
    let lists: Vec<_> = lists
        .filter_map(|(path, people)| Some((below(name, path)?, *people)))
        .collect();
    let mapped: Vec<_> = mapped.iter().filter_map(|path| below(name, path)).collect();
    let mut here = lists.iter().filter(|(path, _)| path.is_empty());
    if here.clone().any(|(_, people)| people.is_none()) {
        return false;
    }
    match here.find_map(|(_, people)| *people) {
        Some(people) => people.left(value, out),
        None => without(value, &mapped, &lists, out),
    }
}

/// Writes a list of what `rest` writes of each item: `{}` where that is nothing, and no list at all
/// where that is nothing of all of them.
pub(super) fn remaining_items<T>(
    items: impl Iterator<Item = T>,
    out: &mut String,
    mut rest: impl FnMut(T, &mut String) -> bool,
) -> bool {
    let start = out.len();
    let mut is_left = false;
    for item in items {
        out.push(if out.len() == start { '[' } else { ',' });
        if rest(item, out) {
            is_left = true;
        } else {
            out.push_str("{}");
        }
    }
    if is_left {
        out.push(']');
    } else {
        out.truncate(start);
    }
    is_left
}

/// The rest of a path that starts with `key`.
fn below<'a>(key: &str, path: &'a [String]) -> Option<&'a [String]> {
    let (first, rest) = path.split_first()?;
    (first == key).then_some(rest)
}

/// Writes `node` without the parts at `mapped` and the people of `lists`, none of which is the value
/// itself, and says whether anything was left. Of an XML element whose text is mapped, that is all but this text.
fn without(
    node: Node<'_>,
    mapped: &[&[String]],
    lists: &[MappedList<'_>],
    out: &mut String,
) -> bool {
    let is_mapped = mapped.iter().any(|path| path.is_empty());
    if is_mapped && node.holds_only_text() {
        return false;
    }
    let is_whole = mapped.is_empty() && lists.is_empty();
    if node.is_object() && !is_whole {
        return unmapped(node.written_members(), mapped, lists, out);
    }
    if node.is_list() && !is_whole && (node.is_xml() || !lists.is_empty()) {
        // A field reads the first of repeated XML elements, people are read from all.
        return remaining_items(node.items().enumerate(), out, |(place, item), out| {
            let is_first = place == 0 && node.is_xml();
            let mapped = if is_first { mapped } else { &[] };
            !item.is_empty() && without(item, mapped, lists, out)
        });
    }
    node.write(out);
    true
}
