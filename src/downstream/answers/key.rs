//! Which answer is wanted, as far as a request says it before its query is read.

use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, IF_NONE_MATCH};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};

use crate::caller::{Caller, Identity, VisibleSources};
use crate::catalog::{CacheMode, CallerScopes};
use crate::downstream::caching::{self, KnownTags};
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

/// The same, borrowed from the request: most often it asks for the answer that its connection holds, and then nothing
/// needs to be cloned.
#[derive(Debug)]
pub(crate) struct AskedAnswerRef<'a> {
    caller: &'a Caller,
    pub(crate) scopes: CallerScopes,
    uri: &'a Uri,
    format: AnswerFormat,
    coding: Accepted,
    is_strict: bool,
    pub(crate) mode: CacheMode,
    /// What the caller has already.
    pub(crate) known: KnownTags<'a>,
}

impl<'a> AskedAnswerRef<'a> {
    /// Reads what these headers and this address ask for. The connection may hold what such headers wish for.
    pub(crate) fn read(
        caller: &'a Caller,
        scopes: CallerScopes,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        held: &HeldWishes,
    ) -> Result<Self, ProblemDetails> {
        // One pass takes less than two lookups.
        let (mut accept, mut accept_encoding) = (OnlyValue::default(), OnlyValue::default());
        let mut known = OnlyValue::default();
        let (mut is_plain, prefer) = (true, prefer::PREFER);
        for (name, value) in headers {
            if *name == ACCEPT {
                accept.add(value);
            } else if *name == ACCEPT_ENCODING {
                accept_encoding.add(value);
            } else if *name == IF_NONE_MATCH {
                known.add(value);
            } else if *name == CACHE_CONTROL || *name == prefer {
                is_plain = false;
            }
        }
        let (format, coding) = held.read(headers, [accept, accept_encoding])?;
        Ok(Self {
            caller,
            scopes,
            uri,
            format,
            coding,
            is_strict: !is_plain && prefer::is_strict(headers),
            mode: if is_plain {
                CacheMode::Cached
            } else {
                caching::mode(headers)
            },
            known: known.tags(headers),
        })
    }

    /// Which sources there are for whom it asks.
    pub(crate) const fn visible(&self) -> &VisibleSources {
        &self.caller.visible
    }

    /// The same in values of its own, which share the request's memory.
    pub(crate) fn to_asked(&self) -> AskedAnswer {
        let root = || PathAndQuery::from_static("/");
        AskedAnswer {
            key: AnswerKey {
                identity: self.caller.identity,
                visible: self.caller.visible.clone(),
                scopes: self.scopes.clone(),
                target: self.uri.path_and_query().cloned().unwrap_or_else(root),
                format: self.format,
                coding: self.coding,
                is_strict: self.is_strict,
            },
            mode: self.mode,
        }
    }

    /// Whether it asks for the answer with this key.
    pub(super) fn is_for(&self, key: &AnswerKey) -> bool {
        let AnswerKey {
            identity,
            visible,
            scopes,
            target,
            format,
            coding,
            is_strict,
        } = key;
        self.uri.path_and_query() == Some(target)
            && self.format == *format
            && self.coding == *coding
            && self.is_strict == *is_strict
            && self.caller.identity == *identity
            && self.caller.visible == *visible
            && self.scopes == *scopes
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
