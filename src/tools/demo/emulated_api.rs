//! One vendor's API behind its listener: counting, latency, and a fault while it lasts.

use std::future::pending;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Response;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use super::fault::InjectedFault;
use super::inject::{Body, Effect, FaultyRequest, FirstPage, is_foreign, mutate, whole};
use super::message::{Answer, Request};
use super::options::{MAX_GROUPS, Options};
use super::schedule::{Change, Schedule};
use super::stats::StatsRecorder;
use super::vendor::Vendor;
use crate::tools::lock::lock;

/// The largest request body: far more than any list or login request needs.
const REQUEST_BYTES: usize = 1 << 20;

/// One emulated API.
#[derive(Debug)]
pub(super) struct EmulatedApi {
    pub(super) vendor: Box<dyn Vendor>,
    pub(super) recorder: StatsRecorder,
    pub(super) schedule: Schedule,
    latency: Duration,
    clock: fn() -> Timestamp,
    groups: AtomicUsize,
    fault: Mutex<Option<Arc<ActiveFault>>>,
}

/// A fault while it lasts.
#[derive(Debug)]
struct ActiveFault {
    fault: InjectedFault,
    /// How many requests met it.
    hits: AtomicU64,
    first: FirstPage,
    /// Whether it was removed: what it delays comes then.
    is_over: watch::Sender<bool>,
}

impl EmulatedApi {
    /// The API, without a fault.
    pub(super) fn new(vendor: Box<dyn Vendor>, options: &Options) -> Self {
        Self {
            vendor,
            recorder: StatsRecorder::default(),
            schedule: Schedule::default(),
            latency: options.latency,
            clock: options.clock,
            groups: AtomicUsize::new(options.groups),
            fault: Mutex::new(None),
        }
    }

    /// Changes how many groups there are, [`MAX_GROUPS`] at most.
    pub(super) fn set_groups(&self, groups: usize) {
        self.groups.store(groups.min(MAX_GROUPS), Ordering::Relaxed);
    }

    /// Sets or removes the fault.
    pub(super) fn set_fault(&self, fault: Option<InjectedFault>) {
        let fault = fault.map(|fault| {
            Arc::new(ActiveFault {
                fault,
                hits: AtomicU64::new(0),
                first: FirstPage::default(),
                is_over: watch::Sender::new(false),
            })
        });
        let before = mem::replace(&mut *lock(&self.fault), fault);
        if let Some(before) = before {
            before.is_over.send_replace(true);
        }
    }

    /// The fault.
    pub(super) fn fault(&self) -> Option<InjectedFault> {
        self.active_fault().map(|active| active.fault)
    }

    fn active_fault(&self) -> Option<Arc<ActiveFault>> {
        lock(&self.fault).clone()
    }

    /// Answers one request. An error cuts the connection without an answer.
    pub(super) async fn serve(
        self: Arc<Self>,
        request: http::Request<Incoming>,
    ) -> io::Result<Response<Body>> {
        let request = read(request).await?;
        if matches!(
            self.fault(),
            Some(InjectedFault::Redirect | InjectedFault::NextElsewhere)
        ) && is_foreign(&request)
        {
            self.recorder.record_foreign_host();
            return Ok(whole(self.answer(request).await?));
        }
        let in_flight = self.recorder.begin(self.vendor.kind(&request));
        if let Some(page) = in_flight.page() {
            self.apply_schedule(page);
        }
        if !self.latency.is_zero() {
            sleep(self.latency).await;
        }
        let response = self.respond(request).await?;
        in_flight.answered(response.status());
        Ok(response)
    }

    /// Makes the changes that are scheduled before the list request of this number.
    fn apply_schedule(&self, page: u64) {
        for change in self.schedule.due(page) {
            match change {
                Change::Groups(groups) => self.set_groups(groups),
                Change::Fault(fault) => self.set_fault(fault),
                Change::RevokeTokens => self.vendor.revoke_tokens(),
            }
        }
    }

    async fn respond(self: &Arc<Self>, request: Request) -> io::Result<Response<Body>> {
        let Some(active) = self.active_fault() else {
            return Ok(whole(self.answer(request).await?));
        };
        let hits = active.hits.fetch_add(1, Ordering::Relaxed);
        let faulty = FaultyRequest {
            vendor: &*self.vendor,
            request: &request,
            hits,
            now: (self.clock)(),
        };
        Ok(match faulty.effect(active.fault)? {
            Effect::None => whole(self.answer(request).await?),
            Effect::Disconnect => return Err(io::ErrorKind::ConnectionReset.into()),
            Effect::Hang => pending().await,
            Effect::Delay(by) => {
                let mut is_over = active.is_over.subscribe();
                tokio::select! {
                    () = sleep(by) => {}
                    _ = is_over.wait_for(|is_over| *is_over) => {}
                }
                whole(self.answer(request).await?)
            }
            Effect::Replace(answer) => whole(answer),
            Effect::Send(send) => send(self.answer(request).await?)?,
            Effect::Mutate(mutation) => {
                let mutated = move |api: &Self, groups| {
                    let list = (&request, groups);
                    mutate(mutation, &*api.vendor, list, (&active.first, hits))
                };
                whole(self.off_thread(mutated).await?)
            }
        })
    }

    async fn answer(self: &Arc<Self>, request: Request) -> io::Result<Answer> {
        let answer = move |api: &Self, groups| api.vendor.answer(&request, groups);
        self.off_thread(answer).await
    }

    /// Lets the vendor answer, off the I/O threads: a list of a million groups takes seconds, and
    /// the gateway may run in the same process.
    async fn off_thread(
        self: &Arc<Self>,
        answer: impl FnOnce(&Self, usize) -> Answer + Send + 'static,
    ) -> io::Result<Answer> {
        let api = Arc::clone(self);
        let groups = self.groups.load(Ordering::Relaxed);
        tokio::task::spawn_blocking(move || answer(&api, groups))
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
