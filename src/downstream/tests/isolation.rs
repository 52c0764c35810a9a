//! Many callers at once, while lists are read again, caches are full and plans change: no answer, and no line in the log
//! about it, holds anything that its caller may not see. Every text of a group says of which source and field it is.
//! Each request shows who sends it, as it would from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::Service as _;

use crate::app::Compiled;
use crate::caller::HideableField;
use crate::catalog::Catalog;
use crate::clock::WallClock;
use crate::config::Environment;
use crate::downstream::generation::Live;
use crate::downstream::layers::Authenticates as _;
use crate::downstream::services::CatalogService as _;
use crate::downstream::testing::{exchange, text};
use crate::downstream::{layers, route};
use crate::metrics::Metrics;
use crate::observe::Observers;
use crate::reload::Reloads;

mod callers;
mod lists;
mod log;
mod parking;
mod probes;
use callers::{AskingCaller, Crowd};
use lists::{mark, plan, upstream};
use log::RunLog;
use parking::Parked;
use probes::{Expected, HOT, Probe};

/// How many answers are looked at, unless `GROUPGATE_ISOLATION_ANSWERS` says otherwise.
const ANSWERS: u64 = 20_000;

const SOURCES: [&str; 6] = [
    "srcalpha", "srcbeta", "srcgamma", "srcdelta", "srcomega", BY_CALLER,
];

/// Those of them that are the same for all.
const SHARED: &[&str] = SOURCES.split_at(5).0;

/// The source that is asked on behalf of each caller. It keeps fewer lists than callers see it.
const BY_CALLER: &str = "srcsigma";

/// The source that says whether its list has changed.
const CONDITIONAL: &str = "srcbeta";

/// How many groups each source has.
const GROUPS: usize = 6;

const CALLERS: usize = 16;

const TASKS: u64 = 4;

/// How many bytes are remembered of a caller with a token, at most.
const LARGEST_CALLER: u64 = 64 << 10;

/// A sequence of numbers that a seed decides (SplitMix64).
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.roll(among.len())]
    }
}

/// What all have in common.
struct Run {
    live: Live,
    base_url: String,
    crowd: Crowd,
    log: RunLog,
    cursors: Parked<String>,
    tags: Parked<(&'static str, String)>,
    asked: AtomicUsize,
    /// How many of the answers were ready, for those who share all lists and for those who have some of their own.
    ready: [AtomicUsize; 2],
    /// How many lines the log had of requests, and how many others.
    lines: [AtomicUsize; 2],
    /// How often another plan was put in force.
    swaps: AtomicUsize,
    swapping: Mutex<()>,
}

impl Run {
    fn caller(&self, number: usize) -> &AskingCaller {
        &self.crowd.callers[number]
    }

    async fn ask(&self, dice: &mut Dice) {
        let caller = dice.roll(CALLERS);
        let Probe {
            request,
            says,
            expected,
        } = self.probe(dice, caller);
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let request = self.crowd.sign(dice, caller, request);
        let request = request.header("x-request-id", self.log.id(number, caller, &says));
        let exchange = exchange(self.live.load(), request);
        let Ok(response) = layers::data(route::route).call(&exchange).await;
        if response.body().traits.cache == Some("ready") {
            let is_own = self.caller(caller).has_own_lists();
            self.ready[usize::from(is_own)].fetch_add(1, Ordering::Relaxed);
        }
        let status = response.status();
        let headers = response.headers().clone();
        let body = text(response).await;
        let told = format!("{says} of caller {caller}: {status} {headers:?} {body}");
        match &expected {
            Expected::Status(expected) => assert_eq!(status.as_u16(), *expected, "{told}"),
            Expected::AnyOf(expected) => assert!(expected.contains(&status.as_u16()), "{told}"),
            Expected::NotUnchanged => assert_eq!(status, StatusCode::OK, "{told}"),
            Expected::Total(expected) => {
                assert_eq!(status, StatusCode::OK, "{told}");
                let page: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(page["total"], *expected, "{told}");
                assert_eq!(page["complete"], true, "{told}");
            }
        }
        self.look_through(caller, &says, &format!("{headers:?}{body}"));
        if let Some(tag) = headers.get("etag")
            && let Some(address) = HOT.iter().find(|address| **address == says)
        {
            self.tags
                .put(caller, (address, tag.to_str().unwrap().to_owned()));
        }
        let cursor = body.split_once("\"next_cursor\":\"");
        if let Some(cursor) = cursor.and_then(|(_, rest)| rest.split('"').next()) {
            let signed = URL_SAFE_NO_PAD.decode(cursor).unwrap();
            self.look_through(caller, &says, &String::from_utf8_lossy(&signed));
            self.cursors.put(caller, cursor.to_owned());
        }
    }

