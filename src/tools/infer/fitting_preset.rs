//! A preset that fits the samples: it is named instead of guessing.
//!
//! What a preset says of records, fields and paths is compared with what the samples show; no API is
//! known by name here.

use std::collections::BTreeMap;

use toml::{Table, Value};
use url::{Position, Url};

use crate::presets::{self, Preset};

use super::block::{self, BlockSection};
use super::columns::Columns;
use super::guess::ProposedLine;
use super::guess::{LineEntry, table};
use super::paging::{PageSample, PagingGuess, is_position};
use super::request;
use super::samples::Sample;
use super::secrets::SecretVariables;
use super::walked::WalkFindings;

/// What is compared with the presets.
pub(super) struct SampleShape<'d, 'a> {
    pub(super) name: &'d str,
    pub(super) records: &'d str,
    pub(super) is_xml: bool,
    pub(super) columns: &'d Columns<'a>,
    pub(super) seen: &'d [PageSample<'a>],
    pub(super) sample: Option<&'d Sample>,
}

/// A preset that fits.
pub(super) struct FittingPreset {
    preset: Preset,
    /// The path of the sample's URL before the preset's, and the values of its placeholders.
    path: Option<MatchedPath>,
    /// How many of its fields the records have, and of how many.
    fields: (usize, usize),
    score: usize,
}

struct MatchedPath {
    prefix: String,
    vars: Vec<(String, String)>,
}

/// The preset that fits best; of two that fit alike, the one that reads more.
pub(super) fn find(shape: &SampleShape<'_, '_>) -> Option<FittingPreset> {
    let fitting = presets::names()
        .filter_map(presets::get)
        .filter_map(|preset| fit(preset, shape));
    fitting.max_by_key(|fit| (fit.score, fit.fields.0))
}

fn fit(preset: Preset, shape: &SampleShape<'_, '_>) -> Option<FittingPreset> {
    let adapter: Table = preset.text.parse().ok()?;
    let records = adapter.get("records")?;
    let records = records.get("at").unwrap_or(records).as_str()?;
    let is_xml = adapter.get("format").and_then(Value::as_str) == Some("xml");
    if records != shape.records || is_xml != shape.is_xml {
        return None;
    }
    let fields = adapter.get("fields")?.as_table()?;
    let is_filled = |key: &str| {
        let mut paths = fields.get(key).into_iter().flat_map(paths);
        paths.any(|path| {
            let mut columns = shape.columns.all.iter();
            columns.any(|column| {
                column.path.to_string() == path && column.filled() == shape.columns.records
            })
        })
    };
    if !is_filled("id") || !is_filled("name") || shape.columns.records == 0 {
        return None;
    }
    let has = |path: &str| {
        let mut columns = shape.columns.all.iter();
        columns.any(|column| column.path.to_string() == path)
    };
    let found = fields
        .values()
        .filter(|field| paths(field).any(has))
        .count();
    let all = fields.len();
    let request = adapter.get("request")?;
    let url = shape.seen.iter().find_map(|seen| seen.url);
    let path = match url {
        Some(url) => Some(matched(request.get("path")?.as_str()?, url)?),
        None => None,
    };
    let is_enough = match path {
        Some(_) => 5 * found >= 3 * all,
        None => found >= 5 && 5 * found >= 4 * all,
    };
    let asked = shape.seen.first().map(PageSample::parameters);
    let asked = asked.unwrap_or_default();
    let query = request.get("query").and_then(Value::as_table);
    let parameters = query.map_or(0, |query| {
        let known = query
            .keys()
            .filter(|key| asked.iter().any(|(name, _)| name == *key));
        known.count()
    });
    is_enough.then_some(FittingPreset {
        preset,
        path,
        fields: (found, all),
        score: 100 * found / all + 20 * parameters + 20 * usize::from(pages_fit(&adapter, shape)),
    })
}

/// Whether a page has what the preset's paging reads.
fn pages_fit(adapter: &Table, shape: &SampleShape<'_, '_>) -> bool {
    let Some(paging) = adapter.get("pagination").and_then(Value::as_table) else {
        return false;
    };
    let mut places = ["next", "total", "pages"].into_iter();
    places.any(|key| {
        let place = paging.get(key).and_then(Value::as_str);
        let leaves = shape.seen.iter().flat_map(|seen| &seen.leaves);
        let shown = leaves.map(|leaf| leaf.place.shown());
        place.is_some_and(|place| shown.into_iter().any(|shown| shown == format!("`{place}`")))
    })
}

/// The paths of a field.
fn paths(field: &Value) -> impl Iterator<Item = &str> {
    let place = field
        .get("each")
        .or_else(|| field.get("path"))
        .unwrap_or(field);
    let one = std::slice::from_ref(place);
    let many = place.as_array().map_or(one, Vec::as_slice);
    many.iter().filter_map(Value::as_str)
}

