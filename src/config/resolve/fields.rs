//! Fields: conversions that cannot be meant together, and keys of what is not keyed.

use crate::config::Upstream;
use crate::config::upstream::{self as written, Conversion, Each, OneOrMany, Partitions, PathOr};
use crate::plan::{
    Conversions, Field, FieldTemplate, Fields, Format, Part, People, PeopleKind, Scalar, Source,
    Start, TimeFormat,
};
use crate::problem::{KeyPath, Problem, Problems};

use super::paths::{key_of_nothing, through_attribute};
use super::record_filter;
use super::records::{KEYED_XML, NOT_KEYED};

/// Resolves which part of a record becomes which field of a group.
pub(super) fn fields(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) -> Option<Fields> {
    let fields = &upstream.fields;
    let keyed_by = (!upstream.records.keyed()).then_some(NOT_KEYED);
    let mut block = FieldsBlock {
        at: at.join("fields"),
        keyed_by,
        is_xml: upstream.format == Format::Xml,
        partitions: upstream.partitions.as_ref(),
        problems,
    };
    let id = block.text("id", Some(&fields.id));
    let name = block.text("name", Some(&fields.name));
    Some(Fields {
        description: block.text("description", fields.description.as_ref()),
        email: block.text("email", fields.email.as_ref()),
        status: block.text("status", fields.status.as_ref()),
        organization_id: block.text("organization_id", fields.organization_id.as_ref()),
        external_id: block.text("external_id", fields.external_id.as_ref()),
        parent_id: block.text("parent_id", fields.parent_id.as_ref()),
        path: block.text("path", fields.path.as_ref()),
        url: block.text("url", fields.url.as_ref()),
        logo_url: block.text("logo_url", fields.logo_url.as_ref()),
        members: block.people("members", fields.members.as_ref()),
        admins: block.people("admins", fields.admins.as_ref()),
        guests: block.people("guests", fields.guests.as_ref()),
        member_count: block.text("member_count", fields.member_count.as_ref()),
        created_at: block.time("created_at", fields.created_at.as_ref()),
        updated_at: block.time("updated_at", fields.updated_at.as_ref()),
        deleted_at: block.time("deleted_at", fields.deleted_at.as_ref()),
        id: id?,
        name: name?,
    })
}

/// Resolves a field of a record of `list` that becomes no group.
pub(super) fn column(
    at: &KeyPath,
    field: &written::Field,
    list: &Upstream,
    problems: &mut Problems,
) -> Option<Field> {
    let scope = FieldScope {
        partitions: None,
        keyed_by: (!list.records.keyed()).then_some("`records` has no `keyed = true`"),
        is_time: false,
        is_xml: list.format == Format::Xml,
    };
    read_field(at, field, scope, problems)
}

/// The table `fields` of one block.
struct FieldsBlock<'a> {
    at: KeyPath,
    /// Why `$key` stands for nothing in a record, where it does not.
    keyed_by: Option<&'static str>,
    is_xml: bool,
    partitions: Option<&'a Partitions>,
    problems: &'a mut Problems,
}

impl<'a> FieldsBlock<'a> {
    const fn scope(&self, keyed_by: Option<&'static str>, is_time: bool) -> FieldScope<'a> {
        FieldScope {
            partitions: self.partitions,
            keyed_by,
            is_time,
            is_xml: self.is_xml,
        }
    }

    fn text(&mut self, key: &str, field: Option<&written::Field>) -> Option<Field> {
        let scope = self.scope(self.keyed_by, false);
        read_field(&self.at.join(key), field?, scope, self.problems)
    }

    fn time(&mut self, key: &str, field: Option<&written::Field>) -> Option<Field> {
        let scope = self.scope(self.keyed_by, true);
        read_field(&self.at.join(key), field?, scope, self.problems)
    }

    fn people(&mut self, key: &str, lists: Option<&OneOrMany<Each>>) -> Vec<People> {
        let at = self.at.join(key);
        match lists {
            None => Vec::new(),
            Some(OneOrMany::One(each)) => vec![self.list_of_people(at, each)],
            Some(OneOrMany::Many(lists)) => {
                let lists = lists.iter().enumerate();
                let lists = lists
                    .map(|(index, each)| self.list_of_people(at.join(index.to_string()), each));
                lists.collect()
            }
        }
    }

    fn list_of_people(&mut self, at: KeyPath, each: &Each) -> People {
        check_each(&at, each, self.is_xml, self.problems);
        let keyed_by = (!each.keyed).then_some("the list of people has no `keyed = true`");
        let scope = self.scope(keyed_by, false);
        if let Some(only) = &each.only {
            record_filter::check(&at.join("only"), only, keyed_by, self.is_xml, self.problems);
        }
        let mut field = |key: &str, field: Option<&written::Field>| {
            read_field(&at.join(key), field?, scope, self.problems)
        };
        People {
            each: each.each.clone(),
            kind: match &each.split {
                Some(split) => PeopleKind::Text(split.clone()),
                None if each.keyed => PeopleKind::Keyed,
                None => PeopleKind::List,
            },
            only: each.only.clone(),
            id: field("id", each.id.as_ref()),
            email: field("email", each.email.as_ref()),
        }
    }
}

/// What the fields around a source allow in it.
#[derive(Clone, Copy)]
struct FieldScope<'a> {
    /// The partitions that its list is read once for each of, if there are any.
    partitions: Option<&'a Partitions>,
    /// Why `$key` stands for nothing here, where it does not.
    keyed_by: Option<&'static str>,
    is_time: bool,
    is_xml: bool,
}

