//! Leaves beside the records: totals, tokens, flags, in the body and in headers.

use http::HeaderMap;
use http::header::CONTENT_RANGE;
use toml_edit::Value;

use crate::plan::Path;

use super::guess::table;
use super::names::plain;
use super::part::{SampleValue, page_path};

/// How many leaves are looked at.
const LEAVES: usize = 400;

/// One scalar or null beside the records.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) place: LeafPlace,
    /// Its last name, in plain form.
    pub(super) name: String,
    /// How many names lead to it.
    pub(super) depth: usize,
    /// Its text; `None` for null and for blanks.
    pub(super) text: Option<String>,
    pub(super) is_boolean: bool,
}

/// Where a leaf is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeafPlace {
    Body(Path),
    Header(String),
}

impl LeafPlace {
    /// As a comment shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Body(path) => format!("`{path}`"),
            Self::Header(name) => format!("the header `{name}`"),
        }
    }
}

/// As `gateway.toml` writes it.
impl From<&LeafPlace> for Value {
    fn from(place: &LeafPlace) -> Self {
        match place {
            LeafPlace::Body(path) => path.to_string().into(),
            LeafPlace::Header(name) => table([("header", name.as_str().into())]),
        }
    }
}

impl Leaf {
    pub(super) fn number(&self) -> Option<u64> {
        self.text.as_deref()?.trim().parse().ok()
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        self.text
            .as_deref()?
            .trim()
            .to_ascii_lowercase()
            .parse()
            .ok()
    }

    /// The name that it has in the page, as it is written there, less the mark of an attribute.
    pub(super) fn written(&self) -> Option<&str> {
        match &self.place {
            LeafPlace::Body(path) => path
                .segments()
                .last()
                .map(|name| name.trim_start_matches('@')),
            LeafPlace::Header(_) => None,
        }
    }
}

/// All leaves beside the records, which are at `records`.
pub(super) fn of(root: SampleValue<'_>, records: &[&str], headers: &HeaderMap) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    collect(root, records, &mut Vec::new(), &mut leaves);
    leaves.extend(headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        let text = value.to_str().ok()?.trim();
        // `items 0-49/260` (RFC 9110, section 14.4): what follows the slash is the total.
        let text = match text.rsplit_once('/') {
            Some((_, total)) if name == CONTENT_RANGE.as_str() => total,
            Some(_) | None => text,
        };
        Some(Leaf {
            place: LeafPlace::Header(name.to_owned()),
            name: plain(name.strip_prefix("x-").unwrap_or(name)),
            depth: 1,
            text: (!text.is_empty()).then(|| text.to_owned()),
            is_boolean: false,
        })
    }));
    leaves
}

fn collect<'a>(
    part: SampleValue<'a>,
    records: &[&str],
    names: &mut Vec<&'a str>,
    leaves: &mut Vec<Leaf>,
) {
    let is_records = !names.is_empty() && names == records;
    let is_list = part
        .items()
        .is_some_and(|items| !part.is_xml() || items.len() > 1);
    if is_records || is_list || leaves.len() >= LEAVES {
        return;
    }
    if part.is_null() || part.text().is_some() {
        leaves.extend(leaf(part, names));
    }
    for (name, member) in part.members() {
        names.push(name);
        collect(member, records, names, leaves);
        names.pop();
    }
}

fn leaf(part: SampleValue<'_>, names: &[&str]) -> Option<Leaf> {
    let text = part.text().map(|text| text.trim().to_owned());
    let name = match names {
        // `{"total": {"value": 261, …}}`
        [.., around, "value"] => around,
        _ => names.last()?,
    };
    Some(Leaf {
        place: LeafPlace::Body(page_path(names)?),
        name: plain(name),
        depth: names.len(),
        is_boolean: part.boolean().is_some(),
        text: text.filter(|text| !text.is_empty()),
    })
}
