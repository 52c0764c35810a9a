//! Errors of the client, the body and the timeouts, as kinds with messages that name the key to
//! change.

use std::error::Error as StdError;

use bytesize::ByteSize;
use h2::Reason;
use thiserror::Error;
use tower::BoxError;
use tower::timeout::error::Elapsed;

use crate::error::{ErrorKind, UpstreamError, causes, chain};
use crate::plan::{Limits, Span};
use crate::upstream::auth::AuthError;
use crate::upstream::client::{DnsFailure, ProxyFailure, Slow};

/// Why we cut a response off.
#[derive(Debug, Clone, Error)]
pub(super) enum BodyError {
    /// The head was late.
    #[error("no response head within {0} (`limits.head_timeout`)")]
    Head(Span),
    /// The body stalled.
    #[error("the body stalled for {0} (`limits.idle_timeout`)")]
    Idle(Span),
    /// Too many bytes.
    #[error("a page is larger than {0} (`limits.page_bytes`)")]
    TooLarge(ByteSize),
    /// Too many bytes, even compressed.
    #[error("a page is larger than {0} before decompression (`limits.page_bytes`)")]
    LargeCompressed(ByteSize),
    /// Too many bytes once decompressed.
    #[error("a page is larger than {0} after decompression (`limits.page_bytes`)")]
    LargeDecompressed(ByteSize),
    /// Too many bytes, for a limit that no key sets.
    #[error("the response is larger than {0}")]
    LargeResponse(ByteSize),
}

impl BodyError {
    const fn kind(&self) -> ErrorKind {
        match self {
            Self::Head(_) | Self::Idle(_) => ErrorKind::Timeout,
            Self::TooLarge(_)
            | Self::LargeCompressed(_)
            | Self::LargeDecompressed(_)
            | Self::LargeResponse(_) => ErrorKind::LimitExceeded,
        }
    }
}

/// The timeouts of an attempt and of its connection, as error messages show them.
#[derive(Debug, Clone)]
pub(super) struct TimeoutText {
    pub(super) whole: String,
    pub(super) connect: String,
}

impl TimeoutText {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            whole: format!("{} (`limits.timeout`)", limits.timeout),
            connect: format!("{} (`limits.connect_timeout`)", limits.connect_timeout),
        }
    }
}

/// The kind and message of an error from below.
pub(super) fn to_upstream_error(error: BoxError, timeouts: &TimeoutText) -> UpstreamError {
    if let Some(error) = cause::<AuthError>(&*error) {
        return error.clone().into();
    }
    // A replay reports its own errors.
    if let Some(error) = cause::<UpstreamError>(&*error) {
        return error.clone();
    }
    if let Some(error) = cause::<BodyError>(&*error) {
        return UpstreamError::new(error.kind(), error.to_string());
    }
    if is_caused_by::<Elapsed>(&*error) {
        let detail = format!("no complete response within {}", timeouts.whole);
        return UpstreamError::new(ErrorKind::Timeout, detail);
    }
    if cause::<hyper::Error>(&*error).is_some_and(hyper::Error::is_parse_too_large) {
        return UpstreamError::new(
            ErrorKind::LimitExceeded,
            "the response's header section exceeds 100 fields or 400 KiB",
        );
    }
    if let Some(error) = cause::<h2::Error>(&*error).filter(|error| is_header_section(error)) {
        let detail = format!(
            "the response's header section exceeds 400 KiB, or is malformed (HTTP/2: {error})"
        );
        return UpstreamError::new(ErrorKind::LimitExceeded, detail);
    }
    if is_decompression(&*error) {
        let detail = format!("the body cannot be decompressed: {}", chain(&*error));
        return UpstreamError::new(ErrorKind::Decode, detail);
    }
    let timed_out = cause::<std::io::Error>(&*error)
        .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut);
    if let Some(failure) = cause::<ProxyFailure>(&*error) {
        // A failure to reach the proxy says nothing about the upstream's name or speed.
        let kind = if is_caused_by::<rustls::Error>(&*error) {
            ErrorKind::Tls
        } else {
            ErrorKind::Connect
        };
        return UpstreamError::new(kind, chain(&*error))
            .with_transience(kind == ErrorKind::Connect && failure.is_transient());
    }
    let kind = if is_caused_by::<DnsFailure>(&*error) {
        ErrorKind::Dns
    } else if is_caused_by::<rustls::Error>(&*error) {
        ErrorKind::Tls
    } else if timed_out && is_connect(&*error) {
        let through = cause::<Slow>(&*error).map_or_else(String::new, Slow::through);
        let detail = format!("no connection within {}{through}", timeouts.connect);
        return UpstreamError::new(ErrorKind::Timeout, detail);
    } else if timed_out {
        ErrorKind::Timeout
    } else {
        ErrorKind::Connect
    };
    let mut detail = chain(&*error);
    let is_no_tls = |error: &rustls::Error| {
        matches!(
            error,
            rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)
        )
    };
    if cause(&*error).is_some_and(is_no_tls) {
        detail += "; what answers there does not speak TLS: is it plain http (`base_url`)?";
    }
    UpstreamError::new(kind, detail)
}

/// Whether the header section of an HTTP/2 response was refused here. The protocol has one code for
/// those that are malformed and those that are too large, and another for those that are much too
/// large.
fn is_header_section(error: &h2::Error) -> bool {
    let ours = error.is_library().then(|| error.reason()).flatten();
    (ours == Some(Reason::PROTOCOL_ERROR) && error.is_reset())
        || (error.is_go_away()
            && matches!(
                ours,
                Some(Reason::ENHANCE_YOUR_CALM | Reason::COMPRESSION_ERROR)
            ))
}

/// Whether the bytes arrived and do not match their `Content-Encoding`. Errors on the way are
/// hyper's.
fn is_decompression(error: &(dyn StdError + 'static)) -> bool {
    is_caused_by::<std::io::Error>(error)
        && !is_caused_by::<hyper::Error>(error)
        && !is_caused_by::<hyper_util::client::legacy::Error>(error)
        && !is_caused_by::<ProxyFailure>(error)
}

fn is_connect(error: &(dyn StdError + 'static)) -> bool {
    cause::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

fn is_caused_by<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    cause::<E>(error).is_some()
}

fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(unwrapped)
}

/// The error itself, or the one it wraps: `source` of an I/O error skips the error that it wraps,
/// and a TLS error is wrapped twice.
fn unwrapped<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    error
        .downcast_ref()
        .or_else(|| unwrapped(error.downcast_ref::<std::io::Error>()?.get_ref()?))
}
