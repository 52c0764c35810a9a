//! What one pass over the headers of a request finds. Each lookup of one of them takes half as long, and most are
//! not there.

use http::{HeaderMap, HeaderValue};

use super::host::is_host;

/// What the headers of a request come to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SentFields {
    /// Bytes of names and values.
    pub(crate) bytes: usize,
    /// How many name a host.
    pub(crate) hosts: usize,
    /// How many of those name none that can be one.
    pub(crate) bad_hosts: usize,
    /// How long a body the first one announces, in bytes.
    pub(crate) announced: Option<u64>,
    /// Whether one says the id of the request.
    pub(crate) say_id: bool,
    /// Whether one says the trace of the caller.
    pub(crate) say_trace: bool,
}

impl SentFields {
    /// Looks through all headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            let name = name.as_str();
            fields.bytes += name.len() + value.len();
            // As texts: names of two kinds take longer to compare.
            match name {
                "host" => {
                    fields.hosts += 1;
                    fields.bad_hosts += usize::from(!is_host(value.as_bytes()));
                }
                "content-length" => {
                    fields.announced = fields.announced.or_else(|| announced(value));
                }
                "x-request-id" => fields.say_id = true,
                "traceparent" => fields.say_trace = true,
                _ => {}
            }
        }
        fields
    }
}

fn announced(length: &HeaderValue) -> Option<u64> {
    length.to_str().ok()?.parse().ok()
}
