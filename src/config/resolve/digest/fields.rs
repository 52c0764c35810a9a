//! How records become groups, encoded.

use super::encoding::{CanonicalTable, CanonicalValue, Encode};
use crate::config::upstream::{Conversion, Each, Fields, OneOrMany, PathOr, Source};
use crate::plan::{FieldTemplate, FieldTemplatePiece, RecordFilter};

impl Encode for Fields {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            id,
            name,
            description,
            email,
            status,
            organization_id,
            external_id,
            parent_id,
            path,
            url,
            logo_url,
            members,
            admins,
            guests,
            member_count,
            created_at,
            updated_at,
            deleted_at,
        } = self;
        CanonicalTable::default()
            .put("id", id)
            .put("name", name)
            .put("description", description)
            .put("email", email)
            .put("status", status)
            .put("organization_id", organization_id)
            .put("external_id", external_id)
            .put("parent_id", parent_id)
            .put("path", path)
            .put("url", url)
            .put("logo_url", logo_url)
            .put("members", &people(members.as_ref()))
            .put("admins", &people(admins.as_ref()))
            .put("guests", &people(guests.as_ref()))
            .put("member_count", member_count)
            .put("created_at", created_at)
            .put("updated_at", updated_at)
            .put("deleted_at", deleted_at)
            .encode()
    }
}

/// One list of people is encoded as itself.
fn people(lists: Option<&OneOrMany<Each>>) -> Option<CanonicalValue> {
    match lists?.as_slice() {
        [only] => only.encode(),
        several => several.encode(),
    }
}

impl Encode for RecordFilter {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            path,
            equals,
            not,
            present,
        } = self;
        CanonicalTable::default()
            .put("path", path)
            .put("equals", equals)
            .put("not", not)
            .put("present", &present.map(|present| present.to_string()))
            .encode()
    }
}

impl Encode for Each {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            each,
            split,
            keyed,
            only,
            id,
            email,
        } = self;
        CanonicalTable::default()
            .put("each", each)
            .put("split", split)
            .put("keyed", keyed)
            .put("only", only)
            .put("id", id)
            .put("email", email)
            .encode()
    }
}

impl Encode for Source {
    fn encode(&self) -> Option<CanonicalValue> {
        match self {
            PathOr::Path(path) => CanonicalTable::default().put("path", path).encode(),
            PathOr::Table(conversion) => conversion.encode(),
        }
    }
}

impl Encode for Conversion {
    fn encode(&self) -> Option<CanonicalValue> {
        let Self {
            path,
            template,
            constant,
            partition,
            null,
            decode,
            split,
            take,
            values,
            otherwise,
            format,
        } = self;
        CanonicalTable::default()
            .put("path", path)
            .put("template", template)
            .put("constant", constant)
            .put("partition", partition)
            .put("null", null)
            .put("decode", decode)
            .put("split", split)
            .put("take", take)
            .put("values", values)
            .put("else", otherwise)
            .put_changed("format", &format.clone().unwrap_or_default())
            .encode()
    }
}

impl Encode for FieldTemplate {
    fn encode(&self) -> Option<CanonicalValue> {
        self.pieces().encode()
    }
}

impl Encode for FieldTemplatePiece {
    fn encode(&self) -> Option<CanonicalValue> {
        match self {
            Self::Literal(text) => text.encode(),
            Self::Part(part) => CanonicalTable::default().put("part", part).encode(),
        }
    }
}