impl FieldScope<'_> {
    fn has_partition(self, name: &str) -> bool {
        self.partitions
            .is_some_and(|partitions| partitions.values.contains_key(name))
    }
}

fn check_each(at: &KeyPath, each: &Each, is_xml: bool, problems: &mut Problems) {
    if each.id.is_none() && each.email.is_none() {
        problems.push(
            Problem::new(
                at.clone(),
                "neither `id` nor `email` says who is in this list",
            )
            .with_help("`id = \".\"` takes the item itself, `id = \"name\"` a part of it"),
        );
    }
    if each.keyed && is_xml {
        problems.push(Problem::new(at.join("keyed"), KEYED_XML));
    }
    if is_xml {
        through_attribute(&at.join("each"), &each.each, problems);
    }
    let Some(split) = &each.split else {
        return;
    };
    check_separator(at, split, problems);
    if each.keyed {
        problems.push(
            Problem::new(
                at.join("split"),
                "`split` cuts a text, but `keyed` says that the list is an object",
            )
            .with_help("keep the one that the upstream sends"),
        );
    }
}

fn read_field(
    at: &KeyPath,
    field: &written::Field,
    scope: FieldScope<'_>,
    problems: &mut Problems,
) -> Option<Field> {
    let sources = match field {
        OneOrMany::One(source) => {
            return Some(Field(vec![read_source(at, source, scope, problems)?]));
        }
        OneOrMany::Many(sources) => sources,
    };
    let mut read = Vec::with_capacity(sources.len());
    for (index, source) in sources.iter().enumerate() {
        let at = at.join(index.to_string());
        if let PathOr::Table(conversion) = source
            && conversion.constant.is_some()
            && index + 1 < sources.len()
        {
            problems.push(
                Problem::new(
                    at.clone(),
                    "a constant is always there, so nothing after it ever counts",
                )
                .with_help("put it at the end of the list"),
            );
        }
        read.push(read_source(&at, source, scope, problems));
    }
    read.into_iter().collect::<Option<_>>().map(Field)
}

fn read_source(
    at: &KeyPath,
    source: &written::Source,
    scope: FieldScope<'_>,
    problems: &mut Problems,
) -> Option<Source> {
    match source {
        PathOr::Path(part) => {
            check_part(at, part, scope, problems);
            Some(Source {
                start: Start::Part(part.clone()),
                conversions: None,
                format: TimeFormat::default(),
            })
        }
        PathOr::Table(conversion) => {
            let start = read_start(at, conversion, problems);
            check_conversion(at, conversion, scope, problems);
            Some(Source {
                start: start?,
                conversions: conversions(conversion),
                format: conversion.format.clone().unwrap_or_default(),
            })
        }
    }
}

/// The conversions in a table; `None` if there are none.
fn conversions(conversion: &Conversion) -> Option<Box<Conversions>> {
    let null = conversion.null.iter().flat_map(OneOrMany::as_slice);
    let values = conversion.values.iter().flatten();
    let conversions = Conversions {
        null: null.map(|Scalar(text)| text.clone()).collect(),
        decode: conversion.decode,
        piece: conversion.split.clone().zip(conversion.take),
        values: values
            .map(|(from, Scalar(to))| (from.clone(), to.clone()))
            .collect(),
        otherwise: conversion.otherwise.clone().map(|Scalar(text)| text),
    };
    (conversions != Conversions::default()).then(|| Box::new(conversions))
}

