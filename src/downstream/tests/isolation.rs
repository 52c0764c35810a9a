//! Many callers at once, while lists are read again, caches are full and plans change: no answer holds anything that its
//! caller may not see. Every text of a group says of which source and field it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tower::Service as _;

use crate::app::Compiled;
use crate::caller::{
    Caller, Credentials, HiddenFields, HideableField, Identity, Verified, VisibleSources,
};
use crate::catalog::Catalog;
use crate::clock::WallClock;
use crate::config::Environment;
use crate::downstream::generation::Live;
use crate::downstream::services::CatalogService as _;
use crate::downstream::testing::{exchange, text};
use crate::downstream::{layers, route};
use crate::metrics::Metrics;
use crate::observe::Observers;
use crate::reload::Reloads;

mod lists;
mod parking;
mod probes;
use lists::{mark, plan, upstream};
use parking::Parked;
use probes::{Expected, HOT, Probe};

/// How many answers are looked at, unless `GROUPGATE_ISOLATION_ANSWERS` says otherwise.
const ANSWERS: u64 = 20_000;

const SOURCES: [&str; 6] = [
    "srcalpha", "srcbeta", "srcgamma", "srcdelta", "srcomega", BY_CALLER,
];

/// The source that is asked on behalf of each caller. It keeps fewer lists than callers see it.
const BY_CALLER: &str = "srcsigma";

/// How many groups each source has.
const GROUPS: usize = 6;

const CALLERS: usize = 16;

const TASKS: u64 = 4;

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

/// Some callers. The first sees all, and some see the same as others.
fn callers(dice: &mut Dice) -> Vec<Caller> {
    let fields: Vec<_> = HiddenFields::ALL.fields().collect();
    let mut callers = vec![Caller {
        credentials: credentials(0),
        ..Caller::default()
    }];
    while callers.len() < CALLERS {
        let number = callers.len();
        let visible = if number > CALLERS - 4 {
            callers[number - 3].visible.clone()
        } else {
            let mut named = BTreeMap::new();
            for source in SOURCES {
                let is_seen = match source {
                    BY_CALLER => number % 3 == 0,
                    _ => dice.roll(2) == 0,
                };
                if is_seen {
                    let hidden = (0..dice.roll(5)).map(|_| *dice.pick(&fields)).collect();
                    named.insert(source.into(), hidden);
                }
            }
            VisibleSources::granted(named, None)
        };
        let identity = match dice.roll(6) {
            0 => Identity::Anonymous,
            _ => Identity::Authenticated([number as u8; 32]),
        };
        callers.push(Caller {
            identity,
            visible,
            credentials: credentials(number),
            ..Caller::default()
        });
    }
    callers
}

/// What the source is sent that is asked on behalf of each caller.
fn credentials(number: usize) -> Credentials {
    let value = format!("owner-{number}-").parse().unwrap();
    Credentials::of(Verified {
        id: String::new(),
        claims: Value::Null,
        token: None,
        forwarded: [(HeaderName::from_static("x-owner"), value)]
            .into_iter()
            .collect(),
    })
}

/// What all have in common.
struct Run {
    live: Live,
    base_url: String,
    callers: Vec<Caller>,
    cursors: Parked<String>,
    tags: Parked<(&'static str, String)>,
    asked: AtomicUsize,
    answers: AtomicUsize,
    ready: AtomicUsize,
    /// How often another plan was put in force.
    swaps: AtomicUsize,
}

impl Run {
    async fn ask(&self, dice: &mut Dice) {
        let caller = dice.roll(CALLERS);
        let Probe {
            request,
            says,
            expected,
        } = self.probe(dice, caller);
        let mut exchange = exchange(self.live.load(), request);
        Arc::get_mut(&mut exchange).unwrap().client.caller = self.callers[caller].clone();
        let Ok(response) = layers::data(route::route).call(&exchange).await;
        // Where lists go all the time, few answers can be ready.
        let counts = usize::from(!self.callers[caller].visible.allows(BY_CALLER));
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.answers.fetch_add(counts, Ordering::Relaxed);
        if response.body().traits.cache == Some("ready") {
            self.ready.fetch_add(counts, Ordering::Relaxed);
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
            let owner = format!("owner-{other}-");
            assert!(
                !text.contains(&owner),
                "{says}: caller {caller} reads what is there for {owner} in {text}"
            );
        }
        for source in SOURCES {
            let Some(hidden) = self.callers[caller].visible.hidden_of(source) else {
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

    /// Reads a list again, or puts the other plan in force.
    async fn stir(&self, dice: &mut Dice, round: u64) {
        if round % 3 == 2 {
            let number = self.swaps.fetch_add(1, Ordering::Relaxed) + 1;
            let Compiled { plan, adapters } = plan(&self.base_url, number % 2);
            self.live.swap(plan, adapters).await.unwrap();
        } else {
            let soon = Instant::now() + Duration::from_mins(1);
            let generation = self.live.load();
            let source = *dice.pick(&SOURCES);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_holds_anything_that_its_caller_may_not_see() {
    let environment = Environment::from_process();
    let number = |name| environment.get(name).map(|number| number.parse().unwrap());
    let answers: u64 = number("GROUPGATE_ISOLATION_ANSWERS").unwrap_or(ANSWERS);
    let seed: u64 = number("GROUPGATE_ISOLATION_SEED").unwrap_or_else(rand::random);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let base_url = upstream().await;
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    let first = plan(&base_url, 0);
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
        callers: callers(&mut dice),
        cursors: Parked::new(CALLERS),
        tags: Parked::new(CALLERS),
        asked: AtomicUsize::new(0),
        answers: AtomicUsize::new(0),
        ready: AtomicUsize::new(0),
        swaps: AtomicUsize::new(0),
    });
    let tasks = (0..TASKS).map(|task| {
        let (run, mut dice) = (Arc::clone(&run), Dice(seed ^ task.wrapping_mul(7919)));
        tokio::spawn(async move {
            for number in 1..=answers / TASKS {
                run.ask(&mut dice).await;
                if number % 1000 == 0 {
                    run.stir(&mut dice, number / 1000).await;
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let counts = [&run.asked, &run.answers, &run.ready, &run.swaps];
    let [asked, answered, ready, swaps] = counts.map(|count| count.load(Ordering::Relaxed));
    let evicted = evicted(&metrics);
    println!("{asked} answers; {ready} ready of {answered}; {evicted} evicted, {swaps} plans");
    assert!(swaps > 1 && evicted > 0, "{swaps} plans, {evicted} evicted");
    assert!(asked as u64 >= answers / TASKS * TASKS);
    assert!(2 * ready >= answered, "{ready} of {answered} were ready");
}
