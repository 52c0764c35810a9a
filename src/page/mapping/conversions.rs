//! Conversions of the text in a record to the text of a field.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::plan::{Conversion, Decode, OneOrMany, Take};

use super::item::Reading;

/// The conversions of a field, applied in this order.
#[derive(Debug)]
pub(super) struct Conversions {
    null: Vec<String>,
    decode: Option<Decode>,
    cut: Option<(String, Take)>,
    values: BTreeMap<String, String>,
    otherwise: Option<String>,
}

impl Conversions {
    /// Compiles the conversions in a table; `None` if there are none.
    pub(super) fn new(conversion: &Conversion) -> Option<Self> {
        let null = conversion.null.iter().flat_map(OneOrMany::as_slice);
        let values = conversion.values.iter().flatten();
        let conversions = Self {
            null: null.map(|text| text.0.clone()).collect(),
            decode: conversion.decode,
            cut: conversion.split.clone().zip(conversion.take),
            values: values
                .map(|(from, to)| (from.clone(), to.0.clone()))
                .collect(),
            otherwise: conversion.otherwise.as_ref().map(|text| text.0.clone()),
        };
        let is_idle = conversions.null.is_empty()
            && conversions.decode.is_none()
            && conversions.cut.is_none()
            && conversions.values.is_empty()
            && conversions.otherwise.is_none();
        (!is_idle).then_some(conversions)
    }

    /// The text after all conversions.
    pub(super) fn apply<'t>(&'t self, text: Cow<'t, str>) -> Reading<Cow<'t, str>> {
        if self.null.iter().any(|null| *null == text) {
            return Reading::Null;
        }
        let text = match self.decode {
            Some(Decode::Percent) => percent_decoded(text),
            None => text,
        };
        let text = match &self.cut {
            Some((split, take)) => match piece(text, split, *take) {
                Some(piece) => piece,
                None => return Reading::Absent,
            },
            None => text,
        };
        let value = self.values.get(text.as_ref()).or(self.otherwise.as_ref());
        Reading::Value(value.map_or(text, |value| Cow::Borrowed(value.as_str())))
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