fn check_part(at: &KeyPath, part: &Part, scope: FieldScope<'_>, problems: &mut Problems) {
    match (part, scope.keyed_by) {
        (Part::Key, Some(why)) => problems.push(key_of_nothing(at, why)),
        (Part::At(path), _) if scope.is_xml => through_attribute(at, path, problems),
        (Part::Key | Part::At(_), _) => {}
    }
}

fn check_conversion(
    at: &KeyPath,
    conversion: &Conversion,
    scope: FieldScope<'_>,
    problems: &mut Problems,
) {
    check_pieces(at, conversion, problems);
    if let Some(path) = &conversion.path {
        check_part(&at.join("path"), path, scope, problems);
    }
    for part in conversion.template.iter().flat_map(FieldTemplate::parts) {
        check_part(&at.join("template"), part, scope, problems);
    }
    if let Some(name) = &conversion.partition
        && !scope.has_partition(name)
    {
        let message = format!("`{name}` is no value of the partitions of a list of groups");
        problems.push(
            Problem::new(at.join("partition"), message)
                .with_help("name one of `partitions.values`, in `fields` of the groups"),
        );
    }
    if conversion.otherwise.is_some() && conversion.values.is_none() {
        problems.push(
            Problem::new(
                at.join("else"),
                "`else` says what becomes of texts that are not in `values`, which is not set",
            )
            .with_help("add `values`, or write `constant` for what is always the same"),
        );
    }
    if conversion.format.is_some() && !scope.is_time {
        problems.push(
            Problem::new(
                at.join("format"),
                "`format` says how a time is written, and this field is not a time",
            )
            .with_help("times are `created_at`, `updated_at` and `deleted_at`"),
        );
    }
}

/// A value comes from one place, and only what was read there may need to be taken apart.
fn read_start(at: &KeyPath, conversion: &Conversion, problems: &mut Problems) -> Option<Start> {
    let origins = [
        ("path", conversion.path.clone().map(Start::Part)),
        ("template", conversion.template.clone().map(Start::Template)),
        (
            "constant",
            (conversion.constant.clone()).map(|Scalar(text)| Start::Constant(text)),
        ),
        (
            "partition",
            conversion.partition.clone().map(Start::Partition),
        ),
    ];
    let mut origins = (origins.into_iter()).filter_map(|(key, start)| Some((key, start?)));
    let Some((origin, start)) = origins.next() else {
        problems.push(
            Problem::new(at.clone(), "nothing says where the value comes from")
                .with_help("name exactly one of `path`, `template`, `constant` and `partition`"),
        );
        return None;
    };
    for (other, _) in origins {
        problems.push(
            Problem::new(
                at.join(other),
                format!("a value comes from one place, not from `{origin}` and `{other}`"),
            )
            .with_help("of several sources in a list, the first that gives a value counts"),
        );
    }
    if origin == "path" {
        return Some(start);
    }
    for (key, is_set) in [
        ("null", conversion.null.is_some()),
        ("decode", conversion.decode.is_some()),
        ("split", conversion.split.is_some()),
        ("take", conversion.take.is_some()),
    ] {
        if is_set {
            problems.push(
                Problem::new(
                    at.join(key),
                    format!("`{key}` is for what stands at a `path`, not for a `{origin}`"),
                )
                .with_help(format!(
                    "beside `{origin}` only `values`, `else` and `format` may stand"
                )),
            );
        }
    }
    Some(start)
}

fn check_pieces(at: &KeyPath, conversion: &Conversion, problems: &mut Problems) {
    match (&conversion.split, conversion.take) {
        (Some(split), Some(_)) => check_separator(at, split, problems),
        (Some(split), None) => {
            check_separator(at, split, problems);
            problems.push(
                Problem::new(
                    at.join("split"),
                    "`split` cuts the text into pieces, but nothing says which one counts",
                )
                .with_help("add `take = \"first\"`, `take = \"last\"` or a number from 0"),
            );
        }
        (None, Some(_)) => problems.push(
            Problem::new(
                at.join("take"),
                "`take` says which piece of a text counts, but nothing cuts it into pieces",
            )
            .with_help("add what it is cut at, as in `split = \"/\"`"),
        ),
        (None, None) => {}
    }
}

fn check_separator(at: &KeyPath, split: &str, problems: &mut Problems) {
    if split.is_empty() {
        problems.push(Problem::new(
            at.join("split"),
            "an empty text cuts nothing: name what stands between the pieces",
        ));
    }
}
