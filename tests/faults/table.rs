//! The table: a line for each fault and cache, a column for each upstream.

use std::fmt;
use std::time::Duration;

use crate::cell::Cell;
use crate::memory::{ALL_MIB, CELL_MIB};
use crate::readers::ReaderOutcome;
use crate::support::deployment::SOURCES;

/// What came of one cell.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) cell: Cell,
    /// What was seen, or why the cell cannot happen; or what was wrong.
    pub(crate) verdict: Result<Result<String, String>, String>,
    /// How many MiB the process has grown, where that was looked at.
    pub(crate) grown: Option<u64>,
    pub(crate) taken: Duration,
}

/// What came of all cells.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) outcomes: Vec<Outcome>,
    /// What came of callers that read slowly.
    pub(crate) readers: Vec<ReaderOutcome>,
    /// How many MiB the process has grown over all cells that were not looked at one by one.
    pub(crate) grown: Option<u64>,
    pub(crate) taken: Duration,
}

impl Outcome {
    fn failure(&self) -> Option<String> {
        match &self.verdict {
            Err(wrong) => Some(wrong.clone()),
            Ok(_) => self
                .grown
                .filter(|grown| *grown > CELL_MIB)
                .map(|grown| format!("memory grew by {grown} MiB, more than {CELL_MIB}")),
        }
    }

    fn is_impossible(&self) -> bool {
        matches!(self.verdict, Ok(Err(_)))
    }

    fn word(&self) -> &str {
        match &self.verdict {
            _ if self.failure().is_some() => "FAILED",
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) => "-",
            Err(_) => "FAILED",
        }
    }
}

impl Table {
    /// How many cells ran.
    pub(crate) fn ran(&self) -> usize {
        self.outcomes.len() - self.impossible() + self.readers.len()
    }

    /// How many cells cannot happen.
    pub(crate) fn impossible(&self) -> usize {
        let outcomes = self.outcomes.iter();
        outcomes.filter(|outcome| outcome.is_impossible()).count()
    }

    /// How many cells were wrong.
    pub(crate) fn failed(&self) -> usize {
        let outcomes = self.outcomes.iter();
        let cells = outcomes.filter(|outcome| outcome.failure().is_some());
        let readers = self.readers.iter();
        cells.count() + readers.filter(|outcome| outcome.verdict.is_err()).count()
    }

    /// How many cells were right.
    pub(crate) fn passed(&self) -> usize {
        self.ran() - self.failed()
    }

    /// All that was wrong.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let cells = self.outcomes.iter().filter_map(|outcome| {
            let failure = outcome.failure()?;
            Some(format!("{}: {failure}", outcome.cell))
        });
        let readers = self.readers.iter().filter_map(|outcome| {
            let wrong = outcome.verdict.as_ref().err()?;
            Some(format!("{}: {wrong}", outcome.reader))
        });
        let grown = self.grown.filter(|grown| *grown > ALL_MIB);
        let grown = grown.map(|grown| {
            format!("the cells together grew memory by {grown} MiB, more than {ALL_MIB}")
        });
        cells.chain(readers).chain(grown).collect()
    }

    fn line(&self, cell: Cell) -> String {
        let mut line = format!(
            "{:<24} {:<5}",
            cell.fault.to_string(),
            cell.cache.to_string()
        );
        for upstream in SOURCES {
            let cell = Cell { upstream, ..cell };
            let outcome = self.outcomes.iter().find(|outcome| outcome.cell == cell);
            let word = outcome.map_or("", Outcome::word);
            line += &format!(" {word:<14}");
        }
        line.trim_end().to_owned()
    }

    /// Each fault that cannot happen somewhere, and why.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for outcome in &self.outcomes {
            if let Ok(Err(reason)) = &outcome.verdict {
                let Cell {
                    fault, upstream, ..
                } = outcome.cell;
                reasons.push(format!("{fault} cannot happen at {upstream}: {reason}"));
            }
        }
        reasons.sort();
        reasons.dedup();
        reasons
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\n{:<24} {:<5}", "fault", "cache")?;
        for upstream in SOURCES {
            write!(formatter, " {upstream:<14}")?;
        }
        writeln!(formatter)?;
        let mut lines = Vec::new();
        for cell in Cell::all() {
            let is_there = |outcome: &Outcome| {
                outcome.cell.fault == cell.fault && outcome.cell.cache == cell.cache
            };
            if self.outcomes.iter().any(is_there) {
                lines.push(self.line(cell));
            }
        }
        lines.dedup();
        for line in lines {
            writeln!(formatter, "{line}")?;
        }
        writeln!(formatter)?;
        for outcome in &self.readers {
            let seen = outcome.verdict.as_ref().map_or("FAILED", |seen| *seen);
            let (reader, taken) = (outcome.reader.to_string(), outcome.taken);
            writeln!(formatter, "{reader:<30} {seen} {taken:.0?}")?;
        }
        for reason in self.reasons() {
            writeln!(formatter, "{reason}")?;
        }
        let heaviest = self
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.grown)
            .max();
        let slowest = self.outcomes.iter().max_by_key(|outcome| outcome.taken);
        writeln!(
            formatter,
            "\nmemory grew by {} MiB at most in a cell of a large answer (bound {CELL_MIB}), by {} MiB in \
             all other cells together (bound {ALL_MIB})",
            told(heaviest),
            told(self.grown)
        )?;
        if let Some(slowest) = slowest {
            let (cell, taken) = (slowest.cell, slowest.taken);
            writeln!(formatter, "took {:.0?}, {cell} {taken:.0?}", self.taken)?;
        }
        Ok(())
    }
}

fn told(grown: Option<u64>) -> String {
    grown.map_or_else(|| "unknown".to_owned(), |grown| grown.to_string())
}
