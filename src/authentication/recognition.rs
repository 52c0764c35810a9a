//! What comes of looking at who asks.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::known_caller::KnownCaller;
use super::refused::RefusedCredentials;

/// What becomes of a request.
#[expect(missing_debug_implementations, reason = "a future shows nothing")]
pub enum Recognition {
    /// It is answered as one of this caller.
    Known(Arc<KnownCaller>),
    /// It is not answered.
    Refused(RefusedCredentials),
    /// That is known once something has been fetched.
    Awaited(AwaitedCaller),
}

/// Waits for what shows who asks, until then at the latest.
pub type AwaitedCaller = Box<
    dyn FnOnce(Instant) -> BoxFuture<'static, Result<Arc<KnownCaller>, RefusedCredentials>> + Send,
>;
