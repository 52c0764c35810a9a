//! What one pass over the headers of a request finds. Each lookup of one of them takes half as long, and most are
//! not there.

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::trace::TRACEPARENT;

use super::host::NamedHosts;
use super::request_id::X_REQUEST_ID;

/// What the headers of a request come to.
#[derive(Debug, Default)]
pub(crate) struct SentFields {
    /// Bytes of names and values.
    pub(crate) bytes: usize,
    pub(crate) hosts: NamedHosts,
    /// How long a body they announce, in bytes.
    pub(crate) announced: Option<u64>,
    /// Whether one says the id of the request.
    pub(crate) has_id: bool,
    /// Whether one says the trace of the caller.
    pub(crate) has_trace: bool,
}

impl SentFields {
    /// Looks through all headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        const ID: HeaderName = X_REQUEST_ID;
        const TRACE: HeaderName = TRACEPARENT;
        let mut fields = Self::default();
        for (name, value) in headers {
            fields.bytes += name.as_str().len() + value.len();
            if *name == HOST {
                fields.hosts.add(value);
            } else if *name == CONTENT_LENGTH {
                fields.announced = announced(value).max(fields.announced);
            } else {
                fields.has_id |= *name == ID;
                fields.has_trace |= *name == TRACE;
            }
        }
        fields
    }
}

fn announced(length: &HeaderValue) -> Option<u64> {
    length.to_str().ok()?.parse().ok()
}
