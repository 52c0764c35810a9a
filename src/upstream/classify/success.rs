//! Whether the body of a 2xx response states success.

use crate::error::{ErrorKind, UpstreamError};
use crate::plan::{Absence, ClassifyRules, Success};

use super::context::ResponseContext;
use super::status::refused_or_limited;
use super::{delay, message};

/// Checks the body.
pub(super) fn check(
    rule: &Success,
    context: &ResponseContext<'_>,
    rules: &ClassifyRules,
) -> Result<(), UpstreamError> {
    let said = rule
        .path
        .as_slice()
        .iter()
        .find_map(|path| context.page.find(path).filter(|node| !node.is_null()));
    let Some(said) = said else {
        return match (rule.absent, context.decode_error) {
            (Absence::Ok, _) => Ok(()),
            // A body that could not be decoded has rejected nothing.
            (Absence::Error, Some(decode_error)) => Err(decode_error.clone().into()),
            (Absence::Error, None) => Err(UpstreamError::new(
                ErrorKind::Rejected,
                format!("no success indicator: none of {} is present", paths(rule)),
            )),
        };
    };
    let said = said.text().unwrap_or_default();
    if rule.equals.as_slice().iter().any(|good| good.0 == said) {
        return Ok(());
    }
    let kind = match said.as_ref() {
        "401" | "403" => ErrorKind::Unauthorized,
        "429" => ErrorKind::RateLimited,
        _ => ErrorKind::Rejected,
    };
    let why =
        message::first(&rules.message, context).map_or_else(String::new, |why| format!(": {why}"));
    let detail = format!("the body says `{}`{why}", message::shorten(&said));
    let error = UpstreamError::new(kind, detail)
        .with_retry_after(delay::retry_after(context.headers, context.now))
        .with_transience(kind == ErrorKind::RateLimited);
    Err(match said.as_ref() {
        "403" => refused_or_limited(error, context),
        _ => error,
    })
}

fn paths(rule: &Success) -> String {
    let paths: Vec<_> = rule
        .path
        .as_slice()
        .iter()
        .map(|path| format!("`{path}`"))
        .collect();
    paths.join(", ")
}
