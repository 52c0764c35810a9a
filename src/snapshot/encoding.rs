//! A snapshot as bytes: its buffers one after the other, as they lie in memory, and its packed groups in the order of
//! the rows; numbers in little-endian. Reading them back parses nothing. Of a packed group there is its length, for they
//! follow each other.
//!
//! What is read may have been cut short or changed, so every number is checked before it is used:
//! no bytes, whatever they are, make anything panic later. That they are what was written is for a
//! checksum around them to say.
//!
//! A change of this encoding, of the order of rows, of the fold, of the member hashes, of packed groups, of the content
//! hash (which a list that is as the one before takes over), of the marks of groups (`upstream/walk/saved_marks`, the
//! hash of what was listed included) or of the header of the files on disk (`catalog/disk/file`) makes old bytes mean
//! something else:
//! [`ENCODING`] must change with it.

use std::io::{self, Read, Write};
use std::sync::Arc;

use crate::group::{JsonSource, Moment};
use thiserror::Error;

use crate::list_memory::ListHold;

use super::content_hash::ContentHash;
use super::layout::{ABSENT, Buffers, Row};
use super::list::Snapshot;
use super::packed_pieces::PackedPieces;
use super::row::RowRef;
use super::stretch::Stretch;

/// The version of the encoding.
pub(crate) const ENCODING: u32 = 5;

/// Six lengths and the content hash.
const HEAD: usize = 6 * 8 + 16;
const STRETCH: usize = 8 + 4;
const TIME: usize = 8 + 4;
/// The length of its packed group, a stretch, the start of its texts, four numbers of four bytes, two times, three of two
/// bytes, and its marks.
const ROW: usize = 4 + STRETCH + 8 + 4 * 4 + 2 * TIME + 3 * 2 + 1;

/// The marks of a row, of one bit each.
const DELETED: u8 = 1;
const CUT: u8 = 1 << 1;

/// The seconds that stand for no time: no timestamp has them.
const NO_TIME: i64 = i64::MIN;

/// Why bytes are no snapshot.
#[derive(Debug, Error)]
pub(crate) enum EncodingError {
    /// They cannot be read, or there are too few.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They say something that cannot be.
    #[error("{0}")]
    Invalid(&'static str),
}

impl Snapshot {
    /// Writes the snapshot, but for the name of its upstream.
    pub(crate) fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        let buffers = &self.buffers;
        let packed = self.rows.iter().map(|row| row.packed.length as usize);
        for length in [
            self.rows.len(),
            self.by_id.len(),
            buffers.members.len(),
            buffers.shared.len(),
            buffers.text.len(),
            packed.sum(),
        ] {
            writer.write_all(&(length as u64).to_le_bytes())?;
        }
        writer.write_all(self.hash.as_bytes())?;
        for row in &self.rows {
            writer.write_all(&encode(row))?;
        }
        for index in &self.by_id {
            writer.write_all(&index.to_le_bytes())?;
        }
        for member in &buffers.members {
            writer.write_all(&member.to_le_bytes())?;
        }
        for shared in &buffers.shared {
            writer.write_all(&encode_stretch(*shared))?;
        }
        writer.write_all(buffers.text.as_bytes())?;
        let mut packed = self.rows.iter().map(|row| buffers.packed.row(row.packed));
        packed.try_for_each(|packed| writer.write_all(packed))
    }

