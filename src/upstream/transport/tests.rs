//! The whole stack, with a paused clock and made-up responses.

use std::sync::Mutex;

use rstest::rstest;
use tokio::time::sleep;
use tower::service_fn;

use super::*;
use crate::config::testing;
use crate::observe::Observers;
use crate::page::format::Bounds;
use crate::plan::{BodyFormat, ClassifyRules, Format};
use crate::upstream::extensions::{Deadline, Hedgeable};
use crate::upstream::login::TokenSource;
use crate::upstream::masks::Masks;
use tokio::time::Instant;

type Answers = fn(usize, &Request<Full<Bytes>>) -> (u64, http::response::Builder);

/// The stack with these keys, and when its requests were sent: whole seconds and targets.
struct Stack {
    transport: Transport,
    classifier: Classifier,
    start: Instant,
    sent: Arc<Mutex<Vec<(u64, String)>>>,
}

impl Stack {
    /// The nth answer comes after so many milliseconds, and has an empty object for a body.
    fn new(keys: &str, answers: Answers) -> Self {
        let block = format!(
            "base_url = 'http://club.example'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
             fields = {{ id = 'id', name = 'id' }}\n{keys}"
        );
        let wall = WallClock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let start = Instant::now();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&sent);
        let client = service_fn(move |request: Request<Full<Bytes>>| {
            let mut log = log.lock().unwrap();
            let (wait, answer) = answers(log.len(), &request);
            log.push((start.elapsed().as_secs(), request.uri().to_string()));
            async move {
                sleep(Duration::from_millis(wait)).await;
                Ok::<_, BoxError>(answer.body(Full::new(Bytes::from("{}"))).unwrap())
            }
        });
        let upstream = testing::upstream(&block, &[]);
        let auth = Arc::new(Auth::None);
        let rules = ClassifyRules {
            format: BodyFormat::Decoded(Format::Json),
            strip_prefix: None,
            embedded: Vec::new(),
            rules: Vec::new(),
            success: None,
            message: Vec::new(),
        };
        let classifier = Classifier::new(rules, Bounds::default(), wall.clone());
        Self {
            transport: Transport::over(client, &upstream, auth, &Masks::default(), wall),
            classifier,
            start,
            sent,
        }
    }

    async fn ask(&self, seconds: u64) -> Result<ClassifiedResponse, UpstreamError> {
        let request = Request::get("http://club.example/a")
            .extension(Deadline(Instant::now() + Duration::from_secs(seconds)))
            .extension(Hedgeable);
        let request = request.body(Bytes::new()).unwrap();
        let request = ReadyRequest::new(request, &self.classifier);
        self.transport.exchange(request).await
    }

    fn sent(&self) -> Vec<u64> {
        let sent = self.sent.lock().unwrap();
        sent.iter().map(|(second, _)| *second).collect()
    }

    fn seconds(&self) -> u64 {
        self.start.elapsed().as_secs()
    }
}

fn ok() -> http::response::Builder {
    Response::builder()
}

fn status(status: u16) -> http::response::Builder {
    ok().status(status)
}

#[rstest]
#[case::retries("", 3, |sent, _: &_| (0, if sent < 2 { status(500) } else { ok() }))]
#[case::redirects("", 3, |sent, _: &_| {
    let hop = || status(302).header("location", format!("/{sent}"));
    (0, if sent < 2 { hop() } else { ok() })
})]
#[case::hedges("hedge = { after = '1ms' }\nlimits.retries = 0", 2, |sent, _: &_| {
    (if sent == 0 { 4000 } else { 0 }, ok())
})]
#[tokio::test(start_paused = true)]
async fn every_request_waits_for_a_slot(
    #[case] keys: &str,
    #[case] requests: usize,
    #[case] answers: Answers,
) {
    let stack = Stack::new(&format!("limits.rate = '30/m'\n{keys}"), answers);
    stack.ask(60).await.unwrap();
    let sent = stack.sent();
    assert_eq!(sent.len(), requests, "{sent:?}");
    let apart = sent.windows(2).all(|two| two[1] - two[0] >= 2);
    assert!(apart, "{sent:?}");
}

