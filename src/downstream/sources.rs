//! `GET /sources`: how each upstream that the caller may see stands.

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde::Serialize;

use super::exchange::Exchange;
use super::fallback;
use super::negotiate::{Format, negotiate};
use super::problem::Problem;
use super::response::{Response, full};
use super::services::CatalogService;
use super::source_list::{Source, SourceList};
use super::state::State;

/// Answers `GET /sources`.
pub(crate) fn list<G, C: CatalogService>(
    exchange: &Exchange<State<G, C>>,
) -> Result<Response, Problem> {
    fallback::no_parameters(&exchange.uri)?;
    negotiate(&exchange.headers, &[Format::Json])?;
    let held = exchange.state.catalog.peek_for(&exchange.client.caller);
    json(&SourceList {
        sources: held.iter().map(Source::from).collect(),
    })
}

/// A JSON response that says how things stand now: nobody may keep it.
pub(crate) fn json(body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(Problem::defect)?;
    let mut response = full(Format::Json.content_type(), body);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}