    /// Fails if a text has anything that the caller may not see, but what the request says itself.
    fn look_through(&self, caller: usize, says: &str, text: &str) {
        for other in (0..CALLERS).filter(|other| *other != caller) {
            let owner = &self.caller(other).owner;
            assert!(
                !text.contains(owner),
                "{says}: caller {caller} reads what is there for {owner} in {text}"
            );
        }
        for source in SOURCES {
            let Some(hidden) = self.caller(caller).visible.hidden_of(source) else {
                // Of a source that is not granted nobody hears the name.
                assert!(
                    says.contains(source) || !text.contains(source),
                    "{says}: caller {caller} reads of {source} in {text}"
                );
                for field in ["created_at", "updated_at", "member_count"] {
                    assert!(!text.contains(&mark(source, field)), "{says}: {text}");
                }
                continue;
            };
            for field in hidden.fields().map(HideableField::as_str) {
                let mark = mark(source, field);
                assert!(
                    says.contains(&mark) || !text.contains(&mark),
                    "{says}: caller {caller} reads {mark} in {text}"
                );
            }
        }
    }

    /// Looks through what was logged.
    fn look_through_log(&self) {
        self.count(self.log.look_through(|caller, says, line| {
            self.look_through(caller, says, line);
        }));
    }

    fn count(&self, (of_requests, others): (usize, usize)) {
        self.lines[0].fetch_add(of_requests, Ordering::Relaxed);
        self.lines[1].fetch_add(others, Ordering::Relaxed);
    }

    /// Reads a list again, or puts the other plan in force.
    async fn stir(&self, dice: &mut Dice, round: u64) {
        if round % 3 == 2 {
            // One after another, so that each is another than the one before.
            let _turn = self.swapping.lock().await;
            let number = self.swaps.fetch_add(1, Ordering::Relaxed) + 1;
            let callers = self.crowd.settings(number % 2);
            let Compiled { plan, adapters } = plan(&self.base_url, number % 2, &callers);
            let before = self.live.load();
            self.live.swap(plan, adapters).await.unwrap();
            // But those of the requests that each task may have begun before.
            let kept = before.gate().unwrap().authenticator.weighed();
            assert!(kept <= TASKS * LARGEST_CALLER, "{kept} bytes are kept");
        } else {
            let soon = Instant::now() + Duration::from_mins(1);
            let generation = self.live.load();
            let source = *dice.pick(SHARED);
            generation.gateway.refresh(source, soon).await;
        }
    }
}

/// How many ready answers had to go because there was no room.
fn evicted(metrics: &Metrics) -> u64 {
    let text = metrics.text().unwrap();
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix(r#"groupgate_cache_evictions_total{cache="answers"} "#));
    count.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn no_answer_holds_anything_that_its_caller_may_not_see() {
    let log = RunLog::new();
    let dispatch = log.dispatch().clone();
    let on_thread_start = move || {
        // For as long as the thread is there.
        std::mem::forget(tracing::dispatcher::set_default(&dispatch));
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(on_thread_start)
        .build()
        .unwrap();
    let dispatch = log.dispatch().clone();
    tracing::dispatcher::with_default(&dispatch, || runtime.block_on(run(log)));
}

async fn run(log: RunLog) {
    let environment = Environment::from_process();
    let number = |name| environment.get(name).map(|number| number.parse().unwrap());
    let answers: u64 = number("GROUPGATE_ISOLATION_ANSWERS").unwrap_or(ANSWERS);
    let seed: u64 = number("GROUPGATE_ISOLATION_SEED").unwrap_or_else(rand::random);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let folder = tempfile::tempdir().unwrap();
    let crowd = Crowd::new(&mut dice, folder.path());
    let base_url = upstream().await;
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    let first = plan(&base_url, 0, &crowd.settings(0));
    let catalog = Catalog::new(
        first.adapters,
        &first.plan.cache,
        &wall,
        Observers::default(),
    );
    let metrics = Arc::<Metrics>::default();
    let reloads = Reloads::none();
    let live = Live::new(first.plan, catalog, Arc::clone(&metrics), reloads);
    let run = Arc::new(Run {
        live,
        base_url,
        crowd,
        log,
        cursors: Parked::new(CALLERS),
        tags: Parked::new(CALLERS),
        asked: AtomicUsize::new(0),
        ready: Default::default(),
        lines: Default::default(),
        swaps: AtomicUsize::new(0),
        swapping: Mutex::default(),
    });
    let tasks = (0..TASKS).map(|task| {
        let (run, mut dice) = (Arc::clone(&run), Dice(seed ^ task.wrapping_mul(7919)));
        tokio::spawn(async move {
            for number in 1..=answers / TASKS {
                run.ask(&mut dice).await;
                if number % 1000 == 0 {
                    run.stir(&mut dice, number / 1000).await;
                    run.look_through_log();
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    run.log.end();
    run.look_through_log();
    let [shared, own] = &run.ready;
    let counts = [&run.asked, shared, own, &run.swaps];
    let [asked, shared, own, swaps] = counts.map(|count| count.load(Ordering::Relaxed));
    let [lines, others] = [&run.lines[0], &run.lines[1]].map(|count| count.load(Ordering::Relaxed));
    let evicted = evicted(&metrics);
    println!(
        "{asked} answers; {shared} ready of shared lists alone, and {own} of callers' own; {evicted} evicted, {swaps} plans; \
         {lines} lines of requests, {others} others"
    );
    assert!(swaps > 1 && evicted > 0, "{swaps} plans, {evicted} evicted");
    let ready = shared + own;
    assert!(2 * ready >= asked, "{ready} of {asked} were ready");
    assert!(own > 0, "no ready answer of a caller's own list");
    assert!(lines >= asked && others > 0, "{lines} and {others} lines");
}
