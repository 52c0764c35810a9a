//! What is said of a reload: problems with their places, and the lines of the log.

use std::collections::BTreeMap;

use super::start_error::StartError;
use crate::config::{FaultyLine, Report};
use crate::error::chain;
use crate::reload::{LocatedProblem, ReloadOutcome, ReloadReport};

/// The problems of a report, each with its place.
pub(super) fn located(report: &Report) -> Vec<LocatedProblem> {
    let problems = report.problems().map(|problem| LocatedProblem {
        message: problem.message.to_owned(),
        help: problem.help.map(str::to_owned),
        file: problem.file.map(str::to_owned),
        line: problem.line.as_ref().map(|line| line.number),
        column: problem.line.as_ref().map(FaultyLine::column),
    });
    problems.collect()
}

pub(super) fn start_problems(error: &StartError) -> Vec<LocatedProblem> {
    match error {
        StartError::Settings(report) => located(report),
        StartError::Listen(_) | StartError::Defect(_) => vec![defect(error)],
    }
}

/// A problem of which the files know nothing.
pub(super) fn defect(error: &(dyn std::error::Error + 'static)) -> LocatedProblem {
    LocatedProblem {
        message: chain(error),
        help: None,
        file: None,
        line: None,
        column: None,
    }
}

/// Writes what became of a reload to the log.
pub(super) fn log(report: &ReloadReport) {
    let (trigger, generation) = (report.trigger.name(), report.generation);
    for error in &report.errors {
        tracing::error!(
            file = error.file,
            line = error.line,
            column = error.column,
            help = error.help,
            "the configuration has an error: {}",
            error.message
        );
    }
    match (report.outcome, &report.changes) {
        (ReloadOutcome::Applied, Some(changes)) => tracing::info!(
            trigger,
            generation,
            added = changes.upstreams.added.join(","),
            removed = changes.upstreams.removed.join(","),
            changed = names(&changes.upstreams.changed).join(","),
            adjusted = names(&changes.upstreams.adjusted).join(","),
            kept = changes.upstreams.kept.len(),
            settings = changes.settings.join(","),
            "the configuration was reloaded"
        ),
        (ReloadOutcome::Failed, _) => tracing::error!(
            trigger,
            generation,
            errors = report.errors.len(),
            "the configuration was not reloaded, and the one in force stays"
        ),
        (ReloadOutcome::Applied | ReloadOutcome::Unchanged, _) => {
            tracing::info!(trigger, generation, "the configuration has not changed");
        }
    }
    let Some(changes) = &report.changes else {
        return;
    };
    if !changes.upstreams.dropped.is_empty() {
        let sources = changes.upstreams.dropped.join(",");
        tracing::warn!(
            sources,
            "lists are dropped, because they are asked for in another way: callers wait for the first walk"
        );
    }
    if !changes.needs_restart.is_empty() {
        let keys = changes.needs_restart.join(",");
        tracing::warn!(
            keys,
            "some of the configuration takes effect only after a restart"
        );
    }
}

fn names(upstreams: &BTreeMap<String, Vec<String>>) -> Vec<&str> {
    upstreams.keys().map(String::as_str).collect()
}
