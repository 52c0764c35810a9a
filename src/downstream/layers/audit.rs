//! The record of each request in the audit log, where there is one.

use std::ops::ControlFlow;

use http::StatusCode;

use crate::downstream::audit::AuditLog;
use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;

use super::intercept::Interceptor;
use super::observed::HUNG_UP;

/// What may record requests.
pub(crate) trait Audits {
    /// Where they are recorded.
    fn audit(&self) -> Option<&AuditLog>;
}

/// Records each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Audit(
    /// Gives the template of a path.
    pub(crate) fn(&str) -> &'static str,
);

impl<S: Audits> Interceptor<S> for Audit {
    type Kept = ();

    fn before(self, _exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        ControlFlow::Continue(())
    }

    fn after(self, (): (), exchange: &RequestContext<S>, response: &mut Response) {
        if let Some(audit) = exchange.state.audit() {
            audit.record(exchange, (self.0)(exchange.uri.path()), response);
        }
    }

    fn abandoned(self, exchange: &RequestContext<S>) {
        let audit = exchange.state.audit();
        if let Some((audit, status)) = audit.zip(StatusCode::from_u16(HUNG_UP).ok()) {
            audit.abandoned(exchange, (self.0)(exchange.uri.path()), status);
        }
    }
}
