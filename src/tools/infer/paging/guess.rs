//! A guess of how the pages follow each other.

use crate::tools::infer::guess::{Confidence, ProposedLine};

/// How the pages follow each other, and where that is written into the request.
#[derive(Debug, Default)]
pub(in crate::tools::infer) struct PagingGuess {
    /// The keys of `pagination`.
    pub(in crate::tools::infer) lines: Vec<ProposedLine>,
    pub(in crate::tools::infer) position: Option<QueryParameter>,
    pub(in crate::tools::infer) limit: Option<QueryParameter>,
    /// Whether each page has the URL of the next: the position in the request is not needed then.
    pub(in crate::tools::infer) is_linked: bool,
}

/// A query parameter that says where a page is or how long it is.
#[derive(Debug, Clone)]
pub(in crate::tools::infer) struct QueryParameter {
    pub(in crate::tools::infer) name: String,
    pub(in crate::tools::infer) placeholder: &'static str,
    pub(in crate::tools::infer) confidence: Confidence,
    pub(in crate::tools::infer) why: String,
}

impl QueryParameter {
    pub(super) fn new(
        name: impl Into<String>,
        placeholder: &'static str,
        confidence: Confidence,
        why: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            placeholder,
            confidence,
            why: why.into(),
        }
    }

    /// A parameter that takes a token.
    pub(super) fn cursor(
        name: impl Into<String>,
        confidence: Confidence,
        why: impl Into<String>,
    ) -> Self {
        Self::new(name, "{cursor}", confidence, why)
    }
}
