//! What the layers read of a generation.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::caller::{Asker, Caller, VisibleSources};
use crate::catalog::CallerScopes;
use crate::downstream::answers::AnswerCache;
use crate::downstream::audit::AuditLog;
use crate::downstream::caller_gate::CallerGate;
use crate::downstream::layers::{
    Admits, Audits, Authenticates, KeepsAnswers, Observed, Patience, ReadableByScripts, ShedsLoad,
};
use crate::downstream::rate_limiter::CallerRateLimiter;
use crate::downstream::request_places::RequestPlaces;
use crate::downstream::services::GroupService;
use crate::observe::Observers;
use crate::plan::{Rate, ScriptOrigin};

use super::{Generation, RELOAD};

/// How long the answer to a reload may take, whatever `server.deadline` says: files are read for 30 s at most,
/// and the disk is waited for.
const RELOAD_PATIENCE: Duration = Duration::from_mins(1);

impl<G> Patience for Generation<G> {
    fn deadline(&self) -> Duration {
        self.plan.server.deadline.get()
    }

    fn deadline_of(&self, path: &str) -> Duration {
        if path == RELOAD {
            self.deadline().max(RELOAD_PATIENCE)
        } else {
            self.deadline()
        }
    }
}

impl<G> Observed for Generation<G> {
    fn observers(&self) -> &Observers {
        &self.observers
    }
}

impl<G> Audits for Generation<G> {
    fn audit(&self) -> Option<&AuditLog> {
        self.audit.as_deref()
    }
}

impl<G> Admits for Generation<G> {
    fn rate_limiter(&self) -> &CallerRateLimiter {
        &self.rate_limiter
    }

    fn own_limiter(&self, rate: Rate) -> Option<&CallerRateLimiter<Asker>> {
        self.gate.as_ref()?.limiter(rate).map(|limiter| &**limiter)
    }
}

impl<G> Authenticates for Generation<G> {
    fn gate(&self) -> Option<&CallerGate> {
        self.gate.as_deref()
    }

    fn forwarded_headers(&self) -> &[HeaderName] {
        &self.forwarded_headers
    }

    fn varies_by(&self, visible: &VisibleSources) -> HeaderValue {
        self.varies_by.of(visible)
    }
}

impl<G> ShedsLoad for Generation<G> {
    fn under_way(&self) -> &Arc<RequestPlaces> {
        &self.process.under_way
    }

    fn strangers(&self) -> &Arc<RequestPlaces> {
        &self.process.strangers
    }
}

impl<G> ReadableByScripts for Generation<G> {
    fn script_origins(&self) -> &[ScriptOrigin] {
        &self.plan.server.cors_origins
    }
}

impl<G: GroupService> KeepsAnswers for Generation<G> {
    fn answers(&self) -> &AnswerCache {
        &self.answers
    }

    fn scopes_of(&self, caller: &Caller) -> CallerScopes {
        self.gateway.scopes_of(caller)
    }

    fn epoch(&self, visible: &VisibleSources, scopes: &CallerScopes) -> u64 {
        self.gateway.epoch(visible, scopes)
    }
}
