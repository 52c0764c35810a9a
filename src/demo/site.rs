//! What surrounds a vendor's answers: counting, latency and faults.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};

use super::exchange::{Answer, Request, Vendor, answer};
use super::fault::Fault;
use super::plan::{Change, Plan};
use super::stats::Tally;
use super::{MAX_GROUPS, lock};

/// What a request may carry: far more than any list or login request needs.
const REQUEST_BYTES: usize = 1 << 20;

/// The body of an answer as it goes out. One that ends in an error cuts the connection.
type Body = BoxBody<Bytes, io::Error>;

/// One emulated API behind its listener.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) vendor: Box<dyn Vendor>,
    pub(super) tally: Tally,
    pub(super) plan: Plan,
    latency: Duration,
    groups: AtomicUsize,
    fault: Mutex<Option<Fault>>,
}

impl Site {
    /// A site without faults.
    pub(super) fn new(vendor: Box<dyn Vendor>, groups: usize, latency: Duration) -> Self {
        Self {
            vendor,
            tally: Tally::default(),
            plan: Plan::default(),
            latency,
            groups: AtomicUsize::new(groups),
            fault: Mutex::new(None),
        }
    }

    /// Changes how many groups there are, [`MAX_GROUPS`] at most.
    pub(super) fn set_groups(&self, groups: usize) {
        self.groups.store(groups.min(MAX_GROUPS), Ordering::Relaxed);
    }

    /// Changes what goes wrong.
    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        *lock(&self.fault) = fault;
    }

    /// What goes wrong.
    pub(super) fn fault(&self) -> Option<Fault> {
        *lock(&self.fault)
    }

    /// Answers one request. An error cuts the connection without an answer.
    pub(super) async fn serve(
        self: Arc<Self>,
        request: http::Request<Incoming>,
    ) -> io::Result<Response<Body>> {
        let request = read(request).await?;
        let under_way = self.tally.begin(self.vendor.kind(&request));
        if let Some(page) = under_way.page() {
            self.keep_plan(page);
        }
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let response = self.respond(request).await?;
        under_way.answered(response.status());
        Ok(response)
    }

    /// Makes the changes that are planned before the list request of this number.
    fn keep_plan(&self, page: u64) {
        for change in self.plan.due(page) {
            match change {
                Change::Groups(groups) => self.set_groups(groups),
                Change::Fault(fault) => self.set_fault(fault),
                Change::RevokeTokens => self.vendor.revoke_tokens(),
            }
        }
    }

    async fn respond(self: &Arc<Self>, request: Request) -> io::Result<Response<Body>> {
        let vendor = &self.vendor;
        Ok(match self.fault() {
            None => whole(self.answer(request).await?),
            // Reached by a connection that was open when the listener closed.
            Some(Fault::Refuse) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Slow(by)) => {
                tokio::time::sleep(by).await;
                whole(self.answer(request).await?)
            }
            Some(Fault::Status(code)) => {
                let status = StatusCode::from_u16(code).map_err(io::Error::other)?;
                whole(with_retry_after(vendor.failure(&request, status)))
            }
            Some(Fault::Garbage) => whole(web_page()),
            Some(Fault::ErrorInBody) => {
                let mut failure = vendor.failure(&request, StatusCode::INTERNAL_SERVER_ERROR);
                *failure.status_mut() = StatusCode::OK;
                whole(failure)
            }
            Some(Fault::Unauthorized) => whole(vendor.refusal(&request)),
            Some(Fault::Hang) => pending().await,
            Some(Fault::Truncate) => truncated(self.answer(request).await?),
        })
    }

    /// Lets the vendor answer, off the I/O threads: a list of a million groups takes seconds, and
    /// the gateway may run in the same process.
    async fn answer(self: &Arc<Self>, request: Request) -> io::Result<Answer> {
        let site = Arc::clone(self);
        let groups = self.groups.load(Ordering::Relaxed);
        tokio::task::spawn_blocking(move || site.vendor.answer(&request, groups))
            .await
            .map_err(io::Error::other)
    }
}

async fn read(request: http::Request<Incoming>) -> io::Result<Request> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES)
        .collect()
        .await
        .map_err(io::Error::other)?;
    Ok(Request::from_parts(head, body.to_bytes()))
}

fn whole(answer: Answer) -> Response<Body> {
    answer.map(|body| {
        Full::new(body)
            .map_err(|never: Infallible| match never {})
            .boxed()
    })
}

fn truncated(answer: Answer) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let begin = stream::once(async move { Ok(Frame::data(half)) });
    let end = stream::once(async {
        // What is ready at once is sent at once: without a pause not even the head would go out.
        tokio::task::yield_now().await;
        Err(io::ErrorKind::ConnectionAborted.into())
    });
    Response::from_parts(head, BoxBody::new(StreamBody::new(begin.chain(end))))
}

fn with_retry_after(mut answer: Answer) -> Answer {
    if matches!(
        answer.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

fn web_page() -> Answer {
    answer(
        StatusCode::OK,
        "text/html; charset=utf-8",
        "<!doctype html>\n<html><head><title>Sign in</title></head>\
         <body><p>Your session has ended.<br>Please sign in.</p></body></html>\n"
            .to_owned(),
    )
}
