//! What is wrong with a document.

use quick_xml::Error;

use crate::page::format::excerpt::excerpt;
use crate::page::format::tape::TapeFull;

/// How much a message quotes of the reader's error: some of them contain names of any length.
const ERROR_CHARS: usize = 120;

/// What is wrong with a document.
pub(super) enum Flaw {
    NotWellFormed(String),
    TooDeep,
    TooLarge,
}

impl Flaw {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self::NotWellFormed(problem.into())
    }
}

impl From<TapeFull> for Flaw {
    fn from(_: TapeFull) -> Self {
        Self::TooLarge
    }
}

impl From<Error> for Flaw {
    fn from(error: Error) -> Self {
        Self::new(excerpt(&error.to_string(), ERROR_CHARS))
    }
}
