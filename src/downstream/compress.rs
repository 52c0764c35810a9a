//! Bodies that are made for one request alone, compressed off the I/O threads.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, VARY};
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::gateway::pool::BlockingPool;

use super::coding::{self, Accepted};
use super::problem::ProblemDetails;
use super::response::{Content, Response};

/// What an answer depends on that comes here as it is for everybody.
const VARIES_BY: HeaderValue = HeaderValue::from_static("accept-encoding");

/// The response in the coding that its caller likes best. One that has a coding already, or is a
/// problem, stays as it is.
pub(crate) async fn compress(
    mut response: Response,
    accepted: Accepted,
    pool: &BlockingPool,
    until: Instant,
) -> Result<Response, ProblemDetails> {
    if !matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED) {
        return Ok(response);
    }
    response.headers_mut().entry(VARY).or_insert(VARIES_BY);
    if response.status() != StatusCode::OK || response.headers().contains_key(CONTENT_ENCODING) {
        return Ok(response);
    }
    let Content::Full(body) = &response.body().content else {
        return Ok(response);
    };
    let coding = accepted.for_length(body.len());
    let Some(name) = coding.name() else {
        return Ok(response);
    };
    let body: Bytes = body.clone();
    let encoded = pool.run(move || coding::encode(coding, body), until).await;
    response.body_mut().content = Content::Full(encoded?.map_err(ProblemDetails::defect)?);
    let name = HeaderValue::from_static(name);
    response.headers_mut().insert(CONTENT_ENCODING, name);
    Ok(response)
}
