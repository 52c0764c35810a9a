//! The marks of a list as bytes, so that they outlive the process together with it.
//!
//! The values at paths follow the other bytes where there are any, so that bytes without them are what they were.
//! Related lists go by their words, so that a new one changes nothing. What the bytes mean is part of the format of
//! the file that they are in: its version changes with them.

use std::collections::HashMap;
use std::time::Duration;

use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::page::page_outcome::PageKey;

use super::marks::{GroupMark, GroupMarks, ListTag};

#[derive(Serialize, Deserialize)]
struct SavedMarks<'a> {
    /// When the last walk began that read everything anew.
    full_at: Timestamp,
    #[serde(borrow)]
    longest: Vec<(&'a str, u64)>,
    marks: Vec<SavedMark<'a>>,
}

/// The id of a group, one of its lists, and the hash of the value that `reuse` of that goes by.
type SavedValues<'a> = Vec<(&'a str, &'a str, u64)>;

#[derive(Serialize, Deserialize)]
struct SavedMark<'a> {
    id: &'a str,
    listed: u64,
    #[serde(borrow)]
    tags: Vec<SavedTag<'a>>,
}

#[derive(Serialize, Deserialize)]
struct SavedTag<'a> {
    list: &'a str,
    tag: &'a [u8],
    request: PageKey,
    records: Option<u64>,
}

impl GroupMarks {
    /// The marks as bytes: none where the next walk reads everything anew. `now` is the time of the wall clock, which
    /// goes on where this process ends.
    pub fn to_bytes(&self, now: Timestamp) -> Vec<u8> {
        self.saved(now).unwrap_or_default()
    }

    fn saved(&self, now: Timestamp) -> Option<Vec<u8>> {
        let ago = SignedDuration::try_from(self.full_at?.elapsed()).ok()?;
        let marks = self.marks.iter().map(|(id, mark)| SavedMark {
            id,
            listed: mark.listed,
            tags: mark.tags.iter().map(SavedTag::of).collect(),
        });
        let longest = self.longest.iter();
        let saved = SavedMarks {
            full_at: now.checked_sub(ago).ok()?,
            longest: longest.map(|(list, most)| (list.into(), *most)).collect(),
            marks: marks.collect(),
        };
        let mut bytes = postcard::to_stdvec(&saved).ok()?;
        let values = self.marks.iter().flat_map(|(id, mark)| {
            let values = mark.values.iter();
            values.map(move |(list, value)| (&**id, <&str>::from(*list), *value))
        });
        let values: SavedValues<'_> = values.collect();
        if !values.is_empty() {
            bytes.extend(postcard::to_stdvec(&values).ok()?);
        }
        Some(bytes)
    }

    /// The marks that these bytes say, not counted with any memory yet. `None`: they say none, or the clock was set
    /// back, so that nobody knows when everything was read.
    pub fn from_bytes(bytes: &[u8], now: Timestamp) -> Option<Self> {
        let (saved, rest): (SavedMarks<'_>, _) = postcard::take_from_bytes(bytes).ok()?;
        let values: SavedValues<'_> = if rest.is_empty() {
            Vec::new()
        } else {
            postcard::from_bytes(rest).ok()?
        };
        let ago = Duration::try_from(now.duration_since(saved.full_at)).ok()?;
        let longest = saved.longest.into_iter();
        let longest = longest.map(|(list, most)| Some((list.parse().ok()?, most)));
        let marks = saved.marks.into_iter().map(|saved| {
            let mark = GroupMark {
                values: Vec::new(),
                listed: saved.listed,
                tags: (saved.tags.into_iter().map(SavedTag::read)).collect::<Option<_>>()?,
                is_reused: false,
            };
            Some((saved.id.into(), mark))
        });
        let full_at = Instant::now().checked_sub(ago)?;
        let mut marks: HashMap<Box<str>, GroupMark> = marks.collect::<Option<_>>()?;
        for (id, list, value) in values {
            let mark = marks.get_mut(id)?;
            mark.values.push((list.parse().ok()?, value));
        }
        Some(Self::uncounted(
            marks,
            Some(full_at),
            longest.collect::<Option<_>>()?,
        ))
    }
}

