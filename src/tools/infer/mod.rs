//! From a sample of an upstream's answers to a block of `gateway.toml`.
//!
//! ```text
//! samples ▸ body ▸ records ▸ columns ▸ fields ─┐
//!                     └────▸ leaves ▸ paging ▸ request ▸ block (TOML with a reason at each key) ▸ walked
//! ```
//!
//! Pure functions, but for [`samples`], which reads files or asks an upstream once, and [`walked`],
//! which walks the block as the gateway would. Only that makes anything in a block certain. A guess is a line
//! of the block, and says how sure it is and why; where the samples say nothing, that is said instead.
//! Comments name members and numbers of the samples, never what stands in their records.

mod block;
mod body;
mod choose;
mod columns;
mod fields;
mod fitting_preset;
mod guess;
mod identity;
mod leaves;
mod lists;
mod names;
mod paging;
mod part;
mod people;
mod rating;
mod recorded;
mod records;
mod request;
mod run;
mod sample;
mod samples;
mod secrets;
mod sent;
mod shape;
mod success;
mod times;
mod vocabulary;
mod walked;
mod words;

pub use guess::Confidence;
pub(crate) use run::InferRun;
pub use samples::Sample;
pub(crate) use samples::SampleRequest;
pub use sent::SentBody;

use std::collections::BTreeMap;
use std::fmt;

use http::StatusCode;
use url::{Host, Url};

use crate::plan::Format;
use crate::redact::identifier;

use block::BlockSection;
use body::SampleBody;
use columns::Columns;
use fitting_preset::SampleShape;
use guess::ProposedLine;
use paging::{PageSample, PagingGuess};
use records::RecordGuess;
use request::RequestGuess;
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
    let draft = Draft::of(&reading);
    let paging = draft.pagings().into_iter().next().unwrap_or_default();
    draft.write(name, paging, None)
}

/// What the samples say, before it is decided how the pages follow each other.
struct Draft<'r, 'a> {
    reading: &'r ReadSamples<'a>,
    records: RecordGuess<'r>,
    columns: Columns<'r>,
    seen: Vec<PageSample<'r>>,
}

impl<'r, 'a> Draft<'r, 'a> {
    fn of(reading: &'r ReadSamples<'a>) -> Self {
        let bodies: Vec<_> = reading.pages.iter().map(|(_, body)| body).collect();
        let records = records::find(&bodies);
        let columns = Columns::of(&records.all());
        let seen = reading.seen(&records);
        Self {
            reading,
            records,
            columns,
            seen,
        }
    }

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

    /// How the pages may follow each other, the best guess first.
    fn pagings(&self) -> Vec<PagingGuess> {
        paging::guesses(&self.seen)
    }

    /// The block, and above it what a walk by it has shown.
    fn write(&self, name: &str, paging: PagingGuess, walked: Option<&WalkFindings>) -> Proposal {
        let is_proven = walked.is_some_and(WalkFindings::is_proof);
        let paging = if is_proven {
            paging.confirmed()
        } else {
            paging
        };
        let sample = self.reading.all.first();
        let request = request::guess(name, sample, &self.seen, &paging);
        let variables = request.variables.clone();
        let heading = heading(self.reading, walked);
        let sections = self.sections(request, paging);
        Proposal {
            text: block::write(name, &heading, &sections, is_proven),
            name: name.to_owned(),
            records: self.records.confidence,
            flaws: self.reading.flaws.clone(),
            is_readable: !self.reading.pages.is_empty(),
            has_list: self.records.is_found,
            variables,
            records_at: self.records.names.iter().map(ToString::to_string).collect(),
            format: self.reading.format(),
        }
    }

    fn sections(&self, request: RequestGuess, paging: PagingGuess) -> Vec<BlockSection> {
        let leaves: Vec<_> = self
            .seen
            .iter()
            .map(|seen| seen.leaves.as_slice())
            .collect();
        let first = self.reading.pages.first();
        let status = first.map_or(StatusCode::OK, |(sample, _)| sample.status);
        let mut block = request.base_url;
        block.extend(request.auth);
        block.extend(self.reading.format_lines());
        block.push(self.records.line(&self.columns));
        block.extend(success::guess(status, &leaves));
        let section = |path, lines| BlockSection { path, lines };
        vec![
            section(&[], block),
            section(&["request"], request.request),
            section(&["request", "headers"], request.headers),
            section(&["request", "query"], request.query),
            section(&["request", "form"], request.form),
            section(&["pagination"], paging.lines),
            section(&["fields"], fields::guess(&self.columns, &self.records)),
        ]
    }
}

/// The samples, read.
struct ReadSamples<'a> {
    all: &'a [Sample],
    pages: Vec<(&'a Sample, SampleBody)>,
    /// Why others were not.
    flaws: Vec<String>,
}

impl<'a> ReadSamples<'a> {
    fn of(samples: &'a [Sample]) -> Self {
        let mut reading = Self {
            all: samples,
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
                sent_body: &sample.sent_body,
                headers: &sample.headers,
                leaves: leaves::of(body.root(), &records.names, &sample.headers),
                records: page.clone(),
            })
            .collect()
    }

    /// What the bodies are written in.
    fn format(&self) -> Format {
        let first = self.pages.first();
        first.map_or(Format::Json, |(_, body)| body.format)
    }

    /// The lines for what the bodies are written in.
    fn format_lines(&self) -> Vec<ProposedLine> {
        let Some((_, body)) = self.pages.first() else {
            return Vec::new();
        };
        let (word, title) = (body.format.to_string(), body.format.title());
        let mut line = ProposedLine::clear("format", word, &format!("the body is {title}"));
        if body.is_marked {
            line = line.and("It begins with a byte order mark, which is skipped.");
        }
        let prefix = body.prefix.as_ref().map(|prefix| {
            let why = "it precedes the JSON, to keep it from being run as a script";
            ProposedLine::clear("strip_prefix", prefix.as_str(), why)
        });
        [line].into_iter().chain(prefix).collect()
    }
}

fn heading(reading: &ReadSamples<'_>, walked: Option<&WalkFindings>) -> Vec<String> {
    let from = match reading.all.len() {
        1 => "one sample".to_owned(),
        samples => format!("{samples} samples"),
    };
    let best = match walked {
        Some(walked) if walked.is_proof() => "certain",
        Some(_) | None => "clear",
    };
    let mut heading = vec![format!(
        "Proposed from {from}. The comment above each key says how sure the guess is ({best}, likely \
         or not sure) and why; FILL IN marks what no sample shows."
    )];
    heading.push(match walked {
        Some(walked) if walked.is_proof() => format!("Certain: {walked}."),
        Some(walked) => format!("Not certain: {walked}."),
        None => "Not certain: this block was not walked. `groupgate probe` walks it.".to_owned(),
    });
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
