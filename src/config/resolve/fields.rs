//! Fields: conversions that cannot be meant together, and keys of what is not keyed.

use crate::config::Upstream;
use crate::plan::field::Template;
use crate::plan::{Conversion, Each, Field, Fields, Format, Part, PathOr};
use crate::problem::{KeyPath, Problem, Problems};

use super::paths::through_attribute;
use super::records::KEYED_XML;

pub(super) fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let at = at.join("fields");
    let is_xml = upstream.format == Format::Xml;
    let scope = |keyed_by, is_time| Scope {
        keyed_by,
        is_time,
        is_xml,
    };
    let records = (!upstream.records.keyed()).then_some("`records` has no `keyed = true`");
    for (key, field) in texts(&upstream.fields) {
        check_field(&at.join(key), field, scope(records, false), problems);
    }
    for (key, field) in times(&upstream.fields) {
        check_field(&at.join(key), field, scope(records, true), problems);
    }
    for (key, each) in people(&upstream.fields) {
        let at = at.join(key);
        check_each(&at, each, is_xml, problems);
        let people = (!each.keyed).then_some("the list of people has no `keyed = true`");
        for (key, field) in [("id", &each.id), ("email", &each.email)] {
            if let Some(field) = field {
                check_field(&at.join(key), field, scope(people, false), problems);
            }
        }
    }
}

/// What the fields around a source allow in it.
#[derive(Clone, Copy)]
struct Scope {
    /// Why `$key` stands for nothing here, where it does not.
    keyed_by: Option<&'static str>,
    is_time: bool,
    is_xml: bool,
}

fn texts(fields: &Fields) -> Vec<(&'static str, &Field)> {
    let always = [("id", &fields.id), ("name", &fields.name)];
    let optional = [
        ("description", &fields.description),
        ("email", &fields.email),
        ("status", &fields.status),
        ("organization_id", &fields.organization_id),
        ("external_id", &fields.external_id),
        ("parent_id", &fields.parent_id),
        ("path", &fields.path),
        ("url", &fields.url),
        ("logo_url", &fields.logo_url),
        ("member_count", &fields.member_count),
    ];
    always.into_iter().chain(set(optional)).collect()
}

fn times(fields: &Fields) -> impl Iterator<Item = (&'static str, &Field)> {
    set([
        ("created_at", &fields.created_at),
        ("updated_at", &fields.updated_at),
        ("deleted_at", &fields.deleted_at),
    ])
}

fn people(fields: &Fields) -> impl Iterator<Item = (&'static str, &Each)> {
    set([
        ("members", &fields.members),
        ("admins", &fields.admins),
        ("guests", &fields.guests),
    ])
}

/// Those that the file has.
fn set<'a, T, const N: usize>(
    keys: [(&'static str, &'a Option<T>); N],
) -> impl Iterator<Item = (&'static str, &'a T)> {
    keys.into_iter()
        .filter_map(|(key, value)| Some((key, value.as_ref()?)))
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

fn check_field(at: &KeyPath, field: &Field, scope: Scope, problems: &mut Problems) {
    let sources = field.as_slice();
    let is_list = matches!(field, Field::Many(_));
    for (index, source) in sources.iter().enumerate() {
        let at = if is_list {
            at.join(index.to_string())
        } else {
            at.clone()
        };
        match source {
            PathOr::Path(part) => check_part(&at, part, scope, problems),
            PathOr::Table(conversion) => {
                check_conversion(&at, conversion, scope, problems);
                if conversion.constant.is_some() && index + 1 < sources.len() {
                    problems.push(
                        Problem::new(
                            at,
                            "a constant is always there, so nothing after it ever counts",
                        )
                        .with_help("put it at the end of the list"),
                    );
                }
            }
        }
    }
}

fn check_part(at: &KeyPath, part: &Part, scope: Scope, problems: &mut Problems) {
    match (part, scope.keyed_by) {
        (Part::Key, Some(why)) => problems.push(
            Problem::new(at.clone(), format!("`$key` stands for nothing here: {why}"))
                .with_help("set it where the list is an object whose names are part of the data"),
        ),
        (Part::At(path), _) if scope.is_xml => through_attribute(at, path, problems),
        (Part::Key | Part::At(_), _) => {}
    }
}

fn check_conversion(at: &KeyPath, conversion: &Conversion, scope: Scope, problems: &mut Problems) {
    check_origin(at, conversion, problems);
    check_pieces(at, conversion, problems);
    if let Some(path) = &conversion.path {
        check_part(&at.join("path"), path, scope, problems);
    }
    for part in conversion.template.iter().flat_map(Template::parts) {
        check_part(&at.join("template"), part, scope, problems);
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
                "`format` says how a time is written, and this field is no time",
            )
            .with_help("times are `created_at`, `updated_at` and `deleted_at`"),
        );
    }
}

/// A value comes from one place, and only what was read there may need to be taken apart.
fn check_origin(at: &KeyPath, conversion: &Conversion, problems: &mut Problems) {
    let origins = [
        ("path", conversion.path.is_some()),
        ("template", conversion.template.is_some()),
        ("constant", conversion.constant.is_some()),
    ];
    let mut origins = (origins.into_iter()).filter_map(|(key, is_set)| is_set.then_some(key));
    let Some(origin) = origins.next() else {
        problems.push(
            Problem::new(at.clone(), "nothing says where the value comes from")
                .with_help("name exactly one of `path`, `template` and `constant`"),
        );
        return;
    };
    for other in origins {
        problems.push(
            Problem::new(
                at.join(other),
                format!("a value comes from one place, not from `{origin}` and `{other}`"),
            )
            .with_help("of several sources in a list, the first that gives a value counts"),
        );
    }
    if origin == "path" {
        return;
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