#[rstest]
#[case::before_the_deadline(60, 2, 30)]
#[case::after_the_deadline(10, 1, 0)]
#[tokio::test(start_paused = true)]
async fn a_requested_pause_is_kept_if_the_deadline_allows(
    #[case] deadline: u64,
    #[case] requests: usize,
    #[case] seconds: u64,
) {
    let stack = Stack::new("", |sent, _: &_| {
        (
            0,
            if sent == 0 {
                status(503).header("retry-after", 30)
            } else {
                ok()
            },
        )
    });
    let answer = stack.ask(deadline).await;
    assert_eq!(stack.sent().len(), requests);
    assert_eq!(stack.seconds(), seconds);
    match answer {
        Ok(_) => assert_eq!(requests, 2),
        Err(error) => assert_eq!(error.retry_after, Some(Duration::from_secs(30))),
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_down_is_left_alone_once_its_breaker_opens() {
    let stack = Stack::new("breaker.failures = 4\nlimits.rate = '60/m'", |_, _: &_| {
        (0, status(500))
    });
    let first = stack.ask(60).await.unwrap_err();
    assert_eq!(first.kind, ErrorKind::HttpStatus);
    // The second runs into the open breaker with its first retry, and gives up.
    let second = stack.ask(60).await.unwrap_err();
    assert_eq!(second.kind, ErrorKind::HttpStatus);
    assert!(second.retry_after.is_some());
    let before = stack.seconds();
    for _ in 0..100 {
        let rejected = stack.ask(60).await.unwrap_err();
        assert_eq!(rejected.kind, ErrorKind::CircuitOpen);
    }
    // A rejection takes neither time nor a slot.
    assert_eq!(stack.seconds(), before);
    assert_eq!(stack.sent().len(), 4);
    let circuit = stack.transport.circuit().unwrap();
    assert_eq!(circuit.state, CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_breaker_never_opens() {
    let stack = Stack::new("breaker.enabled = false\nlimits.retries = 0", |_, _: &_| {
        (0, status(500))
    });
    for _ in 0..50 {
        let error = stack.ask(60).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::HttpStatus);
    }
    assert_eq!(stack.transport.circuit(), None);
}

#[tokio::test(start_paused = true)]
async fn one_probe_closes_the_breaker_of_a_recovered_upstream() {
    let stack = Stack::new("breaker.failures = 1\nlimits.retries = 0", |sent, _: &_| {
        (100, if sent == 0 { status(500) } else { ok() })
    });
    stack.ask(60).await.unwrap_err();
    sleep(Duration::from_secs(5)).await;
    let (one, other) = tokio::join!(stack.ask(60), stack.ask(60));
    assert!(one.is_ok());
    assert_eq!(other.unwrap_err().kind, ErrorKind::CircuitOpen);
    assert!(stack.ask(60).await.is_ok());
}

#[rstest]
#[case::enabled("", [0, 0, 10, 20, 30])]
#[case::disabled("limits.pacing = false", [0, 0, 0, 0, 0])]
#[tokio::test(start_paused = true)]
async fn pacing_slows_requests_before_any_is_refused(
    #[case] keys: &str,
    #[case] expected: [u64; 5],
) {
    let stack = Stack::new(keys, |sent, _: &_| {
        let left = 3_usize.saturating_sub(sent);
        let until = 30_usize.saturating_sub(sent.saturating_sub(1) * 10);
        let answer = ok()
            .header("ratelimit-policy", "\"default\";q=100;w=60")
            .header("ratelimit", format!("\"default\";r={left};t={until}"));
        (0, answer)
    });
    for _ in 0..5 {
        stack.ask(60).await.unwrap();
    }
    assert_eq!(stack.sent(), expected);
}

#[rstest]
#[case::head(
    "limits.head_timeout = '1s'",
    1,
    "no response head within 1s (`limits.head_timeout`)"
)]
#[case::whole(
    "limits.timeout = '2s'",
    2,
    "no complete response within 2s (`limits.timeout`)"
)]
#[tokio::test(start_paused = true)]
async fn a_timeout_names_its_key(#[case] keys: &str, #[case] seconds: u64, #[case] expected: &str) {
    let stack = Stack::new(&format!("{keys}\nlimits.retries = 0"), |_, _: &_| {
        (60_000, ok())
    });
    let error = stack.ask(60).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert_eq!(error.detail, expected);
    assert_eq!(stack.seconds(), seconds);
}