    /// Reads the snapshot of `source` back from its `length` bytes, all of them.
    pub(crate) fn read_from(
        source: Arc<str>,
        reader: &mut impl Read,
        length: u64,
    ) -> Result<Self, EncodingError> {
        let mut lengths = [0; 6];
        for length in &mut lengths {
            *length = u64::from_le_bytes(array(reader)?);
        }
        let hash = ContentHash(array(reader)?);
        let [rows, by_id, members, shared, text, packed] = lengths;
        // Before anything is allocated.
        let told = [
            (rows, ROW),
            (by_id, 4),
            (members, 4),
            (shared, STRETCH),
            (text, 1),
            (packed, 1),
        ]
        .into_iter()
        .try_fold(HEAD as u64, |sum, (count, size)| {
            sum.checked_add(count.checked_mul(size as u64)?)
        });
        check(told == Some(length), "its lengths do not add up")?;
        let mut rows = (0..rows)
            .map(|_| decode(&array(reader)?))
            .collect::<Result<Vec<_>, _>>()?;
        let lengths = rows.iter().map(|row| u64::from(row.packed.length));
        check(lengths.sum::<u64>() == packed, "a group lies outside of it")?;
        let by_id = (0..by_id)
            .map(|_| array(reader).map(u32::from_le_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let members = (0..members)
            .map(|_| array(reader).map(u32::from_le_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let shared = (0..shared)
            .map(|_| decode_stretch(reader))
            .collect::<Result<Vec<_>, _>>()?;
        let text = String::from_utf8(bytes(reader, text)?)
            .map_err(|_| EncodingError::Invalid("its text is not UTF-8"))?;
        let mut packed = PackedPieces::default();
        for row in &mut rows {
            let (stretch, bytes) = packed.push_zeros(row.packed.length as usize);
            reader.read_exact(bytes)?;
            row.packed = stretch;
        }
        packed.shrink();
        let snapshot = Self {
            buffers: Buffers {
                json_source: JsonSource::of(&source),
                packed,
                text,
                members,
                shared,
            },
            source,
            has_deleted: rows.iter().any(|row| row.deleted),
            rows,
            by_id,
            hash,
            hold: ListHold::default(),
        };
        snapshot.validate()?;
        Ok(snapshot)
    }

    /// Whether everything in it is where it says, and in the order that it should be in.
    fn validate(&self) -> Result<(), EncodingError> {
        let buffers = &self.buffers;
        let is_text = |range| buffers.text.get(range).is_some();
        let is_within = |stretch: Stretch, length: usize| {
            let range = stretch.checked_range();
            range.is_some_and(|range| range.end <= length)
        };
        let is_shared = |number| number == ABSENT || (number as usize) < buffers.shared.len();
        let all_there = (buffers.shared.iter())
            .all(|shared| shared.checked_range().is_some_and(is_text))
            && self.rows.iter().all(|row| {
                is_within(row.members, buffers.members.len())
                    && row.checked_texts().is_some_and(is_text)
                    && [row.id(), row.name(), row.folded()]
                        .into_iter()
                        .all(is_text)
                    && is_shared(row.status)
                    && is_shared(row.organization_id)
            });
        check(all_there, "a group lies outside of it")?;
        // As searches find them.
        let in_order = self
            .rows
            .is_sorted_by(|before, row| before.texts().end <= row.texts().start);
        check(in_order, "its texts are not in order")?;
        let is_its_own = |id: &str| {
            id.strip_prefix(&*self.source)
                .is_some_and(|rest| rest.starts_with(':'))
        };
        check(
            self.rows().all(|row| is_its_own(row.id())),
            "a group is of another source",
        )?;
        let in_order = self
            .rows()
            .is_sorted_by(|left, right| order(*left) < order(*right));
        check(in_order, "its groups are not in order")?;
        // Strictly ascending ids of rows that are there, as many as there are: every row once.
        let found = self.by_id.len() == self.rows.len()
            && self
                .by_id
                .iter()
                .all(|&row| (row as usize) < self.rows.len())
            && self.by_id.is_sorted_by(|&left, &right| {
                self.row(left as usize).id() < self.row(right as usize).id()
            });
        check(found, "its groups cannot be found by their ids")
    }
}

/// By what rows are in order.
fn order(row: RowRef<'_>) -> (&str, &str, &str) {
    (row.folded_name(), row.name(), row.id())
}

fn check(holds: bool, otherwise: &'static str) -> Result<(), EncodingError> {
    if holds {
        Ok(())
    } else {
        Err(EncodingError::Invalid(otherwise))
    }
}

fn encode(row: &Row) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ROW);
    let (packed, text) = (row.packed.length, row.text);
    bytes.extend(packed.to_le_bytes());
    bytes.extend(encode_stretch(row.members));
    bytes.extend(text.to_le_bytes());
    let (description, external_id) = (row.description, row.external_id);
    let (status, organization_id) = (row.status, row.organization_id);
    for number in [description, external_id, status, organization_id] {
        bytes.extend(number.to_le_bytes());
    }
    for time in [row.created_at.known(), row.updated_at.known()] {
        let seconds = time.map_or(NO_TIME, Moment::as_second);
        let nanoseconds = time.map_or(0, Moment::subsec_nanosecond);
        bytes.extend(seconds.to_le_bytes());
        bytes.extend(nanoseconds.to_le_bytes());
    }
    for length in [row.id, row.name, row.folded] {
        bytes.extend(length.to_le_bytes());
    }
    let deleted = if row.deleted { DELETED } else { 0 };
    let cut = if row.is_cut { CUT } else { 0 };
    bytes.push(deleted | cut);
    bytes
}

/// A row whose packed group is not there yet.
fn decode(bytes: &[u8; ROW]) -> Result<Row, EncodingError> {
    let marks = bytes[ROW - 1];
    let mut rest = bytes.as_slice();
    let rest = &mut rest;
    Ok(Row {
        packed: Stretch {
            start: 0,
            length: u32::from_le_bytes(array(rest)?),
        },
        members: decode_stretch(rest)?,
        text: u64::from_le_bytes(array(rest)?),
        description: u32::from_le_bytes(array(rest)?),
        external_id: u32::from_le_bytes(array(rest)?),
        status: u32::from_le_bytes(array(rest)?),
        organization_id: u32::from_le_bytes(array(rest)?),
        created_at: time(rest)?.unwrap_or(Moment::NONE),
        updated_at: time(rest)?.unwrap_or(Moment::NONE),
        id: u16::from_le_bytes(array(rest)?),
        name: u16::from_le_bytes(array(rest)?),
        folded: u16::from_le_bytes(array(rest)?),
        deleted: marks & DELETED != 0,
        is_cut: marks & CUT != 0,
    })
}

fn encode_stretch(stretch: Stretch) -> [u8; STRETCH] {
    let Stretch { start, length } = stretch;
    let mut bytes = [0; STRETCH];
    bytes[..8].copy_from_slice(&start.to_le_bytes());
    bytes[8..].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn decode_stretch(reader: &mut impl Read) -> Result<Stretch, io::Error> {
    Ok(Stretch {
        start: u64::from_le_bytes(array(reader)?),
        length: u32::from_le_bytes(array(reader)?),
    })
}

fn time(rest: &mut &[u8]) -> Result<Option<Moment>, EncodingError> {
    let seconds = i64::from_le_bytes(array(rest)?);
    let nanoseconds = i32::from_le_bytes(array(rest)?);
    if seconds == NO_TIME {
        return Ok(None);
    }
    let time = Moment::new(seconds, nanoseconds);
    time.map(Some)
        .ok_or(EncodingError::Invalid("a time is none"))
}

fn array<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], io::Error> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn bytes(reader: &mut impl Read, length: u64) -> Result<Vec<u8>, io::Error> {
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use memchr::memmem::Finder;
    use proptest::prelude::*;

    use super::*;
    use crate::group::Member;
    use crate::snapshot::MemberKey;
    use crate::snapshot::tests::group;

    fn snapshot() -> Snapshot {
        let mut straße = group("u", "1", "Straße");
        straße.status = Some("active".to_owned());
        straße.description = Some("Où l'on marche".to_owned());
        straße.external_id = Some("é".to_owned());
        straße.created_at = Some("1969-12-31T23:59:59.5Z".parse().unwrap());
        straße.deleted_at = Some(jiff::Timestamp::UNIX_EPOCH.into());
        straße.guests = vec![Member {
            id: Some("7".to_owned()),
            email: Some("Ann@Example.com".to_owned()),
        }];
        let long = group("u", "3", &"a long name ".repeat(50));
        Snapshot::new("u".into(), vec![straße, group("u", "2", "zoo"), long])
    }

    fn encoded(snapshot: &Snapshot) -> Vec<u8> {
        let mut bytes = Vec::new();
        snapshot.write_to(&mut bytes).unwrap();
        bytes
    }

    fn decoded(bytes: &[u8]) -> Result<Snapshot, EncodingError> {
        Snapshot::read_from("u".into(), &mut { bytes }, bytes.len() as u64)
    }

    /// Looks at everything that queries look at.
    fn look_at_all(snapshot: &Snapshot) -> String {
        let member = MemberKey::new("ann@example.com");
        let rows = snapshot.rows().map(|row| {
            let found = snapshot.find(row.id());
            let shown = (row.id(), row.name(), row.folded_name(), row.status());
            let more = (row.organization_id(), row.external_id(), row.is_deleted());
            let times = (row.created_at(), row.updated_at());
            let name = Finder::new("name");
            let named = (row.contains(&name), row.name_contains(&name));
            let searched = (named, row.has_member(&member));
            format!(
                "{found:?} {shown:?} {more:?} {times:?} {searched:?} {:?}",
                row.json()
            )
        });
        let found = snapshot.search(&Finder::new("a")).count();
        format!("{found} {}", rows.collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_snapshot_reads_back_as_it_was_written() {
        for snapshot in [snapshot(), Snapshot::new("u".into(), Vec::new())] {
            let read = decoded(&encoded(&snapshot)).unwrap();
            assert_eq!(look_at_all(&read), look_at_all(&snapshot));
            assert_eq!(read.hash(), snapshot.hash());
            assert_eq!(read.bytes(), snapshot.bytes());
        }
    }

    #[test]
    fn the_list_of_one_source_is_never_read_as_that_of_another() {
        let bytes = encoded(&snapshot());
        for other in ["", "uu", "v"] {
            let read = Snapshot::read_from(other.into(), &mut &*bytes, bytes.len() as u64);
            assert!(read.is_err(), "{other}");
        }
    }

    proptest! {
        // Without a checksum around it: what is not refused must still be safe to look at.
        #[test]
        fn bytes_that_were_changed_or_cut_short_never_make_anything_panic(
            changes in proptest::collection::vec((0.0..1.0_f64, 0..8_u8), 1..4),
            keep in 0.9..1.1_f64,
        ) {
            let mut bytes = encoded(&snapshot());
            for (at, bit) in changes {
                let at = (bytes.len() as f64 * at) as usize;
                bytes[at] ^= 1 << bit;
            }
            bytes.truncate((bytes.len() as f64 * keep) as usize);
            if let Ok(read) = decoded(&bytes) {
                look_at_all(&read);
            }
        }

        #[test]
        fn any_offset_whatever_is_safe(at in 0..(HEAD + 3 * ROW) / 4, value: u32) {
            let mut bytes = encoded(&snapshot());
            bytes[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
            if let Ok(read) = decoded(&bytes) {
                look_at_all(&read);
            }
        }
    }
}
