//! From a sample of an upstream's answers to a block of `gateway.toml`.
//!
//! ```text
//! samples ▸ body ▸ records ▸ columns ▸ fields ─┐
//!                     └────▸ leaves ▸ paging ▸ request ▸ block (TOML with a reason at each key) ▸ walked
//! samples of members, details, partitions, users ▸ related (the same of each, and placed: what of a group is in its URL)
//! ```
//!
//! Pure functions, but for [`samples`], which reads files, [`sample_request`], which asks an upstream once for each, and
//! [`walked`], which walks the block as the gateway would. Only that makes anything in a block certain. A guess is a line
//! of the block, and says how sure it is and why; where the samples say nothing, that is said instead.
//! Comments name members and numbers of the samples, never what stands in their records.

mod block;
mod body;
mod choose;
mod columns;
mod details_sample;
mod draft;
mod fields;
mod fitting_preset;
mod guess;
mod heading;
mod hints;
mod identity;
mod leaves;
mod listed_kind;
mod lists;
mod names;
mod paging;
mod part;
mod partition_sample;
mod people;
mod placed;
mod rating;
mod read_samples;
mod record_texts;
mod recorded;
mod records;
mod refused_sample;
mod related;
mod related_draft;
mod related_lines;
mod request;
mod run;
mod sample;
mod sample_request;
mod samples;
mod secrets;
mod sent;
mod shape;
mod shown_ends;
mod success;
mod times;
mod users_sample;
mod vocabulary;
mod walked;
mod words;

pub use guess::Confidence;
pub(crate) use run::InferRun;
pub use samples::Sample;
pub(crate) use samples::{RelatedSample, SampleRequest};
pub use sent::SentBody;

use std::collections::BTreeMap;
use std::fmt;

use http::StatusCode;
use url::{Host, Url};

use crate::plan::Format;
use crate::redact::identifier;
use crate::terminal::CommandError;

use block::BlockSection;
use draft::Draft;
use fitting_preset::SampleShape;
use guess::ProposedLine;
use heading::heading;
use listed_kind::ListedKind;
use paging::PagingGuess;
use read_samples::ReadSamples;
use related::{ChosenRelated, RelatedDrafts};
use secrets::SecretVariables;
use walked::WalkFindings;
use words::WordList;

/// A block for `gateway.toml`. It prints as TOML that loads.
#[derive(Debug)]
pub struct Proposal {
    name: String,
    records: Confidence,
    text: String,
    flaws: Vec<String>,
    is_readable: bool,
    has_list: bool,
    variables: BTreeMap<String, String>,
    records_at: Vec<String>,
    format: Format,
}

impl Proposal {
    /// What the block is called: `NAME` in `[upstreams.NAME]`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong with it, as `groupgate check` says it.
    fn check(&self) -> Result<(), CommandError> {
        match walked::load(&self.text, &self.variables) {
            Ok(_) => Ok(()),
            Err(problem) => Err(CommandError::new(problem.trim())),
        }
    }

