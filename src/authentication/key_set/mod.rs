//! The keys of the issuer of tokens, while the gateway runs.
//!
//! Keys from a file belong to the plan. Keys from a URL are fetched by one task: at the start, every few
//! minutes, and when a token names a key that is not there, but for that at most once a minute. Requests
//! only say that they want keys and wait for the fetch that is under way, so however many come, there is
//! one. A fetch that fails changes nothing: the keys from before go on. Where there are none yet, every
//! token is refused.

mod fetch;
use fetch::KeySetClient;
pub(crate) use fetch::KeySetFault;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::chain;
use crate::observe::{Event, Observers};
use crate::plan::{Jwt, KeySet, KeySource};

/// How old keys may grow: one that its issuer withdraws is accepted for so long.
const FRESH: Duration = Duration::from_mins(5);

/// How far apart fetches are that tokens with unknown keys ask for.
const WANTED_AT_MOST: Duration = Duration::from_mins(1);

/// How long after a first failure the next fetch begins. It doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How long that may become.
const LAST_RETRY: Duration = Duration::from_mins(1);

/// How many ids of keys the log shows, and how long they may be: the set is another's to write.
const MOST_SHOWN: usize = 10;
const LONGEST_SHOWN: usize = 100;

/// Numbers sets of keys, so that no two of a process have the same.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// The keys that tokens are verified with.
#[derive(Debug)]
pub(crate) struct KeysInForce {
    /// Which they are. Others have another number.
    pub(crate) number: u64,
    /// The keys.
    pub(crate) keys: KeySet,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    fetched: Arc<FetchedKeys>,
    /// What fetches them.
    fetching: Option<JoinHandle<()>>,
}

/// What the task that fetches keys shares with those who want some.
#[derive(Debug)]
struct FetchedKeys {
    present: ArcSwapOption<KeysInForce>,
    wanted: Notify,
    progress: watch::Sender<Progress>,
}

/// How far fetching is.
#[derive(Debug, Clone, Copy)]
struct Progress {
    /// How many fetches have ended.
    ended: u64,
    /// When the last one began.
    last: Instant,
    /// When the next one begins, if nobody wants it before.
    next: Instant,
    /// Whether one is under way.
    is_under_way: bool,
}

impl KeysInForce {
    fn new(keys: KeySet) -> Arc<Self> {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { number, keys })
    }
}

impl IssuerKeys {
    /// The keys that these rules name. Must be called within a tokio runtime if they are to be fetched,
    /// which begins at once.
    /// Those of `before` are good until they have been.
    pub(crate) fn new(rules: &Jwt, observers: Observers, before: Option<&Self>) -> Self {
        let fetched = Arc::new(FetchedKeys::new());
        let present = before.and_then(Self::in_force);
        let fetching = match &rules.keys {
            KeySource::File(keys) => {
                fetched.present.store(Some(KeysInForce::new(keys.clone())));
                None
            }
            KeySource::Url { url, ca } => {
                fetched.present.store(present);
                let client = KeySetClient::new(url.clone(), ca.clone(), &rules.algorithms);
                let client = Arc::new(client);
                let fetch = move || {
                    let client = Arc::clone(&client);
                    async move { client.fetch().await }
                };
                Some(spawn(&fetched, fetch, observers))
            }
        };
        Self { fetched, fetching }
    }

    /// Keys that `fetch` brings.
    #[cfg(test)]
    pub(super) fn fetched_by<F>(
        fetch: impl Fn() -> F + Send + Sync + 'static,
        observers: Observers,
    ) -> Self
    where
        F: Future<Output = Result<KeySet, KeySetFault>> + Send + 'static,
    {
        let fetched = Arc::new(FetchedKeys::new());
        Self {
            fetching: Some(spawn(&fetched, fetch, observers)),
            fetched,
        }
    }

    /// The keys that are there.
    pub(crate) fn in_force(&self) -> Option<Arc<KeysInForce>> {
        self.fetched.present.load_full()
    }

    /// Whether a token whose key is not there is worth waiting for another fetch.
    pub(crate) fn is_fetch_due(&self) -> bool {
        if self.fetching.is_none() {
            return false;
        }
        self.fetched.progress.borrow().is_worth_waiting()
    }

