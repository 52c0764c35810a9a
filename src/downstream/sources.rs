//! `GET /sources`: how each upstream that the caller may see stands.

use std::sync::Arc;

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde::Serialize;

use crate::caller::HiddenFields;

use super::audited_answer::AuditedAnswer;
use super::exchange::RequestContext;
use super::fallback;
use super::generation::Generation;
use super::negotiate::{AnswerFormat, negotiate};
use super::problem::ProblemDetails;
use super::response::{Response, full};
use super::services::CatalogService;
use super::source_list::{ListedSource, SourceList};

/// Answers `GET /sources`.
pub(crate) fn list<G: CatalogService>(
    exchange: &RequestContext<Generation<G>>,
) -> Result<Response, ProblemDetails> {
    fallback::no_parameters(&exchange.uri)?;
    negotiate(&exchange.headers, &[AnswerFormat::Json])?;
    let caller = exchange.caller();
    let held = exchange.state.gateway.peek_for(caller);
    let listed = held.iter().map(|held| {
        let hidden = caller.visible.hidden_of(&held.source);
        ListedSource::from(held).hiding(hidden.unwrap_or(HiddenFields::ALL))
    });
    let mut response = json(&SourceList {
        sources: listed.collect(),
    })?;
    let audited = exchange.state.audit.as_ref();
    response.body_mut().audited = audited.map(|_| Arc::new(AuditedAnswer::of_sources(&held)));
    Ok(response)
}

/// A JSON response that says how things stand now: nobody may keep it.
pub(crate) fn json(body: &impl Serialize) -> Result<Response, ProblemDetails> {
    let body = serde_json::to_vec(body).map_err(ProblemDetails::defect)?;
    let mut response = full(AnswerFormat::Json.content_type(), body);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}
