use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::downstream::bodies::BodyMemory;
use crate::downstream::connections::HEAD_TIMEOUT;
use crate::downstream::layers::handler;
use crate::downstream::response::{Body, Content, Response, full};
use crate::plan::{Cache, ConnectionLimits};

fn table() -> Arc<ConnectionTable> {
    Arc::new(ConnectionTable::new(ConnectionLimits::default()))
}

fn here() -> Response {
    full("text/plain", "here")
}

/// Serves what a function makes of the state.
async fn start<S, A, F>(state: S, answer: A) -> Listener
where
    S: Send + Sync + 'static,
    A: Fn(Arc<S>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    start_within(ConnectionLimits::default(), state, answer)
        .await
        .0
}

/// The same within other limits.
async fn start_within<S, A, F>(
    limits: ConnectionLimits,
    state: S,
    answer: A,
) -> (Listener, Arc<ConnectionTable>)
where
    S: Send + Sync + 'static,
    A: Fn(Arc<S>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    start_edge(limits, edge(state, answer)).await
}

async fn start_edge<S, L>(
    limits: ConnectionLimits,
    edge: Edge<S, L>,
) -> (Listener, Arc<ConnectionTable>)
where
    S: Send + Sync + 'static,
    L: Stack<S>,
{
    let bound = Bound::to(([127, 0, 0, 1], 0).into()).await.unwrap();
    let table = Arc::new(ConnectionTable::new(limits));
    let listener = Listener::start(bound, edge, Arc::default(), Arc::clone(&table));
    (listener.unwrap(), table)
}

fn edge<S, A, F>(state: S, answer: A) -> Edge<S, impl Stack<S>>
where
    S: Send + Sync + 'static,
    A: Fn(Arc<S>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let layers = handler(move |exchange: Arc<RequestContext<S>>| {
        let answer = answer(Arc::clone(&exchange.state));
        async move { Ok(answer.await) }
    });
    Edge::new(Arc::new(ArcSwap::from_pointee(state)), layers)
}

fn client(version: Version) -> Client<HttpConnector, Empty<Bytes>> {
    Client::builder(TokioExecutor::new())
        .http2_only(version == Version::HTTP_2)
        .build_http()
}

fn uri(listener: &Listener) -> http::Uri {
    format!("http://{}/", listener.address()).parse().unwrap()
}

#[tokio::test]
async fn one_port_speaks_http_1_and_http_2() {
    let listener = start((), async |_| here()).await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let response = client(version).get(uri(&listener)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.version(), version);
    }
}

