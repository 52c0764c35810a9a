//! The samples, read: the pages among them, and why others are none.

use crate::plan::Format;

use super::body::SampleBody;
use super::guess::ProposedLine;
use super::leaves;
use super::paging::PageSample;
use super::records::RecordGuess;
use super::sample::Sample;

/// The samples, read.
pub(super) struct ReadSamples<'a> {
    pub(super) all: &'a [Sample],
    pub(super) pages: Vec<(&'a Sample, SampleBody)>,
    /// Why others were not.
    pub(super) flaws: Vec<String>,
}

impl<'a> ReadSamples<'a> {
    pub(super) fn of(samples: &'a [Sample]) -> Self {
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

    pub(super) fn seen<'s>(&'s self, records: &RecordGuess<'s>) -> Vec<PageSample<'s>> {
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
    pub(super) fn format(&self) -> Format {
        let first = self.pages.first();
        first.map_or(Format::Json, |(_, body)| body.format)
    }

    /// The lines for what the bodies are written in.
    pub(super) fn format_lines(&self) -> Vec<ProposedLine> {
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
