//! What of a record stands in a URL, and the placeholders that take its place there.
//!
//! `https://example.com/groups/17/members` beside a group whose `id` is 17 is `/groups/{group.id}/members`.
//! What the URL of the list of groups has at the same place is no group's.

use std::collections::BTreeMap;
use std::ops::Range;

use percent_encoding::percent_decode_str;
use url::Url;

use super::guess::{Confidence, ProposedLine};
use super::names::NameHint;
use super::record_texts::RecordText;

/// What a request says in place of a URL.
#[derive(Debug, Default)]
pub(super) struct PlacedUrl {
    /// The path, if a placeholder stands in it.
    pub(super) path: Option<PlacedText>,
    /// The parameters of the query in which one stands.
    pub(super) query: BTreeMap<String, PlacedText>,
    /// The origin, where only other lists of the upstream say it.
    pub(super) origin: Option<String>,
}

impl PlacedUrl {
    /// Takes a path for the likely one, unless there is one.
    pub(super) fn guess_path(&mut self, path: Option<String>) {
        let path = path.map(|template| PlacedText {
            template,
            confidence: Confidence::NotSure,
            why: "a recorded body does not show its URL; this is what the other one begins with"
                .to_owned(),
        });
        self.path = self.path.take().or(path);
    }
}

/// A text with placeholders.
#[derive(Debug, Clone)]
pub(super) struct PlacedText {
    pub(super) template: String,
    confidence: Confidence,
    why: String,
}

impl PlacedText {
    pub(super) fn line(&self, key: &str) -> ProposedLine {
        ProposedLine::guess(key, self.template.as_str(), self.confidence, &self.why)
    }
}

/// A text in which braces stand for themselves.
pub(super) fn braced(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A URL in parts.
pub(super) struct UrlParts {
    segments: usize,
    parts: Vec<UrlPart>,
}

struct UrlPart {
    /// The name of the parameter; `None` for a segment of the path.
    parameter: Option<String>,
    /// As it is written in the URL.
    raw: String,
    /// Decoded.
    text: String,
    /// Whether the other URL has it at the same place.
    is_shared: bool,
    placed: Option<PlacedText>,
}

/// Where in a URL a text of a record stands.
pub(super) struct FoundText<'t> {
    part: usize,
    within: Range<usize>,
    pub(super) text: &'t RecordText,
}

impl UrlParts {
    /// The parts of a URL, of which some are those of `other`.
    pub(super) fn of(url: &Url, other: Option<&Url>) -> Self {
        let (mut parts, others) = (parts(url), other.map_or_else(Vec::new, parts));
        for (index, part) in parts.iter_mut().enumerate() {
            part.is_shared = match &part.parameter {
                None => others
                    .get(index)
                    .is_some_and(|other| other.parameter.is_none() && other.text == part.text),
                Some(name) => others
                    .iter()
                    .any(|other| other.parameter.as_ref() == Some(name) && other.text == part.text),
            };
        }
        let segments = parts.iter().filter(|part| part.parameter.is_none()).count();
        Self { segments, parts }
    }

