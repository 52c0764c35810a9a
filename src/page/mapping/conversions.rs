//! Conversions of the text in a record to the text of a field.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::group::GroupText;
use crate::plan::{Conversions, Decode, Take};

use super::item::Reading;

impl Conversions {
    /// The text after all conversions.
    pub(super) fn apply<'t>(&'t self, start: GroupText<'t>) -> Reading<GroupText<'t>> {
        let GroupText { text, is_plain } = start;
        if self.null.iter().any(|null| *null == text) {
            return Reading::Null;
        }
        let text = match self.decode {
            Some(Decode::Percent) => percent_decoded(text),
            None => text,
        };
        let text = match &self.piece {
            Some((split, take)) => match piece(text, split, *take) {
                Some(piece) => piece,
                None => return Reading::Absent,
            },
            None => text,
        };
        let value = self.values.get(text.as_ref()).or(self.otherwise.as_ref());
        Reading::Value(match value {
            Some(value) => GroupText::any(value),
            None => GroupText {
                text,
                is_plain: is_plain && self.decode.is_none(),
            },
        })
    }
}

/// A text without its percent-escapes. If the result is not UTF-8, it stays as it is: an id with a
/// replacement character might be another record's.
fn percent_decoded(text: Cow<'_, str>) -> Cow<'_, str> {
    match percent_decode_str(&text).decode_utf8() {
        Ok(Cow::Owned(decoded)) => Cow::Owned(decoded),
        Ok(Cow::Borrowed(_)) | Err(_) => text,
    }
}

fn piece<'t>(text: Cow<'t, str>, split: &str, take: Take) -> Option<Cow<'t, str>> {
    match text {
        Cow::Borrowed(text) => piece_of(text, split, take).map(Cow::Borrowed),
        Cow::Owned(text) => piece_of(&text, split, take).map(|piece| Cow::Owned(piece.to_owned())),
    }
}

fn piece_of<'t>(text: &'t str, split: &str, take: Take) -> Option<&'t str> {
    match take {
        Take::First => text.split(split).next(),
        Take::Last => text.rsplit(split).next(),
        Take::Index(index) => text.split(split).nth(index),
    }
}
