//! Which lines may be logged or exported at all, whatever the filter says.

use tracing::{Level, Metadata};

/// Whether a line is about exporting lines, or of what they are exported with.
pub(super) fn is_about_exports(target: &str) -> bool {
    const OURS: &str = concat!(env!("CARGO_CRATE_NAME"), "::telemetry");
    let is_of = |library: &&str| target.split("::").next() == Some(*library);
    let libraries = ["hyper", "hyper_util", "rustls"];
    target.starts_with(OURS) || is_opentelemetry(target) || libraries.iter().any(is_of)
}

/// Whether a line comes from OpenTelemetry's crates. Some name themselves as a package, some as a module.
fn is_opentelemetry(target: &str) -> bool {
    target.starts_with("opentelemetry")
}

/// Whether a line is one by which OpenTelemetry's crates say that something is lost. A failed export is reported
/// by the collector, now and then; they would do so each time.
fn is_loss(metadata: &Metadata<'_>) -> bool {
    let name = metadata.name();
    *metadata.level() <= Level::WARN && !name.contains("Export") && !name.starts_with("HttpClient.")
}

/// Whether a line may be logged at all. Libraries that sign, encrypt and send requests log secrets
/// at their finer levels, so these are open to our own modules only, whatever the filter says.
pub(super) fn may_log(metadata: &Metadata<'_>) -> bool {
    let module = || metadata.target().split("::").next();
    if is_opentelemetry(metadata.target()) && !is_loss(metadata) {
        return false;
    }
    *metadata.level() <= Level::INFO || module() == Some(env!("CARGO_CRATE_NAME"))
}
