//! A guess of how the pages follow each other.

use crate::tools::infer::guess::{Confidence, LineEntry, ProposedLine};

/// How the pages follow each other, and where that is written into the request.
#[derive(Debug, Clone, Default)]
pub(in crate::tools::infer) struct PagingGuess {
    /// The keys of `pagination`.
    pub(in crate::tools::infer) lines: Vec<ProposedLine>,
    pub(in crate::tools::infer) position: Option<QueryParameter>,
    pub(in crate::tools::infer) limit: Option<QueryParameter>,
    /// Whether each page has the URL of the next: the position in the request is not needed then.
    pub(in crate::tools::infer) is_linked: bool,
}

impl PagingGuess {
    /// Whether another guess asks for the same pages.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let said = |guess: &Self| {
            let lines = guess.lines.iter().filter_map(|line| match &line.entry {
                LineEntry::Set(key, value) => Some(format!("{key} = {value}")),
                LineEntry::Suggested(..) | LineEntry::Nothing => None,
            });
            lines.collect::<Vec<_>>()
        };
        let place = |guess: &Self| Some(guess.position.as_ref()?.name.clone());
        said(self) == said(other) && place(self) == place(other)
    }

    /// The guess; one by which a walk has read the whole list is clear.
    pub(in crate::tools::infer) fn confirmed_if(mut self, is_proven: bool) -> Self {
        if !is_proven {
            return self;
        }
        let reasons = self
            .lines
            .iter_mut()
            .filter_map(|line| line.reason.as_mut());
        reasons.for_each(|(confidence, _)| *confidence = Confidence::Clear);
        for parameter in self.position.iter_mut().chain(&mut self.limit) {
            parameter.confidence = Confidence::Clear;
        }
        self
    }
}

/// A parameter of the request, in its query or in its body, that says where a page is or how long it is.
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
