//! Maps the records of one page: reads them, and lays their groups out, a few at a time.

use crate::group::{GroupParts, GroupText};
use crate::page::format::{FormatError, Node};
use crate::plan::{Extra, Mapping};
use crate::snapshot::{GroupPage, SOURCE_ID_BYTES};

use super::columns;
use super::field_readers::FieldReaders;
use super::item::Item;
use super::members::RecordMembers;
use super::outcome::{LeftOutRecord, MappedPage, Skip};
use super::read_groups::ReadGroups;
use super::reader::Reader;
use super::record_filter::left_out;
use super::shape::RecordsShape;
use super::tree::Ancestors;

/// How many records tell what the others will take.
const TYPICAL: usize = 8;

/// Maps the records of one page, one after the other.
pub(super) struct Mapper<'a> {
    mapping: &'a Mapping,
    /// What comes before the ids of groups.
    qualifier: Option<&'a str>,
    /// The id of the only group, where it is known.
    id: Option<&'a str>,
    /// What becomes of groups whose records are left out.
    of_left_out: LeftOutRecord,
    left_out: u64,
    fields: FieldReaders<'a>,
    reader: Reader<'a>,
    read: ReadGroups<'a>,
    looked_at: usize,
    groups: GroupPage,
    skipped: Vec<(usize, Skip)>,
}

impl<'a> Mapper<'a> {
    /// For records whose ids come behind a `qualifier`, or for one whose whole `id` is known: then only that of its
    /// parent comes behind it.
    pub(super) fn new(
        mapping: &'a Mapping,
        qualifier: Option<&'a str>,
        id: Option<&'a str>,
    ) -> Self {
        let mut members = RecordMembers::default();
        Self {
            mapping,
            qualifier,
            id,
            of_left_out: LeftOutRecord::default(),
            left_out: 0,
            fields: FieldReaders::of(&mapping.fields, &mut members),
            reader: Reader::new(members),
            read: ReadGroups::default(),
            looked_at: 0,
            groups: GroupPage::new(&mapping.source),
            skipped: Vec::new(),
        }
    }

    /// The same, where this becomes of the groups of records that are left out.
    pub(super) fn with_left_out(self, of_left_out: LeftOutRecord) -> Self {
        Self {
            of_left_out,
            ..self
        }
    }

    pub(super) fn map_list(&mut self, records: Vec<Item<'a>>) -> Result<(), FormatError> {
        let ancestors = Ancestors::default();
        let mut shape = RecordsShape::of(&self.mapping.records.at, "group");
        let first = records.len().min(TYPICAL);
        let more = records.len() - first;
        self.groups.expect_first(first);
        self.read.expect_first(first);
        let bytes = (records.first().and_then(|record| record.node())).map_or(0, Node::page_bytes);
        for record in records {
            let outcome = self.map_record(record, &ancestors, false);
            let skip = outcome.err().filter(|skip| *skip != Skip::LeftOut);
            shape.check(record, skip)?;
            if self.looked_at == TYPICAL {
                self.read.write(&mut self.groups);
                self.groups.expect(more, bytes);
            }
        }
        Ok(())
    }

    pub(super) fn map_tree(
        &mut self,
        records: Vec<Item<'a>>,
        ancestors: &Ancestors,
        depth: usize,
    ) -> Result<(), FormatError> {
        for record in records {
            let ancestors = self.map_record(record, ancestors, depth > 1);
            let below = self.mapping.records.below(record, depth)?;
            self.map_tree(below, &ancestors.unwrap_or_default(), depth + 1)?;
        }
        Ok(())
    }

    /// Maps one record that is known to be one.
    pub(super) fn map_only(&mut self, record: Item<'a>) {
        // What it is not is among what is skipped.
        let _ = self.map_record(record, &Ancestors::default(), false);
    }

    /// Reads the group of a record, and says what stands above the records nested in it.
    fn map_record(
        &mut self,
        record: Item<'a>,
        ancestors: &Ancestors,
        is_nested: bool,
    ) -> Result<Ancestors, Skip> {
        let outcome = self.map_group(record, ancestors, is_nested);
        if let Err(skip) = outcome {
            self.skipped.push((self.looked_at, skip));
        }
        self.looked_at += 1;
        outcome
    }

