//! What each fault does to one request, by where in the answer it acts.
//!
//! ```text
//! connection (here, and the listener) ▸ head ▸ body (its bytes) ▸ content (its meaning)
//! ```

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::combinators::BoxBody;
use jiff::Timestamp;

use super::exchange::{Answer, Request, Vendor};
use super::fault::Fault;

mod head;

mod body;
pub(super) use body::whole;

mod content;
pub(super) use content::{First, Twist, twisted};

/// The body of an answer as it goes out. One that ends in an error cuts the connection.
pub(super) type Body = BoxBody<Bytes, io::Error>;

/// What is done instead of answering a request well.
pub(super) enum Deed {
    /// Nothing: the fault is over, or has not begun.
    Nothing,
    /// The connection is cut.
    Cut,
    /// No answer ever comes.
    Silence,
    /// The answer is late.
    Late(Duration),
    /// This is answered instead.
    Instead(Answer),
    /// The vendor's answer is sent in another way.
    Sent(Sending),
    /// The vendor's list is changed.
    Twisted(Twist),
}

/// A way to send an answer.
pub(super) type Sending = Box<dyn FnOnce(Answer) -> io::Result<Response<Body>> + Send>;

impl fmt::Debug for Deed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Deed").finish_non_exhaustive()
    }
}

/// One request that meets a fault.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) vendor: &'a dyn Vendor,
    pub(super) request: &'a Request,
    /// How many requests met the fault before.
    pub(super) met: u64,
    pub(super) now: Timestamp,
}

impl Case<'_> {
    /// What `fault` does to the request.
    pub(super) fn meet(&self, fault: Fault) -> io::Result<Deed> {
        Ok(match fault {
            // Reached by a connection that was open when the port closed.
            Fault::Refuse | Fault::HangConnect => Deed::Cut,
            Fault::Hang => Deed::Silence,
            // Whether the peer sees an end or a reset is the listener's doing.
            Fault::Truncate | Fault::Reset => sent(body::broken_off),

            Fault::Slow(by) => Deed::Late(by),
            Fault::Status(code) => Deed::Instead(self.failure(code)?),
            Fault::Burst { status, failures } => {
                if self.met >= u64::from(failures) {
                    return Ok(Deed::Nothing);
                }
                Deed::Instead(self.failure(status)?)
            }
            Fault::TooMany(wait) => Deed::Instead(head::too_many(self, head::seconds(wait))?),
            Fault::TooManyUntil(wait) => {
                Deed::Instead(head::too_many(self, head::date(self.now, wait)?)?)
            }
            Fault::Unauthorized => Deed::Instead(self.vendor.refusal(self.request)),
            Fault::UnauthorizedAfter(passed) => {
                if self.met < u64::from(passed) {
                    return Ok(Deed::Nothing);
                }
                Deed::Instead(self.vendor.refusal(self.request))
            }
            Fault::Redirect => Deed::Instead(head::redirect(self.request)?),
            Fault::Headers => sent(head::with_many_fields),

            Fault::Drip { bytes, every } => sent(move |answer| body::drip(answer, bytes, every)),
            Fault::Cut => sent(body::cut),
            Fault::MediaType => sent(body::as_image),
            Fault::Garbage => Deed::Instead(body::web_page()),
            Fault::InvalidUtf8 => sent(body::with_a_bad_byte),
            Fault::Huge => sent(body::huge),
            Fault::GzipBomb => Deed::Sent(Box::new(body::gzip_bomb)),
            Fault::EntityBomb => Deed::Instead(body::entity_bomb()),
            Fault::DeepJson => Deed::Instead(body::deep_json()),
            Fault::DeepXml => Deed::Instead(body::deep_xml()),

            Fault::ErrorInBody => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                let mut failure = self.vendor.failure(self.request, status);
                *failure.status_mut() = StatusCode::OK;
                Deed::Instead(failure)
            }
            Fault::DuplicateIds => Deed::Twisted(content::duplicate_ids),
            Fault::MissingIds => Deed::Twisted(content::missing_ids),
            Fault::WrongTypes => Deed::Twisted(content::wrong_types),
            Fault::WrongTotal => Deed::Twisted(content::wrong_total),
            Fault::RepeatPage => Deed::Twisted(content::repeat_page),
            Fault::RepeatCursor => Deed::Twisted(content::repeat_cursor),
            Fault::Endless => Deed::Twisted(content::endless),
            Fault::NextElsewhere => Deed::Twisted(content::next_elsewhere),
        })
    }

    fn failure(&self, code: u16) -> io::Result<Answer> {
        let status = StatusCode::from_u16(code).map_err(io::Error::other)?;
        let failure = self.vendor.failure(self.request, status);
        Ok(head::with_retry_after(failure))
    }
}

/// Sends the answer in a way that cannot fail.
fn sent(send: impl FnOnce(Answer) -> Response<Body> + Send + 'static) -> Deed {
    Deed::Sent(Box::new(move |answer| Ok(send(answer))))
}