impl<'a> SavedTag<'a> {
    fn of(tag: &'a ListTag) -> Self {
        Self {
            list: tag.list.into(),
            tag: tag.tag.as_bytes(),
            request: tag.request,
            records: tag.records,
        }
    }

    fn read(self) -> Option<ListTag> {
        Some(ListTag {
            list: self.list.parse().ok()?,
            tag: HeaderValue::from_bytes(self.tag).ok()?,
            request: self.request,
            records: self.records,
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;
    use crate::hex::hex;
    use crate::list_memory::ListMemory;
    use crate::page::position::Position;
    use crate::plan::RelatedList;

    const HOUR: Duration = Duration::from_hours(1);

    fn marks() -> GroupMarks {
        let request = Request::new(Bytes::new());
        let tag = ListTag {
            list: RelatedList::Members,
            tag: HeaderValue::from_bytes(b"\"\xe9\"").unwrap(),
            request: PageKey::of(&request, &Position::Start),
            records: Some(2),
        };
        let mark = GroupMark {
            listed: 7,
            tags: vec![tag],
            values: Vec::new(),
            is_reused: false,
        };
        GroupMarks::new(
            HashMap::from([("a".into(), mark)]),
            Some(Instant::now()),
            HashMap::from([(RelatedList::Members, 3)]),
            Vec::new(),
            &ListMemory::default(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn marks_are_read_back_as_old_as_they_are_by_then() {
        let marks = marks();
        advance(HOUR).await;
        let now = Timestamp::UNIX_EPOCH;
        let bytes = marks.to_bytes(now);
        let read = GroupMarks::from_bytes(&bytes, now + HOUR).unwrap();
        assert_eq!(format!("{:?}", read.marks), format!("{:?}", marks.marks));
        assert_eq!(read.longest, marks.longest);
        assert_eq!(read.full_at.unwrap().elapsed(), 2 * HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn values_at_paths_follow_what_there_is_without_them() {
        let mut marks = marks();
        let now = Timestamp::UNIX_EPOCH;
        let without = marks.to_bytes(now);
        let mark = marks.marks.get_mut("a").unwrap();
        mark.values.push((RelatedList::Members, u64::MAX));
        let bytes = marks.to_bytes(now);
        assert!(bytes.starts_with(&without));
        let read = GroupMarks::from_bytes(&bytes, now).unwrap();
        assert_eq!(
            read.get("a").unwrap().value(RelatedList::Members),
            Some(u64::MAX)
        );
        assert_eq!(read.get("a").unwrap().value(RelatedList::Admins), None);
        assert!(GroupMarks::from_bytes(&bytes[..bytes.len() - 1], now).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_clock_was_set_back_or_everything_is_due_there_are_none() {
        let mut marks = marks();
        let now = Timestamp::UNIX_EPOCH;
        let bytes = marks.to_bytes(now);
        assert!(GroupMarks::from_bytes(&bytes, now - HOUR).is_none());
        marks.full_at = None;
        assert_eq!(marks.to_bytes(now), b"");
        assert!(GroupMarks::from_bytes(b"", now).is_none());
    }

    /// Where this fails, raise `snapshot::ENCODING`.
    #[tokio::test(start_paused = true)]
    async fn every_release_writes_the_same_bytes() {
        insta::assert_snapshot!(hex(&marks().to_bytes(Timestamp::UNIX_EPOCH)), @"14313937302d30312d30315430303a30303a30305a01076d656d62657273030101610701076d656d626572730322e9221d82702868d3b443f5e2353e193fa24c78a042dfc56843244f254ec0b49feb440102");
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_nothing_panics(bytes in any::<Vec<u8>>()) {
            GroupMarks::from_bytes(&bytes, Timestamp::UNIX_EPOCH);
        }
    }
}
