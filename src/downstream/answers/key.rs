//! Which answer is wanted, as far as a request says it before its query is read.

use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};

use crate::caller::{Caller, Identity, VisibleSources};
use crate::catalog::{CacheMode, CallerScopes};
use crate::downstream::caching;
use crate::downstream::coding::Accepted;
use crate::downstream::negotiate::AnswerFormat;
use crate::downstream::prefer;
use crate::downstream::problem::ProblemDetails;

use super::wishes::{HeldWishes, OnlyValue};

/// Which answer is wanted. Requests with equal keys get the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AnswerKey {
    /// Whose it is: the cursors in it work for nobody else.
    identity: Identity,
    /// Which sources there are for them.
    pub(crate) visible: VisibleSources,
    /// Which lists there are for nobody else.
    pub(crate) scopes: CallerScopes,
    /// The query as it was written. Two spellings of one query are two entries, for reading a query
    /// costs more than looking its answer up.
    target: PathAndQuery,
    pub(crate) format: AnswerFormat,
    pub(crate) coding: Accepted,
    /// Whether an incomplete answer is to be a problem.
    pub(crate) is_strict: bool,
}

/// What a request asks for.
#[derive(Debug, Clone)]
pub(crate) struct AskedAnswer {
    pub(crate) key: AnswerKey,
    /// How fresh the answer must be.
    pub(crate) mode: CacheMode,
}

impl AskedAnswer {
    /// Reads what these headers and this address ask for. The connection may hold what such headers wish for.
    pub(crate) fn read(
        caller: &Caller,
        scopes: CallerScopes,
        uri: &Uri,
        headers: &HeaderMap,
        held: &HeldWishes,
    ) -> Result<Self, ProblemDetails> {
        let root = || PathAndQuery::from_static("/");
        // One pass takes less than two lookups.
        let (mut accept, mut accept_encoding) = (OnlyValue::default(), OnlyValue::default());
        let (mut is_plain, prefer) = (true, prefer::PREFER);
        for (name, value) in headers {
            if *name == ACCEPT {
                accept.add(value);
            } else if *name == ACCEPT_ENCODING {
                accept_encoding.add(value);
            } else if *name == CACHE_CONTROL || *name == prefer {
                is_plain = false;
            }
        }
        let (format, coding) = held.read(headers, [accept, accept_encoding])?;
        Ok(Self {
            key: AnswerKey {
                identity: caller.identity,
                visible: caller.visible.clone(),
                scopes,
                target: uri.path_and_query().cloned().unwrap_or_else(root),
                format,
                coding,
                is_strict: !is_plain && prefer::is_strict(headers),
            },
            mode: if is_plain {
                CacheMode::Cached
            } else {
                caching::mode(headers)
            },
        })
    }
}

impl AnswerKey {
    /// The query as it was written.
    pub(crate) fn query(&self) -> &str {
        self.target.query().unwrap_or_default()
    }

    /// The same key in memory of its own. The one that was read from a request would keep all that
    /// came with it.
    pub(super) fn detached(&self) -> Self {
        let target = PathAndQuery::try_from(self.target.as_str());
        Self {
            // It was one before.
            target: target.unwrap_or_else(|_| self.target.clone()),
            ..self.clone()
        }
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.target.as_str().len()
    }
}