/// The preset's path at the end of the URL's.
fn matched(template: &str, url: &Url) -> Option<MatchedPath> {
    let wanted: Vec<_> = template.trim_matches('/').split('/').collect();
    let there: Vec<_> = url.path().trim_matches('/').split('/').collect();
    let before = there.len().checked_sub(wanted.len())?;
    let mut vars = Vec::new();
    for (wanted, there) in wanted.iter().zip(&there[before..]) {
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => vars.push((name.to_owned(), (*there).to_owned())),
            None if wanted == there => {}
            None => return None,
        }
    }
    let prefix = there[..before].iter().map(|part| format!("/{part}"));
    Some(MatchedPath {
        prefix: prefix.collect(),
        vars,
    })
}

impl FittingPreset {
    /// The block that names it, and what its variables hold.
    pub(super) fn write(
        &self,
        shape: &SampleShape<'_, '_>,
        walked: Option<&WalkFindings>,
    ) -> (String, BTreeMap<String, String>) {
        let mut secrets = SecretVariables::of(shape.name);
        let request = request::guess(
            &mut secrets,
            shape.sample,
            shape.seen,
            &PagingGuess::default(),
            None,
        );
        let Preset { name, title, .. } = self.preset;
        let (found, all) = self.fields;
        let by_path = if self.path.is_some() {
            "its path, "
        } else {
            ""
        };
        let mut heading = vec![format!(
            "The preset `{name}` ({title}) fits: {by_path}its records and {found} of its {all} fields \
             are in the sample. `groupgate presets {name}` prints what it says; `--no-preset` guesses \
             instead."
        )];
        heading.push(match walked {
            Some(walked) => walked.sentence(true),
            None => {
                "Not certain: this block was not walked. `groupgate probe` walks it.".to_owned()
            }
        });
        let mut lines = vec![ProposedLine::clear("preset", name, "see above")];
        lines.push(self.base_url(shape));
        let is_set = |line: &ProposedLine| matches!(line.entry, LineEntry::Set(..));
        let credentials: Vec<_> = request.auth.into_iter().filter(is_set).collect();
        if credentials.is_empty() && self.path.is_some() {
            let why = "the sample was requested without credentials";
            let none = table([("type", "none".into())]);
            lines.push(ProposedLine::clear("auth", none, why));
        }
        lines.extend(credentials);
        let placeholders = self.path.iter().flat_map(|path| &path.vars);
        let why = "from the sample's URL";
        let (mut vars, mut partitions) = (Vec::new(), Vec::new());
        for (name, value) in placeholders {
            match name.strip_prefix("partition.") {
                // The one that the sample was of; the preset may list them all.
                Some(name) => {
                    let values = toml_edit::Array::from_iter([value.as_str()]);
                    partitions.push(ProposedLine::clear(name, values, why));
                }
                None => vars.push(ProposedLine::clear(name, value.as_str(), why)),
            }
        }
        let known: Option<Table> = self.preset.text.parse().ok();
        let known = known.as_ref().and_then(|adapter| adapter.get("request"));
        let is_new = |table: &str, line: &ProposedLine| {
            let table = known.and_then(|request| request.get(table)?.as_table());
            match &line.entry {
                LineEntry::Set(key, _) => {
                    let same = |known: &String| known.eq_ignore_ascii_case(key);
                    // How its pages follow each other, the preset says.
                    !is_position(key) && table.is_none_or(|table| !table.keys().any(same))
                }
                LineEntry::Suggested(..) | LineEntry::Nothing => false,
            }
        };
        let new = |table: &'static str, lines: Vec<ProposedLine>| -> Vec<ProposedLine> {
            let lines = lines.into_iter();
            lines.filter(|line| is_new(table, line)).collect()
        };
        let is_proven = walked.is_some_and(WalkFindings::is_proof);
        let section = |path: &[&'static str], lines| BlockSection {
            path: path.to_vec(),
            lines,
            is_proven,
            is_suggestion: false,
        };
        let sections = [
            section(&[], lines),
            section(&["request", "vars"], vars),
            section(&["partitions", "values"], partitions),
            section(&["request", "headers"], new("headers", request.headers)),
            section(&["request", "query"], new("query", request.query)),
        ];
        let text = block::write(shape.name, &heading, &sections);
        (text, secrets.values)
    }

    fn base_url(&self, shape: &SampleShape<'_, '_>) -> ProposedLine {
        let url = shape.seen.iter().find_map(|seen| seen.url);
        match (url, &self.path) {
            (Some(url), Some(path)) => {
                let host = &url[Position::BeforeHost..Position::AfterPort];
                let base_url = format!("{}://{host}{}", url.scheme(), path.prefix);
                ProposedLine::clear("base_url", base_url, "from the sample's URL")
            }
            _ => ProposedLine::fill_in(
                "base_url",
                "https://api.example.com",
                "a recorded body does not show its URL.",
            ),
        }
    }
}
