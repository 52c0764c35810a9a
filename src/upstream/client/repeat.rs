//! Requests that a kept connection loses: which of them are sent again on a new one.
//!
//! A server may close a connection at any moment, also while the next request is on its way
//! (RFC 9112, section 9.5). That says nothing about the server's health, so the request is repeated
//! once, on a connection that nobody used before, and neither retries nor the circuit breaker count
//! it. Requests that were not written at all are the pool's matter.

use std::error::Error as StdError;

use h2::Reason;
use http::Extensions;
use hyper_util::client::legacy::Error;

use super::stream::Usage;
use crate::error::causes;

/// Whether a request is sent again after this error. `is_repeatable` says whether it may be carried out
/// twice.
pub(super) fn is_lost(error: &Error, is_repeatable: bool) -> bool {
    let h2 = cause::<h2::Error>(error);
    if let Some(reset) = h2.filter(|error| error.is_remote() && error.is_reset()) {
        // Not processed, whatever it is (RFC 9113, section 8.7). Other resets are answers.
        return reset.reason() == Some(Reason::REFUSED_STREAM);
    }
    let Some(usage) = usage(error).filter(|usage| is_repeatable && usage.is_reused()) else {
        return false;
    };
    match (h2, cause::<hyper::Error>(error)) {
        (Some(error), _) if error.is_go_away() => {
            error.is_remote() && error.reason() == Some(Reason::NO_ERROR)
        }
        (Some(error), _) => error.is_io(),
        (None, Some(error)) => usage.is_unanswered(error.is_incomplete_message()),
        (None, None) => false,
    }
}

fn cause<E: StdError + 'static>(error: &Error) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// What has happened on the connection of a failed request.
fn usage(error: &Error) -> Option<Usage> {
    let mut extras = Extensions::new();
    error.connect_info()?.get_extras(&mut extras);
    extras.remove()
}
