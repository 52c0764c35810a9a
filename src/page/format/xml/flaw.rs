//! What is wrong with a document.

use quick_xml::Error;

use crate::json::BudgetExceeded;
use crate::page::format::excerpt::excerpt;

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

impl From<BudgetExceeded> for Flaw {
    fn from(_: BudgetExceeded) -> Self {
        Self::TooLarge
    }
}

impl From<Error> for Flaw {
    fn from(error: Error) -> Self {
        Self::new(excerpt(&error.to_string(), ERROR_CHARS))
    }
}
