//! What one pass over the headers of a request finds. Each lookup of one of them takes half as long, and most are
//! not there.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::trace::TRACEPARENT;

use super::host::{HeldHost, NamedHosts};
use super::request_id::X_REQUEST_ID;

/// What the headers of a request come to.
#[derive(Debug, Default)]
pub(crate) struct SentFields {
    /// Bytes of names and values.
    pub(crate) bytes: usize,
    pub(crate) hosts: NamedHosts,
    /// How long a body they announce, in bytes.
    pub(crate) announced: Option<u64>,
    /// How they say that the body is coded for its transfer.
    pub(crate) coding: TransferCoding,
    /// Whether one says the id of the request.
    pub(crate) has_id: bool,
    /// Whether one says the trace of the caller.
    pub(crate) has_trace: bool,
}

impl SentFields {
    /// Looks through all headers of a request of a connection that holds this.
    pub(super) fn of(headers: &HeaderMap, held: &HeldHost) -> Self {
        const ID: HeaderName = X_REQUEST_ID;
        const TRACE: HeaderName = TRACEPARENT;
        let mut fields = Self::default();
        for (name, value) in headers {
            fields.bytes += name.as_str().len() + value.len();
            if *name == HOST {
                fields.hosts.add(value, held);
            } else if *name == CONTENT_LENGTH {
                fields.announced = announced(value).max(fields.announced);
            } else if *name == TRANSFER_ENCODING {
                fields.coding = fields.coding.and(value);
            } else {
                fields.has_id |= *name == ID;
                fields.has_trace |= *name == TRACE;
            }
        }
        fields
    }
}

/// How a body is coded for its transfer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TransferCoding {
    /// Not at all.
    #[default]
    None,
    /// In chunks.
    Chunked,
    /// In a way of which servers make different things: with another coding, or with one that is said twice (RFC 9112,
    /// section 6.1).
    Unclear,
}

impl TransferCoding {
    /// The same with what one more header says.
    fn and(self, header: &HeaderValue) -> Self {
        if self == Self::None && header.as_bytes().eq_ignore_ascii_case(b"chunked") {
            Self::Chunked
        } else {
            Self::Unclear
        }
    }
}

fn announced(length: &HeaderValue) -> Option<u64> {
    length.to_str().ok()?.parse().ok()
}