    /// How sure it is of where the groups are.
    pub const fn records(&self) -> Confidence {
        self.records
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Proposes a block that is called after the host that the samples come from.
pub fn propose(samples: &[Sample]) -> Proposal {
    propose_as(&usual_name(samples), samples)
}

/// Proposes a block of this name. Names are for `check` to judge.
pub fn propose_as(name: &str, samples: &[Sample]) -> Proposal {
    let reading = ReadSamples::of(samples);
    let draft = Draft::of(&reading, ListedKind::Groups);
    let paging = draft.pagings().into_iter().next().unwrap_or_default();
    draft.write(name, paging, None, None)
}

/// What is written beside a list of groups: the lists that belong to it.
type WrittenRelated<'w, 'd, 'r, 'a> = (&'w RelatedDrafts<'r, 'a>, &'w [ChosenRelated<'d, 'r, 'a>]);

impl<'r, 'a> Draft<'r, 'a> {
    /// What is compared with the presets.
    fn shape<'d>(&'d self, name: &'d str) -> SampleShape<'d, 'r> {
        SampleShape {
            name,
            records: &self.records.path,
            is_xml: self.reading.format() == Format::Xml,
            columns: &self.columns,
            seen: &self.seen,
            sample: self.reading.all.first(),
        }
    }

    /// The block, and above it what a walk by it has shown.
    fn write(
        &self,
        name: &str,
        paging: PagingGuess,
        walked: Option<&WalkFindings>,
        related: Option<WrittenRelated<'_, '_, 'r, 'a>>,
    ) -> Proposal {
        let is_proven = walked.is_some_and(WalkFindings::is_proof);
        let paging = paging.confirmed_if(is_proven);
        let chosen = related.map_or(&[][..], |(_, chosen)| chosen);
        let heading = heading(self.reading, walked, chosen);
        let mut secrets = SecretVariables::of(name);
        let lists: Vec<_> = chosen.iter().map(|one| one.related.list).collect();
        let drafts = related.map(|(drafts, _)| drafts);
        let columns = drafts.and_then(|drafts| drafts.detailed.as_ref());
        let fields = fields::guess(columns.unwrap_or(&self.columns), &self.records, &lists);
        let placed = drafts.map(|drafts| &drafts.groups);
        let hints = hints::tables(self, &fields, &lists);
        let mut sections = self.sections(&mut secrets, &paging, placed, fields, is_proven);
        if let Some(first) = sections.first_mut().filter(|_| !chosen.is_empty()) {
            let why = "a walk asks for something of every group; `groupgate check` says whether it is long \
                       enough";
            first.lines.push(ProposedLine::likely("ttl", "15m", why));
        }
        for one in chosen {
            let is_proven = one.is_proven();
            let paging = one.paging.clone().confirmed_if(is_proven);
            sections.extend(one.related.sections(&mut secrets, &paging, is_proven));
        }
        sections.extend(hints);
        self.proposal(name, &heading, &sections, secrets)
    }

    /// The block by which the list is walked as if it were one of groups, with these `fields`.
    fn write_to_walk(
        &self,
        name: &str,
        paging: &PagingGuess,
        fields: Vec<ProposedLine>,
    ) -> Proposal {
        let mut secrets = SecretVariables::of(name);
        let sections = self.sections(&mut secrets, paging, None, fields, false);
        self.proposal(name, &[], &sections, secrets)
    }

    fn proposal(
        &self,
        name: &str,
        heading: &[String],
        sections: &[BlockSection],
        secrets: SecretVariables,
    ) -> Proposal {
        Proposal {
            text: block::write(name, heading, sections),
            name: name.to_owned(),
            records: self.records.confidence,
            flaws: self.reading.flaws.clone(),
            is_readable: !self.reading.pages.is_empty(),
            has_list: self.records.is_found,
            variables: secrets.values,
            records_at: self.records.names.iter().map(ToString::to_string).collect(),
            format: self.reading.format(),
        }
    }

    fn sections(
        &self,
        secrets: &mut SecretVariables,
        paging: &PagingGuess,
        placed: Option<&placed::PlacedUrl>,
        fields: Vec<ProposedLine>,
        is_proven: bool,
    ) -> Vec<BlockSection> {
        let leaves: Vec<_> = self
            .seen
            .iter()
            .map(|seen| seen.leaves.as_slice())
            .collect();
        let first = self.reading.pages.first();
        let status = first.map_or(StatusCode::OK, |(sample, _)| sample.status);
        let sample = self.reading.all.first();
        let request = request::guess(secrets, sample, &self.seen, paging, placed);
        let mut block = request.base_url;
        block.extend(request.auth);
        block.extend(self.reading.format_lines());
        block.push(self.records.line(&self.columns));
        block.extend(success::guess(status, &leaves));
        let section = |path: &[&'static str], lines| BlockSection {
            path: path.to_vec(),
            lines,
            is_proven,
            is_suggestion: false,
        };
        vec![
            section(&[], block),
            section(&["request"], request.request),
            section(&["request", "headers"], request.headers),
            section(&["request", "query"], request.query),
            section(&["request", "form"], request.form),
            section(&["pagination"], paging.lines.clone()),
            section(&["fields"], fields),
        ]
    }
}

/// Parts of a host name that do not identify its owner.
const USUAL_LABELS: WordList = WordList("api www openapi rest app gateway com co");

/// What a block is called for the upstream that samples come from: the part of its host's name that was
/// registered, as far as can be told.
fn usual_name(samples: &[Sample]) -> String {
    let url = samples.iter().find_map(|sample| sample.url.as_ref());
    let usual = || "upstream".to_owned();
    let Some(Host::Domain(domain)) = url.and_then(Url::host) else {
        return usual();
    };
    let labels: Vec<_> = domain.split('.').collect();
    // The last one is the top level domain.
    let own = labels.split_last().map_or(&[][..], |(_, own)| own);
    let label = own.iter().rev().find(|label| !USUAL_LABELS.contains(label));
    let name = label.map(|label| identifier(label)).unwrap_or_default();
    let name: String = name.chars().take(64).collect();
    if name.is_empty() { usual() } else { name }
}
