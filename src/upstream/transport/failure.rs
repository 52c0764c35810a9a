//! What kind of failure came up from below the stack, in words that name the key which decided.

use std::error::Error as StdError;

use bytesize::ByteSize;
use thiserror::Error;
use tower::BoxError;
use tower::timeout::error::Elapsed;

use crate::config::Span;
use crate::config::upstream::Limits;
use crate::error::{ErrorKind, UpstreamError, causes, chain};
use crate::upstream::auth::AuthError;
use crate::upstream::client::{CONNECT_TIMEOUT, DnsFailure, ProxyFailure, Slow};

/// Why an answer was cut off by us.
#[derive(Debug, Clone, Error)]
pub(super) enum Cut {
    /// The head was late.
    #[error("no response head came within {0} (`limits.head_timeout`)")]
    Head(Span),
    /// The body stood still.
    #[error("nothing more of the body came for {0} (`limits.idle_timeout`)")]
    Idle(Span),
    /// Too many bytes came.
    #[error("a page is larger than {0} (`limits.page_bytes`)")]
    Large(ByteSize),
    /// Too many bytes came although they are compressed.
    #[error("a page is larger than {0} before decompression (`limits.page_bytes`)")]
    LargePacked(ByteSize),
    /// Too many bytes were in what came.
    #[error("a page is larger than {0} after decompression (`limits.page_bytes`)")]
    LargeUnpacked(ByteSize),
    /// Too many bytes came, where no key says how many may.
    #[error("the answer is larger than {0}")]
    LargeAnswer(ByteSize),
}

impl Cut {
    const fn kind(&self) -> ErrorKind {
        match self {
            Self::Head(_) | Self::Idle(_) => ErrorKind::Timeout,
            Self::Large(_)
            | Self::LargePacked(_)
            | Self::LargeUnpacked(_)
            | Self::LargeAnswer(_) => ErrorKind::LimitExceeded,
        }
    }
}

/// How long a try and its connecting may take, as failures tell it.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    pub(super) whole: String,
    pub(super) connect: String,
}

impl Patience {
    pub(super) fn of(limits: &Limits) -> Self {
        let connect = limits.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        Self {
            whole: format!("{} (`limits.timeout`)", limits.timeout),
            connect: format!("{connect} (`limits.connect_timeout`)"),
        }
    }
}

/// Finds out what kind of failure came up from below.
pub(super) fn classify(error: BoxError, patience: &Patience) -> UpstreamError {
    if let Some(unsigned) = cause::<AuthError>(&*error) {
        return unsigned.clone().into();
    }
    // What stands in for the upstream says itself what went wrong.
    if let Some(told) = cause::<UpstreamError>(&*error) {
        return told.clone();
    }
    if let Some(cut) = cause::<Cut>(&*error) {
        return UpstreamError::new(cut.kind(), cut.to_string());
    }
    if is_caused_by::<Elapsed>(&*error) {
        let detail = format!("no whole answer came within {}", patience.whole);
        return UpstreamError::new(ErrorKind::Timeout, detail);
    }
    if cause::<hyper::Error>(&*error).is_some_and(hyper::Error::is_parse_too_large) {
        return UpstreamError::new(
            ErrorKind::LimitExceeded,
            "the answer's header section is larger than the 100 fields and 400 KiB that are read",
        );
    }
    if is_of_unpacking(&*error) {
        let detail = format!("the body cannot be decompressed: {}", chain(&*error));
        return UpstreamError::new(ErrorKind::Decode, detail);
    }
    let timed_out = cause::<std::io::Error>(&*error)
        .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut);
    if let Some(failure) = cause::<ProxyFailure>(&*error) {
        // What keeps us from the proxy is no word about the upstream's name or its pace.
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
        let detail = format!(
            "no connection came about within {}{through}",
            patience.connect
        );
        return UpstreamError::new(ErrorKind::Timeout, detail);
    } else if timed_out {
        ErrorKind::Timeout
    } else {
        ErrorKind::Connect
    };
    UpstreamError::new(kind, chain(&*error))
}

/// Whether the bytes came well and are not what their `Content-Encoding` says. What goes wrong on the
/// way to us or in between is hyper's to tell.
fn is_of_unpacking(error: &(dyn StdError + 'static)) -> bool {
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

/// The error itself, or what it wraps: an I/O error shows its cause's causes, never its cause, and
/// a TLS failure comes in two of them.
fn unwrapped<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    error
        .downcast_ref()
        .or_else(|| unwrapped(error.downcast_ref::<std::io::Error>()?.get_ref()?))
}
