//! Open loop: requests are due at fixed moments, whether earlier ones are answered or not. Latency counts
//! from when a request was due, so that an answer that holds up those behind it counts for all of them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU64;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;
use rustix::thread::set_current_timer_slack;
use tokio::time::Instant;

use crate::connection::{BUFFER, Question};
use crate::meter::{Meter, Usage};
use crate::servers::Server;

/// How many connections are asked over, each by a thread of its own. One that is late catches up. Each
/// more costs the load switches between threads.
const CONNECTIONS: u32 = 8;

/// What came of a stretch of time.
pub(crate) struct Latency {
    /// Nanoseconds.
    histogram: Histogram<u64>,
    pub(crate) usage: Usage,
}

impl Latency {
    /// In microseconds, what so many percent of all answers took at most.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.histogram.value_at_percentile(percent) as f64 / 1e3
    }
}

/// Asks a server so often a second, for so long.
pub(crate) fn ask(question: Question<'_>, server: &Server, rate: f64, long: Duration) -> Latency {
    let interval = Duration::from_secs_f64(f64::from(CONNECTIONS) / rate);
    let streams = (0..CONNECTIONS).map(|_| TcpStream::connect(server.address).unwrap());
    let streams: Vec<_> = streams.collect();
    let meter = Meter::start(server.id());
    let begun = Instant::now();
    // Linux forgets what a thread has used that has ended.
    let [answered, measured] = [0, 1].map(|_| Barrier::new(CONNECTIONS as usize + 1));
    thread::scope(|scope| {
        let asking = streams.into_iter().zip(0..).map(|(stream, number)| {
            let first = begun + interval * number / CONNECTIONS;
            let (answered, measured) = (&answered, &measured);
            scope.spawn(move || {
                let until = begun + long;
                let latencies = ask_over(stream, question, server, first, interval, until);
                answered.wait();
                measured.wait();
                latencies
            })
        });
        let asking: Vec<_> = asking.collect();
        answered.wait();
        let usage = meter.stop();
        measured.wait();
        let histograms = asking.into_iter().map(|thread| thread.join().unwrap());
        let sum = histograms.reduce(|mut sum, histogram| {
            sum.add(histogram).unwrap();
            sum
        });
        Latency {
            histogram: sum.unwrap(),
            usage,
        }
    })
}

/// Asks over one connection whenever a request is due, until then.
fn ask_over(
    mut stream: TcpStream,
    question: Question<'_>,
    server: &Server,
    first: Instant,
    interval: Duration,
    until: Instant,
) -> Histogram<u64> {
    // Sleeps end as exactly as the kernel can.
    set_current_timer_slack(NonZeroU64::new(1)).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = question.request(server.address);
    let mut buffer = vec![0; BUFFER];
    let mut latencies = Histogram::new(3).unwrap();
    let mut due = first;
    while due < until {
        #[expect(clippy::disallowed_methods, reason = "this thread serves nobody else")]
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(&request).unwrap();
        let (mut filled, mut answer) = (0, question.answer());
        while answer.body(&buffer[..filled]).is_none() {
            let read = stream.read(&mut buffer[filled..]).unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
        }
        latencies.record(due.elapsed().as_nanos() as u64).unwrap();
        due += interval;
    }
    latencies
}
