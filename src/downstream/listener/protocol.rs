//! What is spoken on a connection: HTTP/1 and HTTP/2, within bounds that no request needs.
//!
//! hyper-util's connection builder serves, for it shows the timeouts and limits that a stranger's connection
//! needs.

use std::io;
use std::time::Duration;

use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;

use crate::downstream::connections::StreamExecutor;
use crate::error::causes;
use crate::plan::ConnectionLimits;

/// The last resort against large heads: beyond it the connection breaks without a problem body.
const HEAD_BYTES: usize = 64 * 1024;

/// What one HTTP/2 connection may send of bodies that nobody reads.
const WINDOW: u32 = 65_535;

/// How many streams of a connection may be reset before they were looked at, and how many may be reset because
/// its client breaks the rules. Beyond, the connection is closed (CVE-2023-44487 and its kind).
const EARLY_RESETS: usize = 20;
const FAULTY_STREAMS: usize = 64;

/// How often a silent HTTP/2 peer is asked whether it is there, and how long it may take to say.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// What serves a connection.
pub(super) fn builder(limits: &ConnectionLimits) -> Builder<StreamExecutor> {
    let mut builder = Builder::new(StreamExecutor);
    builder
        .http1()
        // It would also bound how long a connection may be idle.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(EARLY_RESETS)
        .max_local_error_reset_streams(FAULTY_STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

/// Whether a client read nothing for too long.
pub(super) fn is_unread(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::TimedOut)
}
