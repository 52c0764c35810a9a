//! Whether an answer under a 2xx status says in its body that it succeeded.

use crate::config::upstream::{Absence, Success};
use crate::error::{ErrorKind, UpstreamError};

use super::law::{Case, Law};
use super::{delay, message};

/// Judges an answer by its body.
pub(super) fn check(rule: &Success, case: &Case<'_>, law: &Law) -> Result<(), UpstreamError> {
    let said = rule
        .path
        .as_slice()
        .iter()
        .find_map(|path| case.page.find(path).filter(|node| !node.is_null()));
    let Some(said) = said else {
        return match (rule.absent, case.flaw) {
            (Absence::Ok, _) => Ok(()),
            // A body that could not be read has rejected nothing.
            (Absence::Error, Some(flaw)) => Err(flaw.clone().into()),
            (Absence::Error, None) => Err(UpstreamError::new(
                ErrorKind::Rejected,
                format!("none of {} is there to say that it succeeded", paths(rule)),
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
    let why = message::declared(case, law).map_or_else(String::new, |why| format!(": {why}"));
    let detail = format!("the body says `{}`{why}", message::shorten(&said));
    Err(UpstreamError::new(kind, detail)
        .with_retry_after(delay::retry_after(case.headers, case.now))
        .with_transience(kind == ErrorKind::RateLimited))
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
