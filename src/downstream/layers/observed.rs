//! Tells the listener's observers about each request, once it is answered or its caller has gone.

use std::ops::ControlFlow;

use http::StatusCode;
use opentelemetry::{Context, TraceId};
use tokio::time::Instant;

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;
use crate::observe::{ABANDONED, AnswerTraits, Event, Observers};
use crate::trace::{self, ServerTrace};

use super::intercept::Interceptor;

/// The status that is told of a request whose caller has gone. Nothing is sent.
pub(super) const HUNG_UP: u16 = 499;

/// What has observers.
pub(crate) trait Observed {
    /// Who is told about requests.
    fn observers(&self) -> &Observers;
}

/// Tells the observers about each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notify(
    /// Gives the template of a path.
    pub(crate) fn(&str) -> &'static str,
);

impl<S: Observed> Interceptor<S> for Notify {
    type Kept = ();

    fn before(self, _exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        ControlFlow::Continue(())
    }

    fn after(self, (): (), exchange: &RequestContext<S>, response: &mut Response) {
        let traits = response.body().traits;
        let trace = response.body().trace;
        let answered = self.notify(exchange, response.status(), traits, trace);
        response.body_mut().answered = Some(answered);
    }

    fn abandoned(self, exchange: &RequestContext<S>) {
        let traits = AnswerTraits {
            problem: Some(ABANDONED),
            ..AnswerTraits::default()
        };
        if let Ok(status) = StatusCode::from_u16(HUNG_UP) {
            self.notify(exchange, status, traits, None);
        }
    }
}

impl Notify {
    /// Tells them, and returns when the answer was there.
    fn notify<S: Observed>(
        self,
        exchange: &RequestContext<S>,
        status: StatusCode,
        traits: AnswerTraits,
        trace: Option<TraceId>,
    ) -> Instant {
        let answered = Instant::now();
        let exported = exchange.trace.get();
        // A request that is in no trace of its caller may have been given one further down.
        let trace = (exported.map(ServerTrace::id).or(trace)).or_else(|| {
            let headers = exchange.sent.has_trace.then_some(&exchange.headers);
            let of_caller = headers.and_then(trace::id_of_caller);
            of_caller.or_else(|| exchange.id.trace())
        });
        // What is logged of it belongs to its span.
        let span = exported.and_then(ServerTrace::span);
        let _attached = span.cloned().map(Context::attach);
        exchange.state.observers().notify(&Event::RequestAnswered {
            method: &exchange.method,
            path: trace::cut(exchange.uri.path()),
            id: exchange.id.as_str(),
            trace,
            route: (self.0)(exchange.uri.path()),
            status,
            traits,
            elapsed: answered.saturating_duration_since(exchange.begun),
        });
        answered
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::timeout;
    use tower::ServiceBuilder;

    use super::super::answering::handler;
    use super::super::intercept::intercept;
    use super::*;
    use crate::downstream::response::empty;
    use crate::downstream::templates;
    use crate::downstream::testing::{get, send};
    use crate::observe::Observer;
    use crate::observe::testing::Told;

    impl Observed for Observers {
        fn observers(&self) -> &Observers {
            self
        }
    }

    /// One observer, and what it is told.
    fn observed() -> (Told, Arc<Observers>) {
        let told = Told::default();
        let observers = Observers::from(Arc::new(told.clone()));
        (told, Arc::new(observers))
    }

    #[tokio::test(start_paused = true)]
    async fn every_observer_is_told_about_a_request_once_it_is_answered() {
        let told = [Told::default(), Told::default()];
        let observers = told.clone().map(|told| Arc::new(told) as Arc<dyn Observer>);
        let stack = ServiceBuilder::new()
            .layer(intercept(Notify(templates::of_data)))
            .service(handler(async |_| Ok(empty(StatusCode::NOT_FOUND))));
        let request = get("/nowhere?search=secret")
            .header("x-request-id", "the-id")
            .header(
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            );
        send(stack, &Arc::new(Observers::from_iter(observers)), request).await;
        for told in told {
            assert_eq!(
                told.lines(),
                [
                    "RequestAnswered { method: GET, path: \"/nowhere\", id: \"the-id\", \
                     trace: Some(4bf92f3577b34da6a3ce929d0e0e4736), route: \"_OTHER\", status: 404, \
                     traits: AnswerTraits { format: None, cache: None, problem: None }, elapsed: 0ns }"
                ]
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_no_trace_is_in_one_with_the_number_of_its_id() {
        let (told, observers) = observed();
        let stack = ServiceBuilder::new()
            .layer(intercept(Notify(templates::of_data)))
            .service(handler(async |_| Ok(empty(StatusCode::OK))));
        send(stack, &observers, get("/groups")).await;
        let sent = get("/groups").header("x-request-id", "0af7651916cd43dd8448eb211c80319c");
        send(stack, &observers, sent).await;
        let lines = told.lines();
        let (_, id) = lines[0].split_once("id: \"").unwrap();
        let (id, rest) = id.split_once('"').unwrap();
        assert_eq!(id.len(), 32);
        assert!(rest.starts_with(&format!(", trace: Some({id})")), "{rest}");
        // What a caller sends says nothing of traces.
        assert!(lines[1].contains("trace: None"), "{}", lines[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_whose_caller_hangs_up_is_told_of_once() {
        let (told, observers) = observed();
        let stack = ServiceBuilder::new()
            .layer(intercept(Notify(templates::of_data)))
            .service(handler(async |_| {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Ok(empty(StatusCode::OK))
            }));
        let sent = || {
            send(
                stack,
                &observers,
                get("/groups").header("x-request-id", "the-id"),
            )
        };
        let answer = timeout(Duration::from_secs(2), sent()).await;
        assert!(answer.is_err());
        let lines = told.lines();
        let [line] = &lines[..] else {
            panic!("{lines:#?}");
        };
        assert!(line.contains("status: 499, traits: AnswerTraits { format: None, cache: None, problem: Some(\"abandoned\") }, elapsed: 2s"), "{line}");
        assert_eq!(sent().await.status(), StatusCode::OK);
        assert_eq!(told.lines().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_part_of_a_long_path_is_told() {
        let (told, observers) = observed();
        let stack = ServiceBuilder::new()
            .layer(intercept(Notify(templates::of_data)))
            .service(handler(async |_| Ok(empty(StatusCode::NOT_FOUND))));
        let request = get(&format!("/{}", "a".repeat(2000)));
        send(stack, &observers, request).await;
        let shown = format!("path: \"/{}\", id", "a".repeat(1023));
        assert!(told.lines()[0].contains(&shown));
    }
}
