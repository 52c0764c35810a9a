//! The audit log: who asked for what, and what came of it. Nothing of the groups stands in it.

use std::net::IpAddr;
use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use crate::clock::WallClock;
use crate::hex::hex;
use crate::observe::{ABANDONED, known_method};
use crate::plan::AuditRules;
use crate::telemetry::{AUDIT_TARGET, AuditFile};

use super::exchange::RequestContext;
use super::response::Response;

/// Records requests.
#[derive(Debug)]
pub(crate) struct AuditLog {
    file: Option<AuditFile>,
    clock: WallClock,
}

/// The record of one request.
#[derive(Debug, Serialize)]
struct AuditRecord<'a> {
    timestamp: Timestamp,
    request_id: &'a str,
    /// Who asked: null of one who did not authenticate.
    caller: Option<&'a str>,
    /// How the caller showed that: null where callers are not told apart.
    authentication: Option<&'static str>,
    grants: &'a [String],
    address: IpAddr,
    /// One that HTTP knows: a caller may send any word.
    method: &'static str,
    /// The template of the path.
    route: &'static str,
    status: u16,
    problem: Option<&'static str>,
    format: Option<&'static str>,
    /// Null where no source was asked.
    sources: Option<&'a [Arc<str>]>,
    groups: Option<usize>,
    /// The same on all pages of one sequence.
    sequence: Option<String>,
    page: Option<&'static str>,
}

impl AuditLog {
    /// The log of these rules, where there is to be one. A file that cannot be opened any more is told of, and its
    /// records go to the log.
    pub(crate) fn new(rules: &AuditRules) -> Option<Self> {
        let file = rules.file.as_deref().filter(|_| rules.enabled);
        let file = file.and_then(|path| {
            let failed = |error| {
                let file = path.display();
                tracing::error!(%file, %error, "the audit log cannot be opened, its records follow here");
            };
            AuditFile::open(path).map_err(failed).ok()
        });
        rules.enabled.then(|| Self {
            file,
            clock: WallClock::system(),
        })
    }

    /// Has what waits written. Nothing is recorded after that.
    pub(crate) fn close(&self) {
        if let Some(file) = &self.file {
            file.close();
        }
    }

    /// Records a request with this route and what came of it.
    pub(crate) fn record<S>(
        &self,
        exchange: &RequestContext<S>,
        route: &'static str,
        response: &Response,
    ) {
        let (status, body) = (response.status(), response.body());
        let answer = body.audited.as_deref();
        self.write(exchange, route, status, body.traits.problem, |record| {
            record.format = body.traits.format;
            record.sources = answer.map(|answer| &*answer.sources);
            let is_sent = status != StatusCode::NOT_MODIFIED && exchange.method != Method::HEAD;
            record.groups = answer.map(|answer| if is_sent { answer.groups } else { 0 });
            let sequence = answer.and_then(|answer| answer.sequence);
            record.sequence = sequence.map(|sequence| hex(sequence.as_bytes()));
            record.page = sequence
                .and(answer)
                .map(|answer| if answer.is_continued { "next" } else { "first" });
        });
    }

    /// Records a request whose caller has gone before the answer.
    pub(crate) fn abandoned<S>(
        &self,
        exchange: &RequestContext<S>,
        route: &'static str,
        status: StatusCode,
    ) {
        self.write(exchange, route, status, Some(ABANDONED), |_| {});
    }

    fn write<'a, S>(
        &self,
        exchange: &'a RequestContext<S>,
        route: &'static str,
        status: StatusCode,
        problem: Option<&'static str>,
        complete: impl FnOnce(&mut AuditRecord<'a>),
    ) {
        let known = exchange.known();
        let verified = exchange.caller().credentials.verified();
        let mut record = AuditRecord {
            timestamp: self.clock.now(),
            request_id: exchange.id.as_str(),
            caller: verified.map(|verified| verified.id.as_str()),
            authentication: known.map(|known| known.kind.as_str()),
            grants: known.map_or(&[], |known| &known.grants),
            address: exchange.client.address,
            method: known_method(&exchange.method),
            route,
            status: status.as_u16(),
            problem,
            format: None,
            sources: None,
            groups: None,
            sequence: None,
            page: None,
        };
        complete(&mut record);
        match &self.file {
            Some(file) => record.append_to(file, is_read(status)),
            None => record.log(),
        }
    }
}

/// Whether an answer of this status shows something to its caller. What is refused costs whoever asks nothing, and
/// must not take the room for the rest.
fn is_read(status: StatusCode) -> bool {
    let is_shown = status.is_success() && status != StatusCode::NO_CONTENT;
    is_shown || status == StatusCode::NOT_MODIFIED
}

impl AuditRecord<'_> {
    fn append_to(&self, file: &AuditFile, is_read: bool) {
        // Texts, numbers and lists of texts: they always have JSON.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        if is_read {
            file.append(&line);
        } else {
            file.append_if_ample(&line);
        }
    }

    fn log(&self) {
        let sources = self.sources.map(|sources| sources.join(","));
        tracing::info!(
            target: AUDIT_TARGET,
            request_id = self.request_id,
            caller = self.caller,
            authentication = self.authentication,
            grants = self.grants.join(","),
            address = %self.address,
            method = self.method,
            route = self.route,
            status = self.status,
            problem = self.problem,
            format = self.format,
            sources,
            groups = self.groups,
            sequence = self.sequence,
            page = self.page,
            "request recorded"
        );
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[200, 206, 304], true)]
    #[case(&[204, 400, 401, 404, 429, 499, 500, 503, 504], false)]
    fn what_shows_something_is_recorded_before_what_is_refused(
        #[case] statuses: &[u16],
        #[case] expected: bool,
    ) {
        for status in statuses {
            assert_eq!(is_read(StatusCode::from_u16(*status).unwrap()), expected);
        }
    }
}