#[tokio::test(start_paused = true)]
async fn a_redirected_response_states_its_url() {
    let stack = Stack::new("", |_, request: &Request<_>| match request.uri().path() {
        "/a" => (0, status(307).header("location", "/b?c=d")),
        _ => (0, ok()),
    });
    let answer = stack.ask(60).await.unwrap();
    let uri = answer.uri.map(|uri| uri.to_string());
    assert_eq!(uri.as_deref(), Some("http://club.example/b?c=d"));
}

/// The source of the tokens of a login, over this stack.
fn token_source(stack: &Stack, auth: &str) -> TokenSource {
    let block = format!(
        "base_url = 'http://club.example'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
         fields = {{ id = 'id', name = 'id' }}\nauth = {{ {auth} }}"
    );
    let upstream = testing::upstream(&block, &[("TOKEN", "r1")]);
    let Auth::Token(token) = &*upstream.auth else {
        unreachable!("it logs in")
    };
    let (transport, classifier) = (Arc::new(stack.transport.clone()), stack.classifier.clone());
    let classifier = |_| classifier.clone();
    let (longest, masks) = (Span::seconds(300), Masks::default());
    TokenSource::new(&token.login, &transport, &classifier, longest, &masks)
}

#[rstest]
#[case::client_credentials(
    "type = 'oauth2_client_credentials', client_secret = { env = 'TOKEN' }",
    2
)]
#[case::refresh_token("type = 'oauth2_refresh_token', refresh_token = { env = 'TOKEN' }", 1)]
#[tokio::test(start_paused = true)]
async fn a_token_request_is_sent_again_unless_its_token_may_be_used_up(
    #[case] auth: &str,
    #[case] requests: usize,
) {
    let stack = Stack::new("", |sent, _: &_| {
        (0, if sent == 0 { status(503) } else { status(404) })
    });
    let client = "token_url = 'http://club.example/t', client_id = 'c'";
    let source = token_source(&stack, &format!("{auth}, {client}"));
    let (observers, memory) = (Observers::default(), PageMemory::default());
    let deadline = Instant::now() + Duration::from_mins(1);
    let token = source.token(deadline, &observers, &memory).await;
    assert!(token.is_err());
    assert_eq!(stack.sent().len(), requests);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_login_waits_until_its_own_deadline_and_the_login_goes_on() {
    let stack = Stack::new("", |_, _| {
        (2000, Response::builder().header("x-token", "t1"))
    });
    let source = token_source(
        &stack,
        "type = 'token_exchange', request = { method = 'POST', path = '/login' }, \
         token = { header = 'x-token' }",
    );
    let (observers, memory) = (Observers::default(), PageMemory::default());
    let within = |seconds| {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        source.token(deadline, &observers, &memory)
    };
    // The one with less time asks first.
    let (impatient, patient) = tokio::join!(within(1), within(60));
    assert_eq!(impatient.unwrap_err().kind, ErrorKind::Timeout);
    assert!(patient.is_ok());
    assert_eq!((stack.sent(), stack.seconds()), (vec![0], 2));
}
