//! The latest moment for an answer.
//!
//! The gateway keeps to it by itself and answers with what it has by then. The layer is the
//! backstop for whatever does not: it waits a little longer, so that it never beats the gateway's
//! better answer. It bounds the time until the response begins, not a streamed body.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::time::{Instant, timeout_at};

use super::problem::{Kind, Problem};

/// How long after the deadline the gateway's own answer is still waited for.
const GRACE: Duration = Duration::from_secs(1);

/// The latest moment for the answer to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Instant);

/// Sets the deadline, this long after the request came.
pub(crate) async fn set(
    State(allowed): State<Duration>,
    mut request: Request,
    next: Next,
) -> Response {
    let deadline = Instant::now() + allowed;
    request.extensions_mut().insert(Deadline(deadline));
    let answer = timeout_at(deadline + GRACE, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        Problem::new(
            Kind::DeadlineExceeded,
            format!("there was no answer within {allowed:?}"),
        )
        .into_response()
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_given_up() {
        let stack = Router::new()
            .route("/", get(std::future::pending::<&str>))
            .layer(from_fn_with_state(Duration::from_secs(10), set));
        let begun = Instant::now();
        let response = stack.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(begun.elapsed(), Duration::from_secs(11));
    }
}
