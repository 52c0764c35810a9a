//! What observers are told.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use opentelemetry::TraceId;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{ErrorKind, UpstreamError};
use crate::page::ended_by::EndedBy;
use crate::page::fetched_page::FetchedPage;
use crate::page::format::excerpt;
use crate::page::position::{Next, Position};
use crate::plan::RelatedList;
use crate::reload::{ReloadOutcome, ReloadTrigger};

/// How much of a group's id a message shows.
pub(crate) const ID_CHARS: usize = 60;

/// What just happened: to a caller's request, in a walk, in one of a walk's exchanges, in a cache, or to the
/// process.
#[derive(Debug)]
pub enum Event<'a> {
    /// A caller's request was answered, up to the beginning of the body, or its caller has gone before.
    RequestAnswered {
        /// The method of the request.
        method: &'a Method,
        /// The path, without the query: that holds what people search for, and cursors.
        path: &'a str,
        /// The id of the request.
        id: &'a str,
        /// The trace it is in, if there is one.
        trace: Option<TraceId>,
        /// The template of the path, from a fixed list.
        route: &'static str,
        /// The status of the response.
        status: StatusCode,
        /// What else is known of the response.
        traits: AnswerTraits,
        /// How long it took.
        elapsed: Duration,
    },
    /// It was found out who sends a request, or that nobody known does: the kind of credentials, or why they
    /// are refused.
    Authenticated(&'static str),
    /// The configuration was loaded again, to whatever end.
    Reloaded {
        /// What asked for it.
        trigger: ReloadTrigger,
        /// What became of it.
        outcome: ReloadOutcome,
        /// The generation in force after it.
        generation: u64,
    },
    /// A request is about to be sent, signed. Each attempt is an exchange of its own.
    RequestSent {
        /// The number of the exchange.
        exchange: u64,
        /// The request; header values that carry secrets are marked sensitive.
        request: &'a Request<Bytes>,
    },
    /// The whole response to a request has arrived. It is not classified yet.
    ResponseReceived {
        /// The number of the exchange.
        exchange: u64,
        /// The response.
        response: &'a Response<Bytes>,
        /// How long it took.
        elapsed: Duration,
    },
    /// An attempt at an exchange has ended, up to the last byte of the response, which is not classified
    /// yet. One that was given up because another came first is not reported.
    AttemptEnded {
        /// The method of the request.
        method: &'a Method,
        /// The host and port of the upstream, if the request went there and not elsewhere.
        server: Option<(&'a str, u16)>,
        /// The status of the response, or why there is none.
        outcome: Result<StatusCode, ErrorKind>,
        /// How long it took, without waiting for a slot or a permit.
        elapsed: Duration,
    },
    /// A request is about to be sent again.
    Retried {
        /// The page that it is for, if it is for one.
        position: Option<&'a Position>,
        /// Why the attempt before failed.
        error: &'a UpstreamError,
    },
    /// A late request is sent a second time.
    Hedged,
    /// A request has waited so long for the upstream's rate limit.
    SlotAwaited(Duration),
    /// A login has ended, with a token or without.
    LoginEnded(Result<(), &'a UpstreamError>),
    /// It is unknown when the token that a login returned expires. Says why.
    ExpiryUnknown(&'a str),
    /// A request of its own returned the total number of records.
    RecordsCounted(u64),
    /// A page was read. Pages are reported in the order of the list, however they were fetched.
    PageRead(&'a FetchedPage),
    /// The pager decided where to read on after the page that was read last.
    NextDecided {
        /// Where to read on.
        next: &'a Next,
        /// Why there.
        reason: fmt::Arguments<'a>,
    },
    /// A position or a page was repeated, which ends the walk.
    Repeated {
        /// What was repeated.
        what: fmt::Arguments<'a>,
        /// Whether that is a regular end (`on_repeat`).
        is_end: bool,
    },
    /// A page could not be fetched.
    PageFailed {
        /// Where the page is.
        position: &'a Position,
        /// Why it failed.
        error: &'a UpstreamError,
    },
    /// The list changed while it was read. The pages read so far are dropped, and the walk starts
    /// over.
    WalkRestarted(&'a UpstreamError),
    /// Something happened in one of the lists that belong to that of groups.
    OfRelated {
        /// In which of them.
        list: RelatedList,
        /// What happened.
        event: &'a Event<'a>,
    },
    /// What was read of a list that belongs to that of groups is what was expected of it.
    PartSettled(WalkPart<'a>),
    /// The list of groups of one more partition was read.
    PartitionRead {
        /// Of how many it was read.
        done: u64,
        /// How many partitions there are.
        of: u64,
    },
    /// One more group is complete: its details and its people were read.
    GroupsCompleted(CompletionProgress),
    /// What has changed was laid over the list that was there, or everything was held against it.
    ListKeptUp(ListChanges),
    /// The list is whole.
    WalkEnded {
        /// Why.
        ended_by: EndedBy,
        /// The announced number of records, if any.
        announced: Option<u64>,
        /// The number of records on the pages.
        listed: u64,
        /// How many of them were repeated.
        repeated: u64,
    },
    /// Nothing more is read, and what comes of the walk is decided.
    WalkSettled {
        /// What comes of it.
        outcome: SettledWalk<'a>,
        /// How long it took.
        elapsed: Duration,
    },
    /// Somebody asked for the list of an upstream.
    ListAskedFor {
        /// Why a walk was waited for: `miss`, `stale` or `request`. Where none was, `hit`, or `none` if there was
        /// nothing to serve.
        outcome: &'static str,
        /// Whether another had begun that walk.
        collapsed: bool,
    },
    /// Rows were looked for among those that were picked and sorted before, and found or not.
    ViewAskedFor {
        /// Whether they were found.
        is_hit: bool,
    },
    /// Rows were picked and sorted, which took so long.
    ViewMade(Duration),
    /// A token that tells who asks was verified or refused: why, in a word.
    TokenChecked(&'static str),
    /// The keys that tokens are verified with were fetched, or not: why not, in a word.
    KeySetFetched(&'static str),
    /// A cache let go of something for want of room.
    Evicted(&'static str),
}

/// A part of a walk, which may be read beside others. Errors name it as it is displayed.
#[derive(Debug, Clone, Copy)]
pub enum WalkPart<'a> {
    /// The list of partitions.
    Partitions,
    /// A list that is read once for all groups, or for all of a partition.
    Common {
        /// Which list.
        list: RelatedList,
        /// The values of the partition that it is of, as messages show them; empty if it is that of all.
        partition: &'a str,
        /// Others that the same requests bring.
        brings: &'a [RelatedList],
    },
    /// The list of groups of one partition.
    Partition {
        /// Its number, from 0.
        number: u64,
        /// Its values, as messages show them.
        values: &'a str,
    },
    /// One of the lists of one group.
    Group {
        /// The group's id in its source.
        id: &'a str,
        /// Which of its lists.
        list: RelatedList,
        /// Others that the same requests bring.
        brings: &'a [RelatedList],
    },
}

impl WalkPart<'_> {
    /// The parts that its requests bring too, each with its list.
    pub fn brought(self) -> impl Iterator<Item = (Self, RelatedList)> {
        let brings: &[RelatedList] = match self {
            Self::Common { brings, .. } | Self::Group { brings, .. } => brings,
            Self::Partitions | Self::Partition { .. } => &[],
        };
        brings
            .iter()
            .map(move |list| (self.with_list(*list), *list))
    }

    /// The same part of another list, which brings none.
    const fn with_list(self, list: RelatedList) -> Self {
        match self {
            Self::Common { partition, .. } => Self::Common {
                list,
                partition,
                brings: &[],
            },
            Self::Group { id, .. } => Self::Group {
                id,
                list,
                brings: &[],
            },
            Self::Partitions | Self::Partition { .. } => self,
        }
    }
}

impl fmt::Display for WalkPart<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partitions => formatter.write_str("the list of partitions"),
            Self::Common {
                list,
                partition: "",
                ..
            } => write!(formatter, "the list of {list}"),
            Self::Common {
                list, partition, ..
            } => {
                let values = excerpt(partition, ID_CHARS);
                write!(formatter, "the list of {list} of the partition `{values}`")
            }
            Self::Partition { values, .. } => write!(formatter, "the partition {values}"),
            Self::Group { id, list, .. } => {
                write!(
                    formatter,
                    "the {list} of the group `{}`",
                    excerpt(id, ID_CHARS)
                )
            }
        }
    }
}

/// How far a walk is with what it asks for each group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CompletionProgress {
    /// With how many groups it is done.
    pub done: u64,
    /// How many groups were listed.
    pub of: u64,
    /// How many lists of them were asked for.
    pub asked: u64,
    /// How many lists were used again, because they had not changed.
    pub reused: u64,
    /// How many groups were used again as a walk that failed had read them.
    pub kept: u64,
    /// How many groups were gone when they were asked for.
    pub gone: u64,
    /// How many groups had changed although they would have been taken for unchanged: only known where all are asked
    /// for.
    pub differing: u64,
    /// How many groups have another number of members than their records say (`fields.member_count`).
    pub miscounted: u64,
}

/// What a walk brought of a list that is kept up by walks for what has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ListChanges {
    /// How many groups have changed; null if everything was asked for.
    pub changed: Option<u64>,
    /// How many groups were taken out of the list.
    pub removed: u64,
    /// In how many groups everything differed from the list that had been kept up.
    pub differing: u64,
}

/// What comes of a walk.
#[derive(Debug, Clone, Copy)]
pub enum SettledWalk<'a> {
    /// Its list is served from now on.
    Replaced {
        /// Why it is whole.
        ended_by: EndedBy,
        /// How many groups it has.
        groups: u64,
        /// How many records were skipped.
        skipped: u64,
        /// In how many groups it differed from what would have gone on serving, had it not asked for everything.
        differing: u64,
    },
    /// Its list is much shorter than the one before, and waits for another walk to confirm it.
    PendingShrink {
        /// Why it is whole.
        ended_by: EndedBy,
        /// How many groups it has.
        groups: u64,
        /// How many records were skipped.
        skipped: u64,
    },
    /// It failed.
    Failed(&'a UpstreamError),
    /// Other settings took the place of those that it ran under.
    Superseded,
    /// It never began: nobody waited for it any more, or the walk before it failed.
    GivenUp,
}

impl SettledWalk<'_> {
    /// The stable word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Replaced { .. } => "replaced",
            Self::PendingShrink { .. } => "pending_shrink",
            Self::Failed(_) => "failed",
            Self::Superseded => "superseded",
            Self::GivenUp => "given_up",
        }
    }
}

/// The problem that is told of a request whose caller has gone before its answer.
pub const ABANDONED: &str = "abandoned";

/// What is known of an answer beside what is sent. All are words from fixed lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerTraits {
    /// The format of its groups.
    pub format: Option<&'static str>,
    /// Where it comes from: `ready` to be sent, a `hit` made of lists that were there, or a `miss` that
    /// waited for a walk.
    pub cache: Option<&'static str>,
    /// What kind of problem it is.
    pub problem: Option<&'static str>,
}

/// The name of a method for spans and metrics, `_OTHER` if it is none that HTTP knows: callers may send any word.
pub(crate) const fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}