    /// The text that most likely was meant by a part of the URL.
    pub(super) fn find<'t>(&self, texts: &'t [RecordText]) -> Option<FoundText<'t>> {
        let open = self.parts.iter().enumerate();
        let open = open.filter(|(_, part)| !part.is_shared && part.placed.is_none());
        let found = open.flat_map(|(index, part)| {
            texts.iter().filter_map(move |text| {
                let within = part.has(&text.text)?;
                let is_whole = within == (0..part.raw.len());
                let is_told = text.is_id || text.differs;
                let score = (
                    is_told,
                    text.is_id,
                    is_whole,
                    self.is_after_groups(index),
                    within.len(),
                );
                let found = FoundText {
                    part: index,
                    within,
                    text,
                };
                is_told.then_some((score, found))
            })
        });
        let best = found.max_by_key(|(score, _)| *score);
        best.map(|(_, found)| found)
    }

    /// A part of the URL that is one of these texts as a whole.
    pub(super) fn find_whole<'t>(
        &self,
        texts: impl Iterator<Item = &'t RecordText>,
    ) -> Option<FoundText<'t>> {
        let mut texts = texts.filter(|text| text.is_id || text.differs);
        texts.find_map(|text| {
            let is_it =
                |part: &UrlPart| !part.is_shared && part.placed.is_none() && part.text == text.text;
            let part = self.parts.iter().position(is_it)?;
            let within = 0..self.parts[part].raw.len();
            Some(FoundText { part, within, text })
        })
    }

    /// The word before the part in which a text was found.
    pub(super) fn word_before(&self, found: &FoundText<'_>) -> Option<&str> {
        let part = &self.parts[found.part];
        match &part.parameter {
            Some(name) => Some(name),
            None => Some(&self.parts[found.part.checked_sub(1)?].text),
        }
    }

    /// Whether a segment follows a word for groups.
    fn is_after_groups(&self, index: usize) -> bool {
        let before = index
            .checked_sub(1)
            .and_then(|before| self.parts.get(before));
        before.is_some_and(|before| {
            index < self.segments && NameHint::of(&before.text) == NameHint::Sought
        })
    }

    /// Puts a placeholder where a text was found.
    pub(super) fn put(&mut self, found: &FoundText<'_>, placeholder: &str, why: String) {
        let part = &mut self.parts[found.part];
        let (before, after) = (
            &part.raw[..found.within.start],
            &part.raw[found.within.end..],
        );
        part.placed = Some(PlacedText {
            template: format!("{}{{{placeholder}}}{}", braced(before), braced(after)),
            confidence: Confidence::Clear,
            why,
        });
    }

    /// Puts a placeholder wherever this text is a part.
    pub(super) fn put_for(&mut self, text: &RecordText, placeholder: &str, why: &str) {
        let parts = self.parts.iter_mut().filter(|part| part.placed.is_none());
        for part in parts.filter(|part| part.text == text.text) {
            part.placed = Some(PlacedText {
                template: format!("{{{placeholder}}}"),
                confidence: Confidence::Clear,
                why: why.to_owned(),
            });
        }
    }

    /// Puts a placeholder where the id of a group is expected: behind a word for groups.
    pub(super) fn put_behind_groups(&mut self, placeholder: &str, why: &str) -> bool {
        let place = (0..self.segments).rev().find(|index| {
            let part = &self.parts[*index];
            !part.is_shared && part.placed.is_none() && self.is_after_groups(*index)
        });
        let Some(place) = place else {
            return false;
        };
        self.parts[place].placed = Some(PlacedText {
            template: format!("{{{placeholder}}}"),
            confidence: Confidence::NotSure,
            why: why.to_owned(),
        });
        true
    }

    /// What stands before the first placeholder of a group: the path of their list, for all one can tell.
    pub(super) fn path_before(&self) -> Option<String> {
        let segments = &self.parts[..self.segments];
        let is_of_group = |part: &UrlPart| {
            let placed = part.placed.as_ref();
            placed.is_some_and(|placed| !placed.template.contains("{partition."))
        };
        let place = segments.iter().position(is_of_group)?;
        (place > 0).then(|| joined(&segments[..place]))
    }

    /// The URL with its placeholders.
    pub(super) fn finish(self) -> PlacedUrl {
        let segments = &self.parts[..self.segments];
        let placed: Vec<_> = segments
            .iter()
            .filter_map(|part| part.placed.as_ref())
            .collect();
        let path = placed.first().map(|first| {
            let whys = placed.iter().map(|placed| placed.why.as_str());
            PlacedText {
                template: joined(segments),
                confidence: placed
                    .iter()
                    .map(|placed| placed.confidence)
                    .min()
                    .unwrap_or(first.confidence),
                why: whys.collect::<Vec<_>>().join("; "),
            }
        });
        let parameters = self.parts.into_iter().skip(self.segments);
        let query = parameters.filter_map(|part| Some((part.parameter?, part.placed?)));
        PlacedUrl {
            path,
            query: query.collect(),
            origin: None,
        }
    }
}

