//! The line that each request logs, where the log is one of JSON.
//!
//! It is what [`JsonLines`](super::json_lines::JsonLines) makes of the same event: on its way through tracing it took
//! more than a third of the time in which a ready answer is sent. What the line before said, too, is copied from there
//! ([`LineTemplate`]).

use std::cell::RefCell;

use tracing::Level;
use tracing::subscriber::with_default;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::clock::WallClock;

use super::line_queue::LineQueue;
use super::line_template::{LineHead, LineTemplate, LineWords, LoggedRequest, TARGET};
use super::secrecy::may_log;

/// Writes the lines of requests.
#[derive(Debug, Clone)]
pub(crate) struct AccessLines {
    lines: LineQueue,
    levels: LetThrough,
    clock: WallClock,
}

/// The levels that the filter of the log lets through. That never changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct LetThrough([Option<Level>; 3]);

impl LetThrough {
    /// Asks a filter.
    pub(super) fn by(filter: EnvFilter) -> Self {
        macro_rules! asked {
            ($level:ident) => {
                tracing::event_enabled!(
                    target: TARGET,
                    Level::$level,
                    method,
                    path,
                    request_id,
                    trace_id,
                    status,
                    latency_ms,
                    route,
                    format,
                    cache,
                    problem
                )
                .then_some(Level::$level)
            };
        }
        let registry = tracing_subscriber::registry();
        let filtered = registry.with(filter).with(filter_fn(may_log));
        Self(with_default(filtered, || {
            [asked!(DEBUG), asked!(INFO), asked!(WARN)]
        }))
    }
}

thread_local! {
    /// What this thread wrote, to be written again.
    static WRITTEN: RefCell<WrittenLines> = RefCell::default();
}

#[derive(Debug, Default)]
struct WrittenLines {
    head: LineHead,
    templates: Vec<LineTemplate>,
    /// Room for values.
    values: Vec<u8>,
}

/// How many templates a thread keeps. Ready answers need few: of each format, one of the answer and one of a 304, each
/// for ids that were made here and for others.
const KEPT: usize = 16;

impl AccessLines {
    pub(super) const fn new(lines: LineQueue, levels: LetThrough, clock: WallClock) -> Self {
        Self {
            lines,
            levels,
            clock,
        }
    }

    /// Writes a line with a message of the source code, if the log has lines of this level.
    pub(crate) fn log(&self, level: Level, message: &'static str, request: &LoggedRequest<'_>) {
        if !self.levels.0.contains(&Some(level)) {
            return;
        }
        let time = self.clock.now();
        let id = request.id_digits();
        let words = LineWords::of(level, message, request, id.is_some());
        WRITTEN.with_borrow_mut(|written| {
            let WrittenLines {
                head,
                templates,
                values,
            } = written;
            let known = templates.iter().position(|known| known.is_of(&words));
            let place = known.unwrap_or_else(|| {
                // The oldest go first, and with them those that a thread wrote once.
                if templates.len() == KEPT {
                    templates.remove(0);
                }
                templates.push(LineTemplate::of(words));
                templates.len() - 1
            });
            let line = templates[place].fill(request, id, values);
            let head = head.at(time);
            self.lines.push_with(head.len() + line.len(), |text| {
                text.extend_from_slice(head);
                line.write_to(text);
            })
        });
    }
}
