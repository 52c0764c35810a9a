//! The cursor of the next page: one value, a structure, or several values.

use super::context::PageContext;
use super::error::PagerError;
use super::found::{Found, found};
use super::location::{find, follow, position};
use crate::page::format::Node;
use crate::page::position::Position;
use crate::plan::{CursorSource, Location, NextCursor, Part, Path};

/// What a record holds for one value of a cursor.
pub(super) fn key_in(
    source: &CursorSource,
    record: Node<'_>,
    key: Option<&str>,
) -> Option<Position> {
    match source {
        CursorSource::Page(_) => None,
        CursorSource::Record {
            last_record: Part::Key,
        } => (key.filter(|key| !key.is_empty())).map(|key| Position::Cursor(key.to_owned())),
        CursorSource::Record {
            last_record: Part::At(path),
        } => cursor_in(record.find(path)?),
    }
}

/// The cursor of the next page, if the page contains one.
pub(super) fn next_cursor(
    next: &NextCursor,
    context: PageContext<'_>,
) -> Result<Option<Position>, PagerError> {
    match next {
        NextCursor::One(source) => value(None, source, context),
        NextCursor::Structure { structure } => structure_at(structure, context),
        NextCursor::Several { values } => {
            let mut several = Vec::new();
            for (name, source) in values {
                let value = value(Some(name), source, context)?;
                several.extend(value.map(|value| (name.clone(), value)));
            }
            Ok((!several.is_empty()).then_some(Position::Cursors(several)))
        }
    }
}

/// One value of a cursor, which has a name where there are several.
fn value(
    name: Option<&str>,
    source: &CursorSource,
    context: PageContext<'_>,
) -> Result<Option<Position>, PagerError> {
    let last_record = match source {
        CursorSource::Page(location) => return cursor_at(location, context),
        CursorSource::Record { .. } if context.records == 0 => return Ok(None),
        CursorSource::Record { last_record } => last_record,
    };
    let found = match (name, context.last_record_key) {
        (Some(name), Some(Position::Cursors(values))) => {
            let mut values = values.iter();
            values.find_map(|(named, value)| (named == name).then_some(value))
        }
        (_, found) => found,
    };
    match found {
        Some(key) => Ok(Some(key.clone())),
        None => Err(PagerError::NoLastRecordKey(last_record.to_string())),
    }
}

/// The cursor at a location, in its type.
fn cursor_at(
    location: &Location,
    context: PageContext<'_>,
) -> Result<Option<Position>, PagerError> {
    let is_number = matches!(find(location, context)?, Some(Found::Number(_)));
    let text = position(location, context)?;
    Ok(text.map(|text| cursor_of(text, is_number)))
}

/// The cursor in the last record, in its type, if it is there.
fn cursor_in(node: Node<'_>) -> Option<Position> {
    match found(node)? {
        Found::Text(text) => Some(cursor_of(text.into_owned(), false)),
        Found::Number(digits) => Some(cursor_of(digits.into_owned(), true)),
        Found::Truth(_) | Found::Structure(_) => None,
    }
}

const fn cursor_of(text: String, is_number: bool) -> Position {
    if is_number {
        Position::NumberCursor(text)
    } else {
        Position::Cursor(text)
    }
}

/// The cursor at a path that is a list or an object there. What is empty is none.
fn structure_at(path: &Path, context: PageContext<'_>) -> Result<Option<Position>, PagerError> {
    let Some(node) = follow(context.page.root(), path)?.filter(|node| !node.is_empty()) else {
        return Ok(None);
    };
    match found(node) {
        Some(Found::Structure(_)) => {
            let mut json = String::new();
            node.write(&mut json);
            Ok(Some(Position::JsonCursor(json)))
        }
        Some(Found::Text(_) | Found::Number(_)) => {
            cursor_at(&Location::Body(path.clone()), context)
        }
        Some(Found::Truth(_)) | None => {
            position(&Location::Body(path.clone()), context).map(|_| None)
        }
    }
}
