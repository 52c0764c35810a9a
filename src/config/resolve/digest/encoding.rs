//! The canonical encoding that digests are taken over: bencode (BEP 3), which has exactly one way to
//! write each value. Whatever is unset, empty, false or at its default is left out.

use std::collections::BTreeMap;

use crate::config::upstream::Method;
use crate::config::upstream::pushdown::{KnownBy, Matches, PeopleList, SearchedField};
use crate::plan::pushdown::{Case, Quote, Texts};
use crate::plan::{
    Absence, Absent, AbsentRecords, Decode, EmptyPage, Extra, Format, LinkBase, Location,
    LoginLocation, Meaning, OneOrMany, Origin, Part, Repeat, Scalar, ShortPage, StatusPattern,
    Step, Take, TimeFormat, Trust,
};
use crate::plan::{Path, Span};

/// An encoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CanonicalValue {
    Text(String),
    List(Vec<CanonicalValue>),
    Table(CanonicalTable),
}

/// An encoded table; its keys are written in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CanonicalTable(BTreeMap<String, CanonicalValue>);

/// What can be encoded. `None` is left out of the table it would stand in.
pub(super) trait Encode {
    fn encode(&self) -> Option<CanonicalValue>;
}

impl CanonicalValue {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_text(text, bytes),
            Self::List(items) => {
                bytes.push(b'l');
                for item in items {
                    item.write(bytes);
                }
                bytes.push(b'e');
            }
            Self::Table(CanonicalTable(entries)) => {
                bytes.push(b'd');
                for (key, value) in entries {
                    write_text(key, bytes);
                    value.write(bytes);
                }
                bytes.push(b'e');
            }
        }
    }
}

fn write_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(format!("{}:", text.len()).as_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

impl CanonicalTable {
    /// This table and a value more, unless the value is left out.
    pub(super) fn put(mut self, key: &str, value: &(impl Encode + ?Sized)) -> Self {
        if let Some(value) = value.encode() {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    /// This table and a value more, unless it is the default.
    pub(super) fn put_unless<T: Encode + PartialEq>(
        self,
        default: &T,
        key: &str,
        value: &T,
    ) -> Self {
        if value == default {
            return self;
        }
        self.put(key, value)
    }

    /// This table and a value more, unless it is the default of its type.
    pub(super) fn put_changed<T: Encode + PartialEq + Default>(self, key: &str, value: &T) -> Self {
        self.put_unless(&T::default(), key, value)
    }
}

impl Encode for CanonicalValue {
    fn encode(&self) -> Option<CanonicalValue> {
        Some(self.clone())
    }
}

impl Encode for CanonicalTable {
    fn encode(&self) -> Option<CanonicalValue> {
        Some(CanonicalValue::Table(self.clone()))
    }
}

impl Encode for bool {
    fn encode(&self) -> Option<CanonicalValue> {
        self.then(|| CanonicalValue::Text("true".to_owned()))
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self) -> Option<CanonicalValue> {
        self.as_ref()?.encode()
    }
}

impl<T: Encode> Encode for Box<T> {
    fn encode(&self) -> Option<CanonicalValue> {
        self.as_ref().encode()
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self) -> Option<CanonicalValue> {
        let items: Vec<_> = self.iter().filter_map(Encode::encode).collect();
        (!items.is_empty()).then_some(CanonicalValue::List(items))
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self) -> Option<CanonicalValue> {
        self.as_slice().encode()
    }
}

/// One value is a list of one.
impl<T: Encode> Encode for OneOrMany<T> {
    fn encode(&self) -> Option<CanonicalValue> {
        self.as_slice().encode()
    }
}

impl<T: Encode> Encode for BTreeMap<String, T> {
    fn encode(&self) -> Option<CanonicalValue> {
        let entries = self.iter();
        let entries = entries.filter_map(|(key, value)| Some((key.clone(), value.encode()?)));
        let table = CanonicalTable(entries.collect());
        (!table.0.is_empty()).then_some(CanonicalValue::Table(table))
    }
}

impl Encode for Scalar {
    fn encode(&self) -> Option<CanonicalValue> {
        self.0.encode()
    }
}

impl Encode for Location {
    fn encode(&self) -> Option<CanonicalValue> {
        match self {
            Self::Body(path) => path.encode(),
            Self::Header { header } => CanonicalTable::default().put("header", header).encode(),
            Self::Chosen(place) => CanonicalTable::default()
                .put("each", &place.each)
                .put("only", &place.only)
                .put("value", &place.value)
                .encode(),
        }
    }
}

impl Encode for LoginLocation {
    fn encode(&self) -> Option<CanonicalValue> {
        let table = CanonicalTable::default();
        match self {
            Self::Body(path) => path.encode(),
            Self::Header { header } => table.put("header", header).encode(),
            Self::Cookie { cookie } => table.put("cookie", cookie).encode(),
        }
    }
}

/// Types that are encoded as they are written.
macro_rules! encode_as_written {
    ($($type:ty),* $(,)?) => {
        $(impl Encode for $type {
            fn encode(&self) -> Option<CanonicalValue> {
                Some(CanonicalValue::Text(self.to_string()))
            }
        })*
    };
}

encode_as_written!(
    str,
    String,
    u16,
    u32,
    u64,
    usize,
    url::Url,
    Path,
    Span,
    Part,
    Origin,
    Take,
    StatusPattern,
    TimeFormat,
    Method,
    Format,
    Absence,
    Meaning,
    AbsentRecords,
    Extra,
    Decode,
    Step,
    Absent,
    Trust,
    ShortPage,
    EmptyPage,
    LinkBase,
    Repeat,
    Matches,
    SearchedField,
    Case,
    Texts,
    Quote,
    PeopleList,
    KnownBy,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_in_one_way_only() {
        let table = CanonicalTable::default()
            .put("b", &["x".to_owned(), "ß".to_owned()][..])
            .put(
                "a",
                &CanonicalTable::default()
                    .put("on", &true)
                    .put("off", &false),
            )
            .put("none", &None::<String>)
            .put("empty", &Vec::<String>::new())
            .put_changed("depth", &0_u32);
        let bytes = CanonicalValue::Table(table).to_bytes();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "d1:ad2:on4:truee1:bl1:x2:ßee"
        );
    }
}