fn joined(segments: &[UrlPart]) -> String {
    let segments = segments.iter().map(|part| match &part.placed {
        Some(placed) => format!("/{}", placed.template),
        None => format!("/{}", braced(&part.raw)),
    });
    segments.collect()
}

fn parts(url: &Url) -> Vec<UrlPart> {
    let part = |parameter, raw: String, text| UrlPart {
        parameter,
        raw,
        text,
        is_shared: false,
        placed: None,
    };
    let segments = url.path().split('/').skip(1).map(|raw| {
        let text = percent_decode_str(raw).decode_utf8_lossy().into_owned();
        part(None, raw.to_owned(), text)
    });
    let query = url.query_pairs().map(|(name, value)| {
        let value = value.into_owned();
        part(Some(name.into_owned()), value.clone(), value)
    });
    segments.chain(query).collect()
}

impl UrlPart {
    /// Where a text stands in it: all of it, or between what is neither letter nor digit.
    fn has(&self, text: &str) -> Option<Range<usize>> {
        if self.text == text {
            return Some(0..self.raw.len());
        }
        let mut places = self.raw.match_indices(text);
        let is_end = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
        let place = places.find(|(start, _)| {
            let before = self.raw[..*start].chars().next_back();
            let after = self.raw[start + text.len()..].chars().next();
            is_end(before) && is_end(after) && before != Some('%')
        });
        place.map(|(start, _)| start..start + text.len())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::page::format::Page;
    use crate::plan::Format;
    use crate::tools::infer::columns::Columns;
    use crate::tools::infer::part::SampleValue;
    use crate::tools::infer::record_texts::record_texts;

    fn placed(url: &str, other: Option<&str>, records: &Value) -> Option<String> {
        let page = Page::decode(Format::Json, records.to_string().as_bytes()).unwrap();
        let records = SampleValue::root(&page, Format::Json).items().unwrap();
        let columns = Columns::of(&records);
        let texts = record_texts(&records, &columns, &["id".parse().unwrap()]);
        let other = other.map(|other| other.parse().unwrap());
        let mut parts = UrlParts::of(&url.parse().unwrap(), other.as_ref());
        let found = parts.find(&texts)?;
        let name = format!("record/{}", found.text.path);
        parts.put(&found, &name, String::new());
        let placed = parts.finish();
        let query = placed.query.into_iter();
        let query = query.map(|(name, part)| format!("?{name}={}", part.template));
        let path = placed.path.map(|path| path.template).unwrap_or_default();
        Some(path + &query.collect::<String>())
    }

    #[rstest]
    #[case::the_id(
        "http://x/v1/groups/17/members",
        None,
        Some("/v1/groups/{record/id}/members")
    )]
    #[case::in_the_query("http://x/members?group=17&n=2", None, Some("?group={record/id}"))]
    #[case::a_slug(
        "http://x/teams/a%20b/members",
        None,
        Some("/teams/{record/slug}/members")
    )]
    #[case::within_a_segment(
        "http://x/groups(17)/members",
        None,
        Some("/groups({record/id})/members")
    )]
    #[case::of_the_list_as_well(
        "http://x/orgs/17/teams/c/m",
        Some("http://x/orgs/17/teams"),
        Some("/orgs/17/teams/{record/slug}/m")
    )]
    #[case::a_word_of_urls("http://x/teams/members", None, None)]
    #[case::of_all_groups("http://x/o/acme/x", None, None)]
    #[case::a_part_of_a_number("http://x/groups/217/members", None, None)]
    fn what_a_url_has_of_a_record_becomes_a_placeholder(
        #[case] url: &str,
        #[case] other: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let records = json!([
            { "id": 17, "slug": "a b", "type": "teams", "org": "acme", "role": "members" },
            { "id": 18, "slug": "c", "type": "teams", "org": "acme", "role": "members" },
        ]);
        assert_eq!(placed(url, other, &records).as_deref(), expected);
    }
}
