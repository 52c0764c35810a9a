//! What an `ETag` stands for: everything that an answer shows, and nothing of when or by whom it was
//! made. Every replica gives the same one, and a refresh that brings the same content keeps it.
//!
//! The digest is taken over an encoding of its own, never over `Debug` or `Hash`, which may change with
//! a release of the compiler. Text is written with its length before it, so that no two answers are
//! encoded alike.

use sha2::{Digest as _, Sha256};

use crate::caller::VisibleSources;
use crate::error::ErrorKind;

use super::listing::{FoundGroup, Listing, SeenDigest, SourceReport};
use super::query::Query;

/// The first bytes of the encoding. Another encoding gets another number.
const ENCODING: &str = "groupgate validator 3";

/// How many bytes of the digest are kept.
const KEPT: usize = 16;

/// The form that an answer takes.
#[derive(Debug, Clone, Copy)]
pub struct Representation {
    /// Its media type.
    pub media_type: &'static str,
    /// The version of what renders it. Whoever changes the bytes of the same answer must count it up.
    pub renderer: u8,
}

/// What stands for an answer: equal validators, equal answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Validator(pub [u8; KEPT]);

impl Validator {
    /// What stands for the page that `query` asks for.
    pub fn of_page(
        query: &Query,
        visible: &VisibleSources,
        representation: Representation,
        listing: &Listing,
    ) -> Self {
        let kind = if listing.seen.is_some() {
            "seen page"
        } else {
            "page"
        };
        let mut encoding = ValidatorDigest::new(kind, representation);
        encoding.text(query.first_page());
        // The format is the one that cursors have, whose version stands in every cursor.
        let resume = query.resume.as_ref().map(postcard::to_stdvec);
        encoding.option(resume.map(Result::unwrap_or_default));
        // The cursor of the next page works only for those who see the same.
        encoding.option(visible.digest());
        // A caller who is told that nothing has changed goes on with the cursor that it has: one that is
        // signed by another key is another answer, for keys are retired.
        encoding.option(listing.signed_by.map(|key| key.0));
        encoding.text([u8::from(listing.complete)]);
        if let Some(SeenDigest(seen)) = listing.seen {
            // Nothing of what is hidden: only what the answer shows.
            encoding.text(seen);
            encoding.number(listing.total());
            encoding.text([u8::from(listing.next_cursor.is_some())]);
        }
        for report in &listing.sources {
            encoding.source(report);
            if listing.seen.is_some() {
                encoding.number(report.groups());
            } else {
                encoding.option(report.content().map(|hash| hash.as_bytes().to_owned()));
            }
        }
        encoding.finish()
    }

    /// What stands for a single group. It does not change with the others of its source.
    pub fn of_group(representation: Representation, found: &FoundGroup) -> Self {
        let mut encoding = ValidatorDigest::new("group", representation);
        // What has no JSON has no answer either.
        encoding.text(found.row().json().unwrap_or_default());
        encoding.source(&found.source);
        encoding.finish()
    }

    /// What stands for a fixed text.
    pub fn of_text(text: &str) -> Self {
        let mut encoding = ValidatorDigest(Sha256::new());
        encoding.text(ENCODING);
        encoding.text(text);
        encoding.finish()
    }
}

/// What is being digested.
struct ValidatorDigest(Sha256);

impl ValidatorDigest {
    fn new(kind: &str, representation: Representation) -> Self {
        let mut encoding = Self(Sha256::new());
        encoding.text(ENCODING);
        encoding.text(kind);
        encoding.text(representation.media_type);
        encoding.text([representation.renderer]);
        encoding
    }

    fn text(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_be_bytes());
    }

    fn option(&mut self, text: Option<impl AsRef<[u8]>>) {
        self.0.update([u8::from(text.is_some())]);
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// How a source stands.
    fn source(&mut self, report: &SourceReport) {
        let held = &report.held;
        self.text(&*held.source);
        self.text(held.state.as_str());
        let error = held.error.as_ref().map(|error| error.kind);
        self.option(error.map(ErrorKind::as_str));
        self.option(report.missed.map(ErrorKind::as_str));
    }

    fn finish(self) -> Validator {
        let digest: [u8; 32] = self.0.finalize().into();
        let mut kept = [0; KEPT];
        kept.copy_from_slice(&digest[..KEPT]);
        Validator(kept)
    }
}
