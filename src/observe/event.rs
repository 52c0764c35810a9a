//! What observers are told.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use opentelemetry::TraceId;

use crate::error::UpstreamError;
use crate::page::ended_by::EndedBy;
use crate::page::fetched_page::FetchedPage;
use crate::page::position::{Next, Position};

/// What just happened to a caller's request, in a walk, or in one of a walk's exchanges.
#[derive(Debug)]
pub enum Event<'a> {
    /// A caller's request was answered, up to the beginning of the body.
    RequestAnswered {
        /// The method of the request.
        method: &'a Method,
        /// The path, without the query: that holds what people search for, and cursors.
        path: &'a str,
        /// The id of the request.
        id: &'a str,
        /// The trace it is in, if there is one.
        trace: Option<TraceId>,
        /// The status of the response.
        status: StatusCode,
        /// How long it took.
        elapsed: Duration,
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
}
