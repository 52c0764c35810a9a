//! What samples of one list say, before it is decided how its pages follow each other.

use url::Url;

use super::columns::Columns;
use super::listed_kind::ListedKind;
use super::paging::{self, PageSample, PagingGuess};
use super::read_samples::ReadSamples;
use super::records::{self, RecordGuess};

/// What they say.
pub(super) struct Draft<'r, 'a> {
    pub(super) reading: &'r ReadSamples<'a>,
    pub(super) records: RecordGuess<'r>,
    pub(super) columns: Columns<'r>,
    pub(super) seen: Vec<PageSample<'r>>,
}

impl<'r, 'a> Draft<'r, 'a> {
    pub(super) fn of(reading: &'r ReadSamples<'a>, kind: ListedKind) -> Self {
        let bodies: Vec<_> = reading.pages.iter().map(|(_, body)| body).collect();
        let records = records::find(&bodies, kind);
        let columns = Columns::of(&records.all());
        let seen = reading.seen(&records);
        Self {
            reading,
            records,
            columns,
            seen,
        }
    }

    /// The URL of a sample, if one is known.
    pub(super) fn url(&self) -> Option<&'r Url> {
        let mut samples = self.reading.all.iter();
        samples.find_map(|sample| sample.url.as_ref())
    }

    /// How the pages may follow each other, the best guess first.
    pub(super) fn pagings(&self) -> Vec<PagingGuess> {
        paging::guesses(&self.seen)
    }
}
