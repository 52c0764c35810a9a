//! Answers that are ready to be sent. Whoever asks for one of them waits for nothing.

use std::ops::ControlFlow;

use http::Method;
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt as _;

use crate::caller::{Caller, VisibleSources};
use crate::catalog::{CacheMode, CallerScopes};
use crate::downstream::answers::{AnswerCache, AskedAnswerRef};
use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;
use crate::trace::ServerTrace;

use super::intercept::Interceptor;

/// The only address whose answers are kept.
const PATH: &str = "/groups";

/// What keeps answers.
pub(crate) trait KeepsAnswers {
    /// Where they are kept.
    fn answers(&self) -> &AnswerCache;

    /// Which lists of their own `caller` has.
    fn scopes_of(&self, caller: &Caller) -> CallerScopes;

    /// The epoch of what the catalog shows to whoever sees these sources and has these lists of its own.
    fn epoch(&self, visible: &VisibleSources, scopes: &CallerScopes) -> u64;
}

/// Answers from the cache where it can.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadyAnswers;

impl<S: KeepsAnswers> Interceptor<S> for ReadyAnswers {
    type Kept = ();

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>, ()> {
        let is_read = matches!(exchange.method, Method::GET | Method::HEAD);
        if !is_read || exchange.uri.path() != PATH {
            return ControlFlow::Continue(());
        }
        let caller = exchange.caller();
        let scopes = exchange.state.scopes_of(caller);
        let held = &exchange.client.looked_up.wishes;
        match AskedAnswerRef::read(caller, scopes, &exchange.uri, &exchange.headers, held) {
            Ok(asked) => {
                if let Some(response) = ready(exchange, &asked) {
                    if let Some(span) = exchange.trace.get().and_then(ServerTrace::span) {
                        (span.span()).set_attribute(KeyValue::new("groupgate.answer", "ready"));
                    }
                    return ControlFlow::Break(response);
                }
                // Nobody else says what is asked for.
                let _ = exchange.asked.set(Box::new(asked.to_asked()));
                ControlFlow::Continue(())
            }
            Err(problem) => ControlFlow::Break(Box::new(problem.into())),
        }
    }
}

fn ready<S: KeepsAnswers>(
    exchange: &RequestContext<S>,
    asked: &AskedAnswerRef<'_>,
) -> Option<Box<Response>> {
    // Who wants a new walk is not served with what was there before.
    if asked.mode != CacheMode::Cached {
        return None;
    }
    let state = &exchange.state;
    let held = &exchange.client.looked_up.answer;
    let epoch = state.epoch(asked.visible(), &asked.scopes);
    let answers = state.answers();
    let answer = answers.get_over(held, asked, epoch, exchange.answerable_at())?;
    Some(answer.respond(asked.known))
}