#[tokio::test]
async fn a_listener_apart_answers_while_no_other_thread_does() {
    let bound = Bound::to(([127, 0, 0, 1], 0).into()).await.unwrap();
    let listener = Listener::start_apart("apart", bound, edge((), async |_| here()), table());
    let listener = listener.unwrap();
    // This test's runtime has one thread, which waits here without giving way.
    let mut stream = std::net::TcpStream::connect(listener.address()).unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, request).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    assert!(answer.ends_with("here"), "{answer}");
    listener.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn an_open_request_ends_before_the_listener_does() {
    let signals = Arc::new((Notify::new(), Notify::new()));
    let listener = start(Arc::clone(&signals), async |signals| {
        let (begun, finish) = &**signals;
        begun.notify_one();
        finish.notified().await;
        here()
    })
    .await;
    let (begun, finish) = &*signals;
    let address = listener.address();
    let request = tokio::spawn(client(Version::HTTP_11).get(uri(&listener)));
    begun.notified().await;
    let stopping = tokio::spawn(listener.stop(Duration::from_mins(1)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    finish.notify_one();
    let response = request.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_drain_in_time_is_broken_off() {
    let begun = Arc::new(Notify::new());
    let listener = start(Arc::clone(&begun), async |begun| {
        begun.notify_one();
        std::future::pending().await
    })
    .await;
    let request = tokio::spawn(client(Version::HTTP_11).get(uri(&listener)));
    begun.notified().await;
    listener.stop(Duration::ZERO).await;
    assert!(request.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_opened_ahead_is_kept_as_long_as_an_idle_one() {
    let (listener, table) = start_within(ConnectionLimits::default(), (), async |_| here()).await;
    let mut silent = TcpStream::connect(listener.address()).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(ask(&mut silent).await.ends_with("here"));
    let mut silent = TcpStream::connect(listener.address()).await.unwrap();
    let kept = closed(&mut silent).await;
    assert!((75..86).contains(&kept.as_secs()), "{kept:?}");
    assert_eq!(table.counts().broken_off, 0);
}

#[tokio::test(start_paused = true)]
async fn an_http_2_connection_that_was_opened_ahead_is_told_to_go_away_when_it_was_idle_long_enough()
 {
    let (listener, table) = start_within(ConnectionLimits::default(), (), async |_| here()).await;
    let (_sender, ended) = http2(&listener, 65_535).await;
    let kept = ended.await.unwrap();
    assert!((75..86).contains(&kept.as_secs()), "{kept:?}");
    let counts = table.counts();
    assert_eq!((counts.closed_idle, counts.broken_off), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_first_head_on_a_connection_must_come_soon_after_its_first_byte() {
    let listener = start((), async |_| here()).await;
    let mut slow = TcpStream::connect(listener.address()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    let kept = closed(&mut slow).await;
    assert!(kept <= 2 * HEAD_TIMEOUT, "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_its_client_leaves_unread_is_let_go() {
    let (held, let_go) = oneshot::channel::<()>();
    let held = std::sync::Mutex::new(Some(held));
    let listener = start(held, async |held| {
        let held = held.lock().unwrap().take();
        let chunk = Bytes::from(vec![b'x'; 1 << 20]);
        let parts = stream::repeat_with(move || {
            let _ = &held;
            Ok(chunk.clone())
        });
        Response::new(Body::from(Content::Streamed(Box::pin(parts))))
    })
    .await;
    let mut client = TcpStream::connect(listener.address()).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";
    client.write_all(request).await.unwrap();
    let begun = tokio::time::Instant::now();
    assert!(let_go.await.is_err());
    assert!(begun.elapsed() >= ConnectionLimits::default().send_timeout.get());
}

/// Asks on a connection, and reads until the answer's end, or until the connection ends.
async fn ask(stream: &mut TcpStream) -> String {
    let request = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";
    if stream.write_all(request).await.is_err() {
        return String::new();
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"here") {
        match stream.read_buf(&mut answer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    String::from_utf8(answer).unwrap()
}

async fn from_address(address: [u8; 4], listener: &Listener) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    socket.connect(listener.address()).await.unwrap()
}

/// How long until the other side closes, however.
async fn closed(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_as_long_as_a_balancer_would_and_then_closed() {
    let (listener, table) = start_within(ConnectionLimits::default(), (), async |_| here()).await;
    let mut stream = TcpStream::connect(listener.address()).await.unwrap();
    assert!(ask(&mut stream).await.ends_with("here"));
    tokio::time::sleep(Duration::from_secs(74)).await;
    assert!(ask(&mut stream).await.ends_with("here"));
    let idle = closed(&mut stream).await;
    assert!((75..76).contains(&idle.as_secs()), "{idle:?}");
    assert_eq!(table.counts().closed_idle, 1);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_on_a_kept_connection_is_cut_off() {
    let (listener, table) = start_within(ConnectionLimits::default(), (), async |_| here()).await;
    let mut stream = TcpStream::connect(listener.address()).await.unwrap();
    assert!(ask(&mut stream).await.ends_with("here"));
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let idle = closed(&mut stream).await;
    assert!(idle <= 2 * HEAD_TIMEOUT, "{idle:?}");
    assert_eq!(table.counts().broken_off, 1);
}

/// An HTTP/2 connection whose streams may send so much, and when it ends.
async fn http2(
    listener: &Listener,
    window: u32,
) -> (
    hyper::client::conn::http2::SendRequest<Empty<Bytes>>,
    tokio::task::JoinHandle<Duration>,
) {
    let stream = TcpStream::connect(listener.address()).await.unwrap();
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    let begun = Instant::now();
    let ended = tokio::spawn(async move {
        let _ = connection.await;
        begun.elapsed()
    });
    (sender, ended)
}

#[tokio::test(start_paused = true)]
async fn an_idle_http_2_connection_is_told_to_go_away() {
    let (listener, table) = start_within(ConnectionLimits::default(), (), async |_| here()).await;
    let (mut sender, ended) = http2(&listener, 65_535).await;
    let request = Request::get(uri(&listener)).body(Empty::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    drop(response);
    let kept = ended.await.unwrap();
    assert!((75..80).contains(&kept.as_secs()), "{kept:?}");
    tokio::time::sleep(HEAD_TIMEOUT).await;
    let counts = table.counts();
    assert_eq!((counts.closed_idle, counts.broken_off), (1, 0));
    assert_eq!(counts.open, 0);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn streams_whose_window_stays_closed_are_reset_and_others_of_the_connection_go_on(
    #[values(false, true)] is_ready: bool,
) {
    fn large(memory: &BodyMemory) -> Response {
        full("text/plain", memory.count(vec![b'x'; 1 << 20].into()))
    }
    let memory = BodyMemory::new(&Cache {
        capacity: 1 << 30,
        directory: None,
    });
    let limits = ConnectionLimits::default();
    let (listener, table) = if is_ready {
        let state = Arc::new(ArcSwap::from_pointee(memory.clone()));
        // As the layers answer with what is ready.
        let at_once = tower::service_fn(|exchange: &Arc<RequestContext<BodyMemory>>| {
            Answering::here(large(&exchange.state))
        });
        start_edge(limits, Edge::new(state, at_once)).await
    } else {
        start_within(limits, memory.clone(), async |memory| large(&memory)).await
    };
    let (mut sender, ended) = http2(&listener, 0).await;
    let asks = (0..150).map(|_| {
        let request = Request::get(uri(&listener)).body(Empty::new()).unwrap();
        sender.send_request(request)
    });
    let asks: Vec<_> = asks.collect();
    let responses = futures_util::future::join_all(asks).await;
    assert!(responses.iter().all(Result::is_ok));
    let counts = table.counts();
    assert_eq!((counts.open, counts.in_use), (1, 1));
    assert_eq!(memory.counts().answers, 150 << 20);
    let allowed = ConnectionLimits::default().time_to_read(1 << 20);
    tokio::time::sleep(allowed.saturating_sub(HEAD_TIMEOUT)).await;
    assert_eq!(memory.counts().answers, 150 << 20);
    let request = Request::get(uri(&listener)).body(Empty::new()).unwrap();
    let later = sender.send_request(request).await.unwrap();
    tokio::time::sleep(2 * HEAD_TIMEOUT).await;
    assert_eq!(memory.counts().answers, 1 << 20);
    for response in responses.into_iter().flatten() {
        assert!(response.into_body().frame().await.unwrap().is_err());
    }
    let counts = table.counts();
    assert_eq!((counts.open, counts.in_use, counts.broken_off), (1, 1, 1));
    drop(later);
    let kept = ended.await.unwrap();
    assert!(
        kept > allowed + ConnectionLimits::default().idle.get(),
        "{kept:?}"
    );
    assert_eq!(memory.counts().answers, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_64_kib_every_25_seconds_is_disconnected() {
    let limits = ConnectionLimits {
        send_rate: bytesize::ByteSize::mib(1),
        ..ConnectionLimits::default()
    };
    let (listener, table) = start_within(limits, (), async |_| {
        full("text/plain", vec![b'x'; 32 << 20])
    })
    .await;
    let mut stream = TcpStream::connect(listener.address()).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let begun = Instant::now();
    while table.counts().broken_off == 0 {
        let _ = stream.read_exact(&mut vec![0; 64 * 1024]).await;
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert!(begun.elapsed() < 2 * limits.time_to_read(32 << 20));
    }
    assert!(begun.elapsed() >= limits.send_timeout.get());
}

#[tokio::test(start_paused = true)]
async fn a_client_at_its_share_has_its_idlest_connection_closed_for_a_new_one() {
    let limits = ConnectionLimits {
        per_client: 2,
        ..ConnectionLimits::default()
    };
    let (listener, table) = start_within(limits, (), async |_| here()).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(listener.address()).await.unwrap();
        assert!(ask(&mut stream).await.ends_with("here"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        streams.push(stream);
    }
    assert_eq!(closed(&mut streams[0]).await, Duration::ZERO);
    assert!(ask(&mut streams[1]).await.ends_with("here"));
    assert!(ask(&mut streams[2]).await.ends_with("here"));
    let counts = table.counts();
    assert_eq!((counts.open, counts.closed_for_room), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_herd_from_one_address_is_served_in_turns_and_none_of_it_is_refused() {
    let limits = ConnectionLimits {
        per_client: 4,
        ..ConnectionLimits::default()
    };
    let (listener, table) = start_within(limits, (), async |_| {
        tokio::time::sleep(Duration::from_millis(10)).await;
        here()
    })
    .await;
    let address = listener.address();
    let asks = (0..100).map(|_| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask(&mut stream).await.ends_with("here")
    });
    let answers = futures_util::future::join_all(asks).await;
    assert_eq!(answers.iter().filter(|&&is_whole| is_whole).count(), 100);
    assert_eq!(table.counts().refused, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_connections_are_all_in_use_waits_and_is_refused_in_the_end() {
    let limits = ConnectionLimits {
        per_client: 1,
        ..ConnectionLimits::default()
    };
    let (listener, table) = start_within(limits, (), async |_| {
        std::future::pending::<Response>().await
    })
    .await;
    let mut first = TcpStream::connect(listener.address()).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";
    first.write_all(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut second = TcpStream::connect(listener.address()).await.unwrap();
    assert_eq!(closed(&mut second).await.as_secs(), HEAD_TIMEOUT.as_secs());
    let counts = table.counts();
    assert_eq!((counts.refused, counts.open, counts.in_use), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn idle_connections_of_one_address_keep_no_other_client_out() {
    let limits = ConnectionLimits {
        total: 40,
        per_client: 4,
        ..ConnectionLimits::default()
    };
    let (listener, table) = start_within(limits, (), async |_| here()).await;
    let mut flood = Vec::new();
    for _ in 0..100 {
        flood.push(TcpStream::connect(listener.address()).await.unwrap());
    }
    let mut neighbour = from_address([127, 0, 0, 2], &listener).await;
    assert!(ask(&mut neighbour).await.ends_with("here"));
    assert!(table.counts().open <= 41, "{:?}", table.counts());
    // Its connection is kept, however many of the others come.
    for _ in 0..100 {
        flood.push(TcpStream::connect(listener.address()).await.unwrap());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(ask(&mut neighbour).await.ends_with("here"));
}

#[tokio::test(start_paused = true)]
async fn while_all_connections_are_in_use_a_new_one_waits_until_one_ends() {
    let limits = ConnectionLimits {
        total: 1,
        ..ConnectionLimits::default()
    };
    let finish = Arc::new(Notify::new());
    let (listener, table) = start_within(limits, Arc::clone(&finish), async |finish| {
        finish.notified().await;
        here()
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(listener.address()).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        streams.push(stream);
    }
    assert!(table.is_full());
    assert_eq!(table.counts().open, 2, "the third is not accepted");
    for mut stream in streams {
        finish.notify_one();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here"), "{answer}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!table.is_full());
}
