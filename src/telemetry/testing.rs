//! Logs that tests read.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing::subscriber::with_default;

use crate::clock::WallClock;

use super::access_lines::{AccessLines, LetThrough};
use super::line_queue::{LogWriter, queue};
use super::{LogFormat, parse, subscriber};

/// Keeps what is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl CapturedLog {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// All whole lines that were written since the last time.
    pub(crate) fn take(&self) -> String {
        let mut written = self.0.lock().unwrap();
        let end = written.iter().rposition(|byte| *byte == b'\n');
        let rest = written.split_off(end.map_or(0, |end| end + 1));
        String::from_utf8(std::mem::replace(&mut *written, rest)).unwrap()
    }
}

/// What threads log to whose default it is made.
pub(crate) struct Capturing {
    pub(crate) dispatch: Dispatch,
    pub(crate) log: CapturedLog,
    /// Writes what waits when it is dropped.
    writer: Mutex<Option<LogWriter>>,
}

impl Capturing {
    /// Waits until all that was logged is written. What is logged later is lost.
    pub(crate) fn end(&self) {
        drop(self.writer.lock().unwrap().take());
    }
}

/// A second subscriber, which nobody uses. While there is only one, an event that another thread is
/// the first to reach is switched off for good unless that thread listens too.
static ANOTHER: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// A log under `filter` that loses nothing.
pub(crate) fn capturing(filter: &str) -> Capturing {
    LazyLock::force(&ANOTHER);
    let log = CapturedLog::default();
    let (lines, writer) = queue(log.clone(), usize::MAX).unwrap();
    let subscriber = subscriber(LogFormat::Json, parse(filter).unwrap(), lines);
    Capturing {
        dispatch: Dispatch::new(subscriber),
        log,
        writer: Mutex::new(Some(writer)),
    }
}

/// What is logged under `filter` while `work` runs.
pub(crate) fn logged(filter: &str, work: impl FnOnce()) -> String {
    let written = CapturedLog::default();
    let (lines, writer) = queue(written.clone(), 1000).unwrap();
    let subscriber = subscriber(LogFormat::Json, parse(filter).unwrap(), lines);
    with_default(subscriber, work);
    drop(writer);
    written.text()
}

/// What is logged under `filter` while `work` runs, once over tracing alone and once with a shorter way for the
/// lines of requests. Neither has its time.
pub(crate) fn logged_both_ways(filter: &str, work: impl Fn(Option<AccessLines>)) -> [String; 2] {
    let written = CapturedLog::default();
    let (lines, writer) = queue(written.clone(), 1000).unwrap();
    let levels = LetThrough::by(parse(filter).unwrap());
    let lines = AccessLines::new(lines, levels, WallClock::system());
    let over_tracing = logged(filter, || work(None));
    let by_tracing_too = logged(filter, || work(Some(lines.clone())));
    assert_eq!(by_tracing_too, "");
    drop(writer);
    [over_tracing, written.text()].map(|log| log.lines().map(without_time).collect())
}

fn without_time(line: &str) -> String {
    let time = r#"{"timestamp":"2026-11-21T09:30:00.123456Z"#.len();
    format!("{}\n", &line[time..])
}
