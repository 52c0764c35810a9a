//! From a sample of an upstream's answers to a block of `gateway.toml`.
//!
//! ```text
//! samples ▸ body ▸ records ▸ columns ▸ fields ─┐
//!                     └────▸ leaves ▸ paging ▸ request ▸ block (TOML with a reason at each key)
//! ```
//!
//! Pure functions, but for [`samples`], which reads files or asks an upstream once. A guess is a line
//! of the block, and says how sure it is and why; where the samples say nothing, that is said instead.
//! Comments name members and numbers of the samples, never what stands in their records.

mod block;
mod body;
mod choose;
mod columns;
mod fields;
mod guess;
mod identity;
mod leaves;
mod lists;
mod names;
mod paging;
mod part;
mod people;
mod rating;
mod records;
mod request;
pub(crate) mod samples;
mod shape;
mod success;
mod times;
mod vocabulary;
mod words;

pub use guess::Confidence;
pub use samples::Sample;

use std::fmt;

use http::{HeaderMap, StatusCode};
use url::{Host, Url};

use crate::plan::Format;
use crate::tools::redact::identifier;

use block::BlockSection;
use body::SampleBody;
use columns::Columns;
use guess::ProposedLine;
use paging::{PageSample, PagingGuess};
use records::RecordGuess;
use request::RequestGuess;
use words::WordList;

/// A block for `gateway.toml`. It prints as TOML that loads.
#[derive(Debug)]
pub struct Proposal {
    name: String,
    records: Confidence,
    text: String,
}

impl Proposal {
    /// What the block is called: `NAME` in `[upstreams.NAME]`.
    pub fn name(&self) -> &str {
        &self.name
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
    let url = samples.iter().find_map(|sample| sample.url.as_ref());
    propose_as(&usual_name(url), samples)
}

/// Proposes a block of this name. Names are for `check` to judge.
pub fn propose_as(name: &str, samples: &[Sample]) -> Proposal {
    let reading = ReadSamples::of(samples);
    let bodies: Vec<_> = reading.pages.iter().map(|(_, body)| body).collect();
    let records = records::find(&bodies);
    let columns = Columns::of(&records.all());
    let seen = reading.seen(&records);
    let paging = paging::guess(&seen);
    let none = HeaderMap::new();
    let sent = samples.first().map_or(&none, |sample| &sample.sent);
    let request = request::guess(name, &seen, sent, &paging);
    let sections = sections(&reading, &records, &columns, &seen, request, paging);
    Proposal {
        text: block::write(name, &heading(samples.len(), &reading), &sections),
        name: name.to_owned(),
        records: records.confidence,
    }
}

/// The samples, read.
struct ReadSamples<'a> {
    pages: Vec<(&'a Sample, SampleBody)>,
    /// Why others were not.
    flaws: Vec<String>,
}

impl<'a> ReadSamples<'a> {
    fn of(samples: &'a [Sample]) -> Self {
        let mut reading = Self {
            pages: Vec::new(),
            flaws: Vec::new(),
        };
        for (index, sample) in samples.iter().enumerate() {
            if let Err(flaw) = reading.add(sample) {
                let flaw = format!("Sample {} was not used: {flaw}.", index + 1);
                reading.flaws.push(flaw);
            }
        }
        reading
    }

    fn add(&mut self, sample: &'a Sample) -> Result<(), String> {
        let body = SampleBody::read(sample.status, &sample.body)?;
        if let Some((_, first)) = self.pages.first()
            && first.format != body.format
        {
            return Err("its format differs from the first one's".to_owned());
        }
        self.pages.push((sample, body));
        Ok(())
    }

    fn seen<'s>(&'s self, records: &RecordGuess<'s>) -> Vec<PageSample<'s>> {
        self.pages
            .iter()
            .zip(&records.pages)
            .map(|((sample, body), page)| PageSample {
                url: sample.url.as_ref(),
                headers: &sample.headers,
                leaves: leaves::of(body.root(), &records.names, &sample.headers),
                records: page.clone(),
            })
            .collect()
    }

    /// The lines for what the bodies are written in.
    fn format_lines(&self) -> Vec<ProposedLine> {
        let Some((_, body)) = self.pages.first() else {
            return Vec::new();
        };
        let (word, why) = match body.format {
            Format::Json => ("json", "the body is JSON"),
            Format::Xml => ("xml", "the body is XML"),
        };
        let mut line = ProposedLine::certain("format", word, why);
        if body.is_marked {
            line = line.and("It begins with a byte order mark, which is skipped.");
        }
        let prefix = body.prefix.as_ref().map(|prefix| {
            let why = "it precedes the JSON, to keep it from being run as a script";
            ProposedLine::certain("strip_prefix", prefix.as_str(), why)
        });
        [line].into_iter().chain(prefix).collect()
    }
}

fn heading(samples: usize, reading: &ReadSamples<'_>) -> Vec<String> {
    let from = match samples {
        1 => "one sample".to_owned(),
        _ => format!("{samples} samples"),
    };
    let mut heading = vec![format!(
        "Proposed from {from}. The comment above each key says how sure the guess is (certain, likely \
         or not sure) and why; FILL IN marks what no sample shows."
    )];
    heading.extend(reading.flaws.iter().cloned());
    let mut bodies = reading.pages.iter().map(|(sample, _)| &sample.body);
    let first = bodies.next();
    if bodies.any(|body| Some(body) == first) {
        heading.push(
            "Two samples are the same page, so they show no more than one: add the next page."
                .to_owned(),
        );
    }
    heading
}

fn sections(
    reading: &ReadSamples<'_>,
    records: &RecordGuess<'_>,
    columns: &Columns<'_>,
    seen: &[PageSample<'_>],
    request: RequestGuess,
    paging: PagingGuess,
) -> Vec<BlockSection> {
    let leaves: Vec<_> = seen.iter().map(|seen| seen.leaves.as_slice()).collect();
    let status = reading
        .pages
        .first()
        .map_or(StatusCode::OK, |(sample, _)| sample.status);
    let mut block = request.base_url;
    block.extend(request.auth);
    block.extend(reading.format_lines());
    block.push(records.line(columns));
    block.extend(success::guess(status, &leaves));
    let section = |path, lines| BlockSection { path, lines };
    vec![
        section(&[], block),
        section(&["request"], request.request),
        section(&["request", "headers"], request.headers),
        section(&["request", "query"], request.query),
        section(&["pagination"], paging.lines),
        section(&["fields"], fields::guess(columns, records)),
    ]
}

/// Parts of a host name that do not identify its owner.
const USUAL_LABELS: WordList = WordList("api www openapi rest app gateway com co");

/// What a block is called for an upstream at this URL: the part of its host's name that was
/// registered, as far as can be told.
fn usual_name(url: Option<&Url>) -> String {
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