    /// Waits for the fetch that is under way, or for one more if that is due.
    pub(crate) async fn fetch(&self, until: Instant) {
        let mut progress = self.fetched.progress.subscribe();
        // One look at it: a fetch that ends after it is one that was worth waiting for.
        let seen = *progress.borrow_and_update();
        if self.fetching.is_none() || !seen.is_worth_waiting() {
            return;
        }
        let ended = seen.ended;
        self.fetched.wanted.notify_one();
        // Without news in time, the keys that are there decide.
        let _ = timeout_at(until, progress.wait_for(|now| now.ended > ended)).await;
    }

    /// When it is worth asking for keys again. While a fetch is under way, nobody knows when the next is.
    pub(crate) fn next_fetch_in(&self) -> Duration {
        let next = self.fetched.progress.borrow().next;
        let wait = next.saturating_duration_since(Instant::now());
        wait.max(FIRST_RETRY)
    }
}

impl Drop for IssuerKeys {
    fn drop(&mut self) {
        if let Some(fetching) = &self.fetching {
            fetching.abort();
        }
    }
}

impl Progress {
    fn is_worth_waiting(&self) -> bool {
        self.is_under_way || self.last.elapsed() >= WANTED_AT_MOST
    }
}

/// Fetches keys for ever, in a task of its own: whoever waits for them may hang up.
fn spawn<F>(
    fetched: &Arc<FetchedKeys>,
    fetch: impl Fn() -> F + Send + Sync + 'static,
    observers: Observers,
) -> JoinHandle<()>
where
    F: Future<Output = Result<KeySet, KeySetFault>> + Send + 'static,
{
    let fetched = Arc::clone(fetched);
    tokio::spawn(async move { fetched.keep(fetch, &observers).await })
}

impl FetchedKeys {
    fn new() -> Self {
        let now = Instant::now();
        let (progress, _) = watch::channel(Progress {
            ended: 0,
            last: now,
            next: now,
            is_under_way: true,
        });
        Self {
            present: ArcSwapOption::empty(),
            wanted: Notify::new(),
            progress,
        }
    }

    async fn keep<F>(&self, fetch: impl Fn() -> F, observers: &Observers)
    where
        F: Future<Output = Result<KeySet, KeySetFault>>,
    {
        let mut retry = FIRST_RETRY;
        loop {
            let last = Instant::now();
            self.progress.send_modify(|progress| {
                progress.last = last;
                progress.is_under_way = true;
            });
            let fetched = fetch().await;
            observers.notify(&Event::KeySetFetched(match &fetched {
                Ok(_) => "fetched",
                Err(fault) => fault.as_str(),
            }));
            let next = match fetched {
                Ok(keys) => {
                    self.put(keys);
                    retry = FIRST_RETRY;
                    FRESH
                }
                Err(fault) => {
                    self.say(&fault);
                    let next = retry;
                    retry = (retry * 2).min(LAST_RETRY);
                    next
                }
            };
            let next = Instant::now() + next;
            self.progress.send_modify(|progress| {
                progress.ended += 1;
                progress.next = next;
                progress.is_under_way = false;
            });
            self.wait_until(next, last + WANTED_AT_MOST).await;
        }
    }

    /// Waits until then, or from `due` on until somebody wants keys.
    async fn wait_until(&self, next: Instant, due: Instant) {
        loop {
            tokio::select! {
                () = sleep_until(next) => return,
                () = self.wanted.notified() => {
                    // Whoever waited for the fetch before left this behind.
                    if Instant::now() >= due {
                        return;
                    }
                }
            }
        }
    }

    /// Puts keys in force, unless they are those that are.
    fn put(&self, keys: KeySet) {
        let present = self.present.load();
        if present.as_ref().is_some_and(|present| present.keys == keys) {
            return;
        }
        let all = keys.keys();
        let named = all.iter().filter_map(|key| key.id());
        let some: Vec<_> = named
            .filter(|id| id.len() <= LONGEST_SHOWN)
            .take(MOST_SHOWN)
            .collect();
        tracing::info!(
            count = all.len(),
            keys = some.join(" "),
            "the keys that tokens are verified with are in force"
        );
        self.present.store(Some(KeysInForce::new(keys)));
    }

    fn say(&self, fault: &KeySetFault) {
        let reason = chain(fault);
        if self.present.load().is_some() {
            tracing::warn!(
                reason,
                "keys of tokens cannot be fetched; those from before go on"
            );
        } else {
            tracing::error!(
                reason,
                "keys of tokens cannot be fetched; every token is refused"
            );
        }
    }
}
