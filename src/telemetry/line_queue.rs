//! Log lines on their way to the thread that writes them.
//!
//! All of them stand in one buffer, which the thread takes as a whole, so a line has no memory of its own.
//! The thread rests after each batch: lines that come meanwhile wake nobody, for that would be a system call,
//! and on a busy core two switches of thread, for each request.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits at most for those that come after it.
const PAUSE: Duration = Duration::from_millis(20);

/// How long the end of the log waits for its reader.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What each of the two buffers has from the start, and keeps between two batches, in bytes.
const KEPT: usize = 1 << 20;

/// How many bytes may wait: paths may be long.
const MOST: usize = 8 << 20;

/// Takes lines in. Its clones fill one queue.
#[derive(Debug, Clone)]
pub(super) struct LineQueue(Arc<LogState>);

/// The thread that writes. Dropping it writes what waits, and ends the log.
#[derive(Debug)]
pub(super) struct LogWriter(Arc<LogState>);

#[derive(Debug)]
struct LogState {
    lines: Mutex<QueuedLines>,
    /// How many may wait.
    most: usize,
    /// Rung when the thread has something to do.
    due: Condvar,
    /// Rung when the last line is written.
    ended: Condvar,
    dropped: AtomicUsize,
}

#[derive(Debug, Default)]
struct QueuedLines {
    text: Vec<u8>,
    /// How many are not written yet, those included that are being written.
    count: usize,
    /// Whether the thread waits for a line.
    is_idle: bool,
    /// Whether none will follow.
    is_over: bool,
    /// Whether the thread has ended.
    is_ended: bool,
}

/// A queue whose lines another thread writes to `log`. If `most` of them wait, more are dropped.
pub(super) fn queue(
    log: impl Write + Send + 'static,
    most: usize,
) -> io::Result<(LineQueue, LogWriter)> {
    let state = Arc::new(LogState {
        lines: Mutex::new(QueuedLines {
            text: Vec::with_capacity(KEPT),
            ..QueuedLines::default()
        }),
        most,
        due: Condvar::new(),
        ended: Condvar::new(),
        dropped: AtomicUsize::new(0),
    });
    let writing = Arc::clone(&state);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writing.write_to(log))?;
    Ok((LineQueue(Arc::clone(&state)), LogWriter(state)))
}

impl LineQueue {
    /// Takes in a line with its end, if there is room. Says whether there was.
    pub(super) fn push(&self, line: &[u8]) -> bool {
        self.push_with(line.len(), |text| text.extend_from_slice(line))
    }

    /// The same of a line of so many bytes, which `put` appends while nobody else can: it does not wait.
    pub(super) fn push_with(&self, bytes: usize, put: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.push_within(1, bytes, put)
    }

    /// The same of a line that leaves half of the room to others.
    pub(super) fn push_if_ample(&self, line: &[u8]) -> bool {
        let put = |text: &mut Vec<u8>| text.extend_from_slice(line);
        self.push_within(2, line.len(), put)
    }

    /// The same within one of so many equal parts of the room.
    fn push_within(&self, parts: usize, bytes: usize, put: impl FnOnce(&mut Vec<u8>)) -> bool {
        let state = &*self.0;
        let mut lines = state.lock();
        let after = lines.text.len() + bytes;
        let is_full = lines.count >= state.most / parts || after > MOST / parts;
        if lines.is_over || is_full {
            state.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        put(&mut lines.text);
        debug_assert_eq!(
            lines.text.len(),
            after,
            "a line is as long as it was said to be"
        );
        lines.count += 1;
        let is_due = mem::take(&mut lines.is_idle) || lines.count == state.soon_full();
        drop(lines);
        if is_due {
            state.due.notify_one();
        }
        true
    }

    /// How many lines were dropped.
    pub(super) fn dropped(&self) -> usize {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

/// What is written at once is one line, as the formatters of tracing-subscriber do it.
impl Write for LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LineQueue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl LogState {
    fn lock(&self) -> MutexGuard<'_, QueuedLines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From how many lines on the thread rests no longer.
    const fn soon_full(&self) -> usize {
        self.most.div_ceil(2)
    }

    fn write_to(&self, mut log: impl Write) {
        let mut batch = Vec::with_capacity(KEPT);
        while let Some(count) = self.take(&mut batch) {
            // There is nobody to tell that the log cannot be written.
            let _ = log.write_all(&batch).and_then(|()| log.flush());
            batch.clear();
            batch.shrink_to(KEPT);
            let mut lines = self.lock();
            lines.count -= count;
            let is_early =
                |lines: &mut QueuedLines| !lines.is_over && lines.count < self.soon_full();
            let rested = self.due.wait_timeout_while(lines, PAUSE, is_early);
            drop(rested);
        }
        self.lock().is_ended = true;
        self.ended.notify_all();
    }

    /// Waits for lines, and puts all there are into an empty batch. How many they are; `None` at the end.
    fn take(&self, batch: &mut Vec<u8>) -> Option<usize> {
        let mut lines = self.lock();
        lines.is_idle = true;
        let is_idle = |lines: &mut QueuedLines| lines.count == 0 && !lines.is_over;
        let mut lines = self
            .due
            .wait_while(lines, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        lines.is_idle = false;
        mem::swap(batch, &mut lines.text);
        (lines.count > 0).then_some(lines.count)
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let mut lines = self.0.lock();
        lines.is_over = true;
        self.0.due.notify_one();
        let is_writing = |lines: &mut QueuedLines| !lines.is_ended;
        let ended = self
            .0
            .ended
            .wait_timeout_while(lines, LAST_WORDS, is_writing);
        drop(ended);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A log that takes nothing until it is let go.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_leave_room_to_others_take_half_of_it() {
        let (let_go, stuck) = channel();
        let (lines, writer) = queue(Stuck(stuck), 8).unwrap();
        let ample: Vec<_> = (0..8).map(|_| lines.push_if_ample(b"refused\n")).collect();
        assert_eq!(ample.iter().filter(|taken| **taken).count(), 4);
        let others: Vec<_> = (0..8).map(|_| lines.push(b"read\n")).collect();
        assert_eq!(others.iter().filter(|taken| **taken).count(), 4);
        assert_eq!(lines.dropped(), 8);
        drop(let_go);
        drop(writer);
    }
}
