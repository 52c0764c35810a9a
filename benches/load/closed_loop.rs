//! Closed loop: each connection asks again as soon as it is answered. Servers take turns.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::connection::{Answer, BUFFER, Question};
use crate::meter::{Meter, Usage};
use crate::servers::Server;

/// How long one server is asked before it is another's turn.
const SLICE: Duration = Duration::from_millis(500);

/// How much longer it is for each connection, where they are so many that few could ask more than once.
const FOR_EACH: Duration = Duration::from_micros(500);

/// How many connections ask, where nothing else is said.
pub(crate) const CONNECTIONS: usize = 16;

/// How many figures there are of each server, of which the median is told, and how far they are apart.
pub(crate) const ROUNDS: u64 = 5;

/// What came of one server's turns in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turn {
    pub(crate) asked: usize,
    /// How long its answers are, in bytes.
    pub(crate) body: usize,
    pub(crate) usage: Usage,
}

/// What came of all turns of servers that were asked the same.
pub(crate) struct Comparison {
    /// For each round, the servers in order.
    pub(crate) rounds: Vec<Vec<Turn>>,
    /// How often they were asked, before anything was measured too.
    pub(crate) asked: usize,
}

impl Turn {
    pub(crate) fn per_second(&self) -> f64 {
        self.asked as f64 / self.usage.long.as_secs_f64()
    }

    /// Microseconds of CPU time for each request.
    pub(crate) fn cpu(&self) -> f64 {
        self.usage.server.as_secs_f64() * 1e6 / self.asked as f64
    }
}

/// Lets all servers take turns of half a second, each so many seconds in all.
pub(crate) async fn compare(
    question: Question<'_>,
    connections: usize,
    servers: &[&Server],
    seconds: u64,
) -> Comparison {
    let mut asked = 0;
    // Buffers and caches fill.
    for server in servers {
        asked += ask(question, connections, server).await.asked;
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut round = vec![Turn::default(); servers.len()];
        for _ in 0..(2 * seconds).div_ceil(ROUNDS) {
            for (server, sum) in servers.iter().zip(&mut round) {
                let turn = ask(question, connections, server).await;
                asked += turn.asked;
                sum.asked += turn.asked;
                sum.body = turn.body;
                sum.usage += turn.usage;
            }
        }
        rounds.push(round);
    }
    Comparison { rounds, asked }
}

/// Asks one server for the length of a slice, and over each connection once at least. Where there are several, all
/// are in use before anything is measured.
pub(crate) async fn ask(question: Question<'_>, connections: usize, server: &Server) -> Turn {
    let requests = question.requests(server.address);
    let mut buffer = vec![0; BUFFER];
    let mut streams = Vec::new();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        if connections > 1 {
            exchange(&mut stream, question.answer(), &requests[0], &mut buffer).await;
        }
        streams.push(stream);
    }
    let meter = Meter::start(server.id());
    let until = Instant::now() + SLICE.max(FOR_EACH * connections as u32);
    let mut asking = JoinSet::new();
    for stream in streams {
        asking.spawn(ask_over(stream, question.answer(), requests.clone(), until));
    }
    sleep_until(until).await;
    let answers = asking.join_all().await;
    Turn {
        usage: meter.stop(),
        asked: answers.iter().map(|(asked, _)| asked).sum(),
        body: answers[0].1,
    }
}

/// Asks again and again until then: how often, and how long the last answer's body was.
async fn ask_over(
    mut stream: TcpStream,
    nothing_yet: Answer,
    requests: Vec<Bytes>,
    until: Instant,
) -> (usize, usize) {
    let mut buffer = vec![0; BUFFER];
    let mut asked = 0;
    loop {
        let request = &requests[asked % requests.len()];
        let body = exchange(&mut stream, nothing_yet, request, &mut buffer).await;
        asked += 1;
        if Instant::now() >= until {
            return (asked, body);
        }
    }
}

/// Asks once. How long the body of the answer was.
async fn exchange(
    stream: &mut TcpStream,
    mut answer: Answer,
    request: &Bytes,
    buffer: &mut [u8],
) -> usize {
    stream.write_all(request).await.unwrap();
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.unwrap();
        assert!(read > 0, "the server closed the connection");
        filled += read;
        if let Some(body) = answer.body(&buffer[..filled]) {
            return body;
        }
    }
}
