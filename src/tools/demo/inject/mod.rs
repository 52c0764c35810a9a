//! What each fault does to one request, by the part of the answer it affects.
//!
//! ```text
//! connection (here, and the listener) ▸ head ▸ body (its bytes) ▸ content (its meaning)
//! ```

mod body;
mod content;
mod foreign_host;
mod head;
mod misreported;
mod written;

pub(super) use body::{Body, whole};
pub(super) use content::{FirstPage, Mutation, mutate};
pub(super) use foreign_host::is_foreign;

use std::fmt;
use std::io;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;

use super::fault::InjectedFault;
use super::message::{Answer, Request};
use super::vendor::Vendor;

/// What happens instead of the vendor's own answer.
pub(super) enum Effect {
    /// Nothing: the fault is over, or has not begun.
    None,
    /// The connection is cut.
    Disconnect,
    /// No answer is ever sent.
    Hang,
    /// The answer is late.
    Delay(Duration),
    /// This is answered.
    Replace(Answer),
    /// The vendor's answer is sent in another way.
    Send(Sending),
    /// The vendor's list is changed.
    Mutate(Mutation),
}

/// A way to send an answer.
pub(super) type Sending = Box<dyn FnOnce(Answer) -> io::Result<Response<Body>> + Send>;

impl fmt::Debug for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Effect").finish_non_exhaustive()
    }
}

/// One request that meets a fault.
#[derive(Debug)]
pub(super) struct FaultyRequest<'a> {
    pub(super) vendor: &'a dyn Vendor,
    pub(super) request: &'a Request,
    /// How many requests met the fault before.
    pub(super) hits: u64,
    pub(super) now: Timestamp,
}

impl FaultyRequest<'_> {
    /// What `fault` does to the request.
    pub(super) fn effect(&self, fault: InjectedFault) -> io::Result<Effect> {
        Ok(match fault {
            // Reached by a connection that was open when the port closed.
            InjectedFault::Refuse | InjectedFault::HangConnect => Effect::Disconnect,
            InjectedFault::Hang => Effect::Hang,
            // The listener knows which connections were used.
            InjectedFault::CloseOnReuse => Effect::None,
            // The listener decides whether the peer sees an end or a reset.
            InjectedFault::Truncate | InjectedFault::Reset => sent(body::broken_off),

            InjectedFault::Slow(by) => Effect::Delay(by),
            InjectedFault::Status(code) => Effect::Replace(self.failure(code)?),
            InjectedFault::Burst { status, failures } => {
                if self.hits >= u64::from(failures) {
                    return Ok(Effect::None);
                }
                Effect::Replace(self.failure(status)?)
            }
            InjectedFault::TooMany(wait) => self.too_many(head::seconds(wait))?,
            InjectedFault::TooManyUntil(wait) => self.too_many(head::date(self.now, wait)?)?,
            InjectedFault::Unauthorized => self.refused(),
            InjectedFault::UnauthorizedAfter(passed) => {
                if self.hits < u64::from(passed) {
                    return Ok(Effect::None);
                }
                self.refused()
            }
            InjectedFault::Redirect => Effect::Replace(head::redirect(self.request)?),
            InjectedFault::Headers => sent(head::with_many_fields),
            InjectedFault::PartialContent => Effect::Mutate(misreported::partial_content),

            InjectedFault::Drip { bytes, every } => {
                sent(move |answer| body::drip(answer, bytes, every))
            }
            InjectedFault::Cut => sent(body::cut),
            InjectedFault::MediaType => sent(body::as_image),
            InjectedFault::Garbage => Effect::Replace(body::web_page()),
            InjectedFault::InvalidUtf8 => sent(body::invalid_utf8),
            InjectedFault::Gzip(form) => {
                Effect::Send(Box::new(move |answer| written::gzip(answer, form)))
            }
            InjectedFault::XmlEncoding(encoding) => {
                sent(move |answer| written::in_encoding(answer, encoding))
            }
            InjectedFault::LoneSurrogate => Effect::Mutate(written::lone_surrogate),
            InjectedFault::Huge => sent(body::huge),
            InjectedFault::GzipBomb => Effect::Send(Box::new(body::gzip_bomb)),
            InjectedFault::EntityBomb => Effect::Replace(body::entity_bomb()),
            InjectedFault::DeepJson => Effect::Replace(body::deep_json()),
            InjectedFault::DeepXml => Effect::Replace(body::deep_xml()),

            InjectedFault::ErrorInBody => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                let mut failure = self.vendor.failure(self.request, status);
                *failure.status_mut() = StatusCode::OK;
                Effect::Replace(failure)
            }
            InjectedFault::DuplicateIds => Effect::Mutate(content::duplicate_ids),
            InjectedFault::MissingIds => Effect::Mutate(content::missing_ids),
            InjectedFault::RepeatedParents => Effect::Mutate(content::repeated_parents),
            InjectedFault::WrongTypes => Effect::Mutate(content::wrong_types),
            InjectedFault::WrongTotal => Effect::Mutate(content::wrong_total),
            InjectedFault::Total(total) => Effect::Mutate(misreported::total(total)),
            InjectedFault::RepeatPage => Effect::Mutate(content::repeat_page),
            InjectedFault::RepeatCursor => Effect::Mutate(content::repeat_cursor),
            InjectedFault::CursorType(cursor) => Effect::Mutate(misreported::cursor(cursor)),
            InjectedFault::Endless => Effect::Mutate(content::endless),
            InjectedFault::NextElsewhere => Effect::Mutate(content::next_elsewhere),
        })
    }

    fn refused(&self) -> Effect {
        Effect::Replace(self.vendor.refusal(self.request))
    }

    fn failure(&self, code: u16) -> io::Result<Answer> {
        let status = StatusCode::from_u16(code).map_err(io::Error::other)?;
        let failure = self.vendor.failure(self.request, status);
        Ok(head::with_retry_after(failure))
    }

    /// 429 in the vendor's shape, with this `Retry-After`.
    fn too_many(&self, wait: HeaderValue) -> io::Result<Effect> {
        let mut answer = self.failure(StatusCode::TOO_MANY_REQUESTS.as_u16())?;
        answer.headers_mut().insert(RETRY_AFTER, wait);
        Ok(Effect::Replace(answer))
    }
}

/// Sends the answer in a way that cannot fail.
fn sent(send: impl FnOnce(Answer) -> Response<Body> + Send + 'static) -> Effect {
    Effect::Send(Box::new(move |answer| Ok(send(answer))))
}
