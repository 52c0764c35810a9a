//! Open loop: requests are due at fixed moments, whether earlier ones are answered or not. Latency counts
//! from when a request was due, so that an answer that holds up those behind it counts for all of them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU64;
use std::time::Duration;

use bytes::Bytes;
use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::set_current_timer_slack;
use tokio::time::Instant;

use crate::connection::{Answer, BUFFER, Question};
use crate::meter::{Meter, Usage};
use crate::servers::Server;

/// How many connections are asked over, in turn. One that is late catches up.
const CONNECTIONS: u32 = 16;

/// What came of a stretch of time.
pub(crate) struct Latency {
    /// Nanoseconds.
    histogram: Histogram<u64>,
    pub(crate) usage: Usage,
}

/// One connection, and the answer that it waits for, if there is one.
struct Connection {
    stream: TcpStream,
    /// When its request was due, or the next one is.
    due: Instant,
    awaited: Option<Answer>,
    buffer: Vec<u8>,
    filled: usize,
}

impl Latency {
    /// In microseconds, what so many percent of all answers took at most.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.histogram.value_at_percentile(percent) as f64 / 1e3
    }
}

/// Asks a server so often a second, for so long. This thread does nothing else.
pub(crate) fn ask(question: Question<'_>, server: &Server, rate: f64, long: Duration) -> Latency {
    // Waits end as exactly as the kernel can.
    set_current_timer_slack(NonZeroU64::new(1)).unwrap();
    let interval = Duration::from_secs_f64(1.0 / rate);
    let request = &question.requests(server.address)[0];
    let mut histogram = Histogram::new(3).unwrap();
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| Connection::to(server)).collect();
    let meter = Meter::start(server.id());
    // Only now: opening connections takes longer than most answers.
    let begun = Instant::now();
    let until = begun + long;
    for (number, connection) in (0..).zip(&mut connections) {
        connection.due = begun + interval * number;
    }
    loop {
        let now = Instant::now();
        let mut next = None;
        for connection in &mut connections {
            if connection.awaited.is_some() || connection.due >= until {
                continue;
            }
            if connection.due <= now {
                connection.ask(question, request);
            } else if next.is_none_or(|next| connection.due < next) {
                next = Some(connection.due);
            }
        }
        let asking: Vec<_> = (0..connections.len())
            .filter(|number| connections[*number].awaited.is_some())
            .collect();
        if asking.is_empty() && next.is_none() {
            return Latency {
                histogram,
                usage: meter.stop(),
            };
        }
        for number in ready(&connections, &asking, next) {
            let connection = &mut connections[number];
            if connection.is_answered() {
                let latency = connection.due.elapsed().as_nanos();
                histogram.record(latency.try_into().unwrap()).unwrap();
                connection.due += interval * CONNECTIONS;
            }
        }
    }
}

/// Waits until something arrives for one of those that are `asking`, or until then: over which of them.
fn ready(connections: &[Connection], asking: &[usize], until: Option<Instant>) -> Vec<usize> {
    let socket = |number: &usize| PollFd::new(&connections[*number].stream, PollFlags::IN);
    let mut sockets: Vec<_> = asking.iter().map(socket).collect();
    let wait = until.map(|until| until.saturating_duration_since(Instant::now()));
    let wait = wait.map(|wait| Timespec::try_from(wait).unwrap());
    poll(&mut sockets, wait.as_ref()).unwrap();
    let sockets = asking.iter().zip(&sockets);
    let ready = sockets.filter(|(_, socket)| !socket.revents().is_empty());
    ready.map(|(number, _)| *number).collect()
}

impl Connection {
    /// A connection whose first request is due at once.
    fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self {
            stream,
            due: Instant::now(),
            awaited: None,
            buffer: vec![0; BUFFER],
            filled: 0,
        }
    }

    fn ask(&mut self, question: Question<'_>, request: &Bytes) {
        self.stream.write_all(request).unwrap();
        self.awaited = Some(question.answer());
        self.filled = 0;
    }

    /// Takes what has arrived, and says whether that is all of the answer.
    fn is_answered(&mut self) -> bool {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => panic!("the server closed the connection"),
            Ok(read) => self.filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        let arrived = &self.buffer[..self.filled];
        let answer = self.awaited.as_mut();
        let is_whole = answer.is_some_and(|answer| answer.body(arrived).is_some());
        if is_whole {
            self.awaited = None;
        }
        is_whole
    }
}
