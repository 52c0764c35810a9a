//! The files as written: what stands where, what they say, and what of it may be shown.

use std::collections::BTreeMap;
use std::ops::Range;

use config::{Map, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::as_written;
use super::mask::{self, Masked};
use super::report::{FilePlace, Finding, Report, ShownFile};
use super::upstream::Auth;
use crate::problem::{KeyPath, Problem};

/// The key under which upstreams are described.
pub(super) const UPSTREAMS: &str = "upstreams";

/// The key that names other files.
pub(super) const INCLUDE: &str = "include";

/// One key, or one item of a list, in a file.
#[derive(Debug, Clone)]
pub(super) struct KeySpan {
    /// Which of the files, by number.
    pub(super) file: usize,
    /// What to point at: the assignment, or the head of a table, or the item.
    pub(super) span: Range<usize>,
    /// Whether it is a table.
    pub(super) is_table: bool,
    /// Whether it is a list.
    pub(super) is_list: bool,
}

/// What the files say together, and where they say it.
#[derive(Debug, Clone, Default)]
pub(super) struct Document {
    /// What stands where, in bytes of the text as written.
    pub(super) places: BTreeMap<KeyPath, KeySpan>,
    /// What the files say, as the layer that others are laid over.
    pub(super) layer: Map<String, Value>,
    /// Values that TOML can write and no setting can take.
    pub(super) problems: Vec<Problem>,
    /// What is wrong at a place that no key leads to.
    pub(super) findings: Vec<Finding>,
    /// Where the text stops being TOML, in bytes as written. What follows can only mislead.
    end_of_toml: Option<usize>,
    /// Which of the files that it includes are not TOML, by the items that name them. What upstreams they describe,
    /// nobody knows.
    pub(super) broken: Vec<KeyPath>,
    pub(super) files: Vec<MaskedFile>,
    secrets: Vec<Range<usize>>,
    /// The text as written, while it is read.
    text: String,
}

/// A file, and its text as it may be shown.
#[derive(Debug, Clone)]
pub(super) struct MaskedFile {
    pub(super) name: String,
    shown: Masked,
}

impl Document {
    /// Reads the text of the file of this name.
    pub(super) fn read(name: &str, text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let span = errors.first().map(toml::de::Error::span);
        let mut document = Self {
            text: text.to_owned(),
            end_of_toml: span.map(|span| span.map_or(0, |span| span.start)),
            ..Self::default()
        };
        document.layer = document.table(&KeyPath::default(), table.get_ref(), None);
        document.text.clear();
        let mut secrets = std::mem::take(&mut document.secrets);
        if !errors.is_empty() {
            secrets.extend(mask::secrets_by_looks(text));
        }
        let shown = Masked::new(text, secrets);
        // What is wrong after the first error may be wrong only because of it.
        let first = errors.into_iter().next().map(|error| Finding {
            help: syntax_help(error.message()).map(str::to_owned),
            place: error.span().map(|span| FilePlace {
                file: 0,
                span: shown.range(&span),
            }),
            ..Finding::outside(error.message().replace(", expected nothing", ""))
        });
        document.findings.extend(first);
        document.files.push(MaskedFile {
            name: name.to_owned(),
            shown,
        });
        document
    }

    /// Whether its text is TOML.
    pub(super) const fn is_toml(&self) -> bool {
        self.end_of_toml.is_none()
    }

    /// Whether files that it includes could not be read: they may describe any upstream.
    pub(super) fn lacks_upstreams(&self) -> bool {
        let problems = self.problems.iter().map(|problem| &problem.at);
        let include = KeyPath::new([INCLUDE]);
        let mut lacking = self.broken.iter().chain(problems);
        lacking.any(|at| at.is_within(&include))
    }

    /// The patterns of files that it includes, as far as they are texts, and where each stands.
    pub(super) fn includes(&self) -> Vec<(KeyPath, String)> {
        let Some(ValueKind::Array(items)) = self.layer.get(INCLUDE).map(|list| &list.kind) else {
            return Vec::new();
        };
        let at = KeyPath::new([INCLUDE]);
        let texts = items.iter().enumerate().filter_map(|(index, item)| {
            let ValueKind::String(text) = &item.kind else {
                return None;
            };
            let at = at.join(index.to_string());
            let end = self.places.get(&at)?.span.end;
            let is_certain = self.end_of_toml.is_none_or(|from| end <= from);
            is_certain.then(|| (at, text.clone()))
        });
        texts.collect()
    }

    /// A report on the files, with what was found of them by place.
    pub(super) fn report(&self, findings: impl IntoIterator<Item = Finding>) -> Report {
        let findings = self.findings.iter().cloned().chain(findings);
        Report::new(self.shown_files(), findings.collect())
    }

    /// The files as reports show them.
    pub(super) fn shown_files(&self) -> Vec<ShownFile> {
        let files = self.files.iter().map(|file| ShownFile {
            name: file.name.clone(),
            text: file.shown.text.clone(),
        });
        files.collect()
    }

    /// The upstreams that the files have.
    pub(super) fn upstreams(&self) -> impl Iterator<Item = &str> {
        self.places.keys().filter_map(|at| match at.keys() {
            [upstreams, name] if upstreams == UPSTREAMS => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether the files have a table at a key.
    pub(super) fn is_table(&self, at: &KeyPath) -> bool {
        self.places.get(at).is_some_and(|place| place.is_table)
    }

    /// Whether the files have a list at a key.
    pub(super) fn is_list(&self, at: &KeyPath) -> bool {
        self.places.get(at).is_some_and(|place| place.is_list)
    }

    /// Where to point for a key: at its own place, or else at the nearest table around it that the
    /// files have.
    pub(super) fn place_of(&self, at: &KeyPath) -> Option<FilePlace> {
        std::iter::successors(Some(at.clone()), KeyPath::parent)
            .find_map(|at| self.places.get(&at))
            .map(|place| self.shown(place))
    }

    /// A problem, where it stands.
    pub(super) fn locate(&self, problem: Problem) -> Finding {
        Finding {
            place: self.place_of(&problem.at),
            help: problem.help,
            ..Finding::outside(problem.message)
        }
    }

    /// The problems of files that it includes, where they are named.
    pub(super) fn problems_of_parts(&self) -> Vec<Finding> {
        let include = KeyPath::new([INCLUDE]);
        let problems = self.problems.iter();
        let problems = problems.filter(|problem| problem.at.is_within(&include));
        problems
            .map(|problem| self.locate(problem.clone()))
            .collect()
    }

    /// A place in the text as shown.
    pub(super) fn shown(&self, place: &KeySpan) -> FilePlace {
        let file = self.files.get(place.file);
        FilePlace {
            file: place.file,
            span: file.map_or(0..0, |file| file.shown.range(&place.span)),
        }
    }

    fn table(
        &mut self,
        at: &KeyPath,
        table: &DeTable<'_>,
        scheme: Option<&str>,
    ) -> Map<String, Value> {
        let scheme = scheme_of(at, table).or(scheme);
        let mut values = Map::new();
        for (key, value) in table {
            let at = at.join(key.get_ref().clone());
            self.place(at.clone(), &key.span(), value);
            let value = self.value(&at, value, scheme);
            values.insert(key.get_ref().clone().into_owned(), value.into());
        }
        values
    }

    fn list(&mut self, at: &KeyPath, items: &DeArray<'_>, scheme: Option<&str>) -> Vec<Value> {
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let at = at.join(index.to_string());
            self.place(at.clone(), &item.span(), item);
            values.push(self.value(&at, item, scheme).into());
        }
        values
    }

    fn value(
        &mut self,
        at: &KeyPath,
        value: &Spanned<DeValue<'_>>,
        scheme: Option<&str>,
    ) -> ValueKind {
        let is_plain = !value.get_ref().is_table() && !value.get_ref().is_array();
        let is_body = at.keys().last().is_some_and(|key| key == "body");
        let has_secret = value.get_ref().as_str().is_some_and(|text| {
            mask::has_secret(text) || (is_body && mask::has_secret_in_body(text))
        });
        if is_plain && (has_secret || mask::may_be_secret(at, scheme)) {
            self.secrets.push(value.span());
        }
        if let Some(sent) = as_written::sent(at)
            && let Some(written) =
                as_written::value(value.get_ref(), &self.text[value.span()], sent)
        {
            return written.unwrap_or_else(|problem| {
                self.problems.push(Problem::new(at.clone(), problem));
                ValueKind::I64(0)
            });
        }
        match value.get_ref() {
            DeValue::String(text) => ValueKind::String(text.clone().into_owned()),
            DeValue::Integer(number) => ValueKind::I64(self.whole_number(at, number)),
            DeValue::Float(number) => ValueKind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(bool) => ValueKind::Boolean(*bool),
            DeValue::Datetime(time) => ValueKind::String(time.to_string()),
            DeValue::Array(items) => ValueKind::Array(self.list(at, items, scheme)),
            DeValue::Table(table) => ValueKind::Table(self.table(at, table, scheme)),
        }
    }

    fn whole_number(&mut self, at: &KeyPath, number: &DeInteger<'_>) -> i64 {
        i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
            self.problems
                .push(Problem::new(at.clone(), "the number is too large"));
            0
        })
    }

    fn place(&mut self, at: KeyPath, key: &Range<usize>, value: &Spanned<DeValue<'_>>) {
        let is_table = value.get_ref().is_table();
        let is_list = value.get_ref().is_array();
        let end = if is_table || is_list {
            key.end
        } else {
            value.span().end.max(key.end)
        };
        let place = KeySpan {
            file: 0,
            span: key.start..end,
            is_table,
            is_list,
        };
        self.places.insert(at, place);
    }
}

/// What to do about the syntax errors that people make most.
fn syntax_help(message: &str) -> Option<&'static str> {
    let starts = |words: &[&str]| words.iter().any(|word| message.starts_with(word));
    if starts(&["duplicate key"]) {
        return Some("a table has each key once: keep one of the two");
    }
    if starts(&[
        "invalid float",
        "invalid integer",
        "invalid datetime",
        "string values must be quoted",
    ]) {
        return Some("a text stands in quotes, as in `\"127.0.0.1:8080\"`");
    }
    if starts(&["invalid basic string", "invalid literal string"]) {
        return Some("close the text with the quote that it started with");
    }
    None
}

/// The scheme that an `auth` table names, or a login in its chain.
fn scheme_of<'a>(at: &KeyPath, table: &'a DeTable<'_>) -> Option<&'a str> {
    let is_auth = mask::auths_around(at).next().as_ref() == Some(at);
    is_auth
        .then(|| table.get(Auth::TAG))
        .flatten()
        .and_then(|tag| tag.get_ref().as_str())
}