    fn map_group(
        &mut self,
        record: Item<'a>,
        ancestors: &Ancestors,
        is_nested: bool,
    ) -> Result<Ancestors, Skip> {
        let Mapping {
            records,
            extra,
            beside,
            deleted,
            has_details,
            ..
        } = self.mapping;
        let (fields, reader, read) = (&self.fields, &mut self.reader, &mut self.read);
        let deleted = deleted.as_ref();
        let is_removed = deleted.is_some_and(|deleted| left_out(deleted, record).is_none());
        let only = records.only.as_ref().filter(|_| !is_removed);
        let skip = only.and_then(|only| left_out(only, record));
        if let Some(skip) = skip.filter(|skip| !self.of_left_out.removes(*skip)) {
            return Err(skip);
        }
        reader.begin(record);
        let qualified = |id: GroupText<'a>| match self.qualifier {
            Some(qualifier) => GroupText::owned(format!("{qualifier}/{}", id.text)),
            None => id,
        };
        let own_id = reader.some_text(&fields.id);
        let source_id = match self.id {
            Some(id) => GroupText::any(id),
            None => qualified(own_id.ok_or(skip.unwrap_or(Skip::NoId))?),
        };
        if source_id.text.len() > SOURCE_ID_BYTES {
            return Err(skip.unwrap_or(Skip::LongId));
        }
        if skip.is_some() {
            self.left_out += 1;
            read.write(&mut self.groups);
            self.groups.push_removed(&source_id.text);
            if !beside.is_empty() {
                self.groups.put_beside(columns::row(beside, record));
            }
            return Ok(Ancestors::default());
        }
        let name = match reader.some_text(&fields.name) {
            Some(name) => name,
            None if is_removed => source_id.clone(),
            // Its details may say it.
            None if *has_details && self.id.is_none() => source_id.clone(),
            None => return Err(Skip::NoName),
        };
        let below = match records.children {
            Some(_) => ancestors.below(&source_id.text, &name.text),
            None => Ancestors::default(),
        };
        let members = reader.people(&fields.members, &mut read.people);
        let admins = reader.people(&fields.admins, &mut read.people);
        let guests = reader.people(&fields.guests, &mut read.people);
        let counted = reader.count(&fields.member_count);
        let parts = GroupParts {
            source_id,
            description: reader.text(&fields.description),
            email: reader.text(&fields.email),
            status: (reader.text(&fields.status)).map(GroupText::lower_cased),
            organization_id: reader.text(&fields.organization_id),
            external_id: reader.text(&fields.external_id),
            parent_id: match &fields.parent_id {
                Some(parent_id) => reader.text(parent_id).map(qualified),
                None => ancestors.parent_id.clone().map(GroupText::owned),
            },
            path: match &fields.path {
                Some(path) => reader.text(path),
                None => ancestors.path_to(&name.text).map(GroupText::owned),
            },
            name,
            url: reader.text(&fields.url),
            logo_url: reader.text(&fields.logo_url),
            member_count: counted.or_else(|| members.as_ref().map(|list| list.len() as u64)),
            members: members.unwrap_or_default(),
            admins: admins.unwrap_or_default(),
            guests: guests.unwrap_or_default(),
            created_at: reader.time(&fields.created_at),
            updated_at: reader.time(&fields.updated_at),
            deleted_at: reader.time(&fields.deleted_at),
        };
        read.add(parts, is_nested);
        read.add_attributes(|out| match extra {
            Extra::Keep => reader.write_unmapped(records.children.as_ref(), out),
            Extra::Drop => out.push_str("{}"),
        });
        if read.are_many() || is_removed || !beside.is_empty() {
            read.write(&mut self.groups);
        }
        if is_removed {
            self.groups.mark_removed();
        }
        if !beside.is_empty() {
            self.groups.put_beside(columns::row(beside, record));
        }
        Ok(below)
    }

    pub(super) fn finish(mut self) -> MappedPage {
        self.read.write(&mut self.groups);
        self.groups.shrink();
        MappedPage {
            groups: self.groups,
            rows: Vec::new(),
            skipped: self.skipped,
            left_out: self.left_out,
            unparsed_timestamps: self.reader.unparsed_timestamps(),
            unread_people: self.reader.unread_people(),
            unmarked_people: self.reader.unmarked_people(),
            brought: Vec::new(),
        }
    }
}
