//! What surrounds a vendor's answers: counting, latency, and a fault while it lasts.

use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Response;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use jiff::Timestamp;

use super::deed::{Body, Case, Deed, First, twisted, whole};
use super::elsewhere::is_elsewhere;
use super::envelope::Envelope;
use super::exchange::{Answer, Request, Vendor};
use super::fault::Fault;
use super::plan::{Change, Plan};
use super::stats::Tally;
use super::{MAX_GROUPS, Options, lock};

/// What a request may carry: far more than any list or login request needs.
const REQUEST_BYTES: usize = 1 << 20;

/// One emulated API behind its listener.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) vendor: Box<dyn Vendor>,
    pub(super) tally: Tally,
    pub(super) plan: Plan,
    envelope: &'static Envelope,
    latency: Duration,
    clock: fn() -> Timestamp,
    groups: AtomicUsize,
    trouble: Mutex<Option<Arc<Trouble>>>,
}

/// A fault while it lasts.
#[derive(Debug)]
struct Trouble {
    fault: Fault,
    /// How many requests met it.
    met: AtomicU64,
    first: First,
}

impl Site {
    /// A site without faults.
    pub(super) fn new(
        vendor: Box<dyn Vendor>,
        envelope: &'static Envelope,
        options: &Options,
    ) -> Self {
        Self {
            vendor,
            tally: Tally::default(),
            plan: Plan::default(),
            envelope,
            latency: options.latency,
            clock: options.clock,
            groups: AtomicUsize::new(options.groups),
            trouble: Mutex::new(None),
        }
    }

    /// Changes how many groups there are, [`MAX_GROUPS`] at most.
    pub(super) fn set_groups(&self, groups: usize) {
        self.groups.store(groups.min(MAX_GROUPS), Ordering::Relaxed);
    }

    /// Changes what goes wrong.
    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        *lock(&self.trouble) = fault.map(|fault| {
            Arc::new(Trouble {
                fault,
                met: AtomicU64::new(0),
                first: First::default(),
            })
        });
    }

    /// What goes wrong.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.trouble().map(|trouble| trouble.fault)
    }

    fn trouble(&self) -> Option<Arc<Trouble>> {
        lock(&self.trouble).clone()
    }

    /// Answers one request. An error cuts the connection without an answer.
    pub(super) async fn serve(
        self: Arc<Self>,
        request: http::Request<Incoming>,
    ) -> io::Result<Response<Body>> {
        let request = read(request).await?;
        if matches!(self.fault(), Some(Fault::Redirect | Fault::NextElsewhere))
            && is_elsewhere(&request)
        {
            self.tally.went_elsewhere();
            return Ok(whole(self.answer(request).await?));
        }
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
        let Some(trouble) = self.trouble() else {
            return Ok(whole(self.answer(request).await?));
        };
        let met = trouble.met.fetch_add(1, Ordering::Relaxed);
        let case = Case {
            vendor: &*self.vendor,
            request: &request,
            met,
            now: (self.clock)(),
        };
        Ok(match case.meet(trouble.fault)? {
            Deed::Nothing => whole(self.answer(request).await?),
            Deed::Cut => return Err(io::ErrorKind::ConnectionReset.into()),
            Deed::Silence => pending().await,
            Deed::Late(by) => {
                tokio::time::sleep(by).await;
                whole(self.answer(request).await?)
            }
            Deed::Instead(answer) => whole(answer),
            Deed::Sent(send) => send(self.answer(request).await?)?,
            Deed::Twisted(twist) => {
                let twisted = move |site: &Self, groups| {
                    let list = (&request, groups);
                    let so_far = (&trouble.first, met);
                    twisted(twist, &*site.vendor, site.envelope, list, so_far)
                };
                whole(self.off_thread(twisted).await?)
            }
        })
    }

    async fn answer(self: &Arc<Self>, request: Request) -> io::Result<Answer> {
        let answer = move |site: &Self, groups| site.vendor.answer(&request, groups);
        self.off_thread(answer).await
    }

    /// Lets the vendor answer, off the I/O threads: a list of a million groups takes seconds, and
    /// the gateway may run in the same process.
    async fn off_thread(
        self: &Arc<Self>,
        answer: impl FnOnce(&Self, usize) -> Answer + Send + 'static,
    ) -> io::Result<Answer> {
        let site = Arc::clone(self);
        let groups = self.groups.load(Ordering::Relaxed);
        tokio::task::spawn_blocking(move || answer(&site, groups))
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
