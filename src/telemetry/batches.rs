//! Log lines are written in batches, so that no request wakes the thread that writes them.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

/// How long a line waits at most for those that come after it.
const PAUSE: Duration = Duration::from_millis(20);

/// How many bytes are written at once, at most.
const BATCH: usize = 64 * 1024;

/// Writes what came in between two flushes at once, and rests after each flush.
///
/// The log's thread flushes when its queue is empty, and then sleeps until a line comes. Whoever
/// sends that line wakes it: a system call, and on a busy core two switches of thread, for each
/// request. While this rests, lines come into the queue and wake nobody.
pub(super) struct Batches<W: Write>(BufWriter<W>);

impl<W: Write> Batches<W> {
    pub(super) fn new(log: W) -> Self {
        Self(BufWriter::with_capacity(BATCH, log))
    }
}

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "it is the log's own thread, and nothing else runs on it"
        )]
        std::thread::sleep(PAUSE);
        Ok(())
    }
}
