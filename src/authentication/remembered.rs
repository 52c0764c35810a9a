//! Credentials that were verified a moment ago, so that the next request with them costs a lookup.
//!
//! A token is found by a fast hash under a key of this process, and then compared as a whole, so what is
//! found is the very same token. A cryptographic hash would cost more than the lookup and decide nothing:
//! only tokens that were verified are kept, so nobody can put in what collides, and who can tell by time how
//! much of a token is equal would first have to meet its hash, of which the key is unknown.

use std::fmt;
use std::time::Duration;

use foldhash::quality::RandomState;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

/// How long credentials are remembered at most: who loses a grant that its token does not show, or whose key is
/// withdrawn, is known by then.
const LONGEST: Duration = Duration::from_mins(5);

/// What is known of credentials that were verified.
pub(crate) struct Remembered<T>(Cache<Box<[u8]>, RememberedEntry<T>, RandomState>);

#[derive(Clone)]
struct RememberedEntry<T> {
    value: T,
    until: Instant,
    keys: u64,
    bytes: u32,
}

impl<T: Clone + Send + Sync + 'static> Remembered<T> {
    /// Nothing yet, and never more than `room` bytes of credentials and of what is known of them.
    pub(crate) fn new(name: &str, room: u64) -> Self {
        let tokens = Cache::builder()
            .name(name)
            .max_capacity(room)
            .eviction_policy(EvictionPolicy::lru())
            // Nothing rests on its clock but that no secret stays for ever.
            .time_to_live(LONGEST)
            .weigher(|_, known: &RememberedEntry<T>| known.bytes)
            .build_with_hasher(RandomState::default());
        Self(tokens)
    }

    /// What is known of credentials that were verified with the keys of this number.
    pub(crate) fn get(&self, token: &[u8], keys: u64, now: Instant) -> Option<T> {
        let known = self.0.get(token)?;
        if known.keys == keys && now < known.until {
            return Some(known.value);
        }
        self.0.invalidate(token);
        None
    }

    /// Remembers credentials that hold for so long, and what takes so many bytes beside them.
    pub(crate) fn put(&self, token: &[u8], value: T, bytes: usize, keys: u64, holds_for: Duration) {
        let known = RememberedEntry {
            value,
            until: Instant::now() + holds_for.min(LONGEST),
            keys,
            bytes: u32::try_from(token.len() + bytes).unwrap_or(u32::MAX),
        };
        self.0.insert(token.into(), known);
    }

    /// Forgets all of them.
    pub(crate) fn forget(&self) {
        self.0.invalidate_all();
        // Until then, they are only not found.
        self.0.run_pending_tasks();
    }
}

#[cfg(test)]
impl<T: Clone + Send + Sync + 'static> Remembered<T> {
    /// How many bytes are kept.
    pub(super) fn weighed(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.weighted_size()
    }
}

impl<T> fmt::Debug for Remembered<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the tokens.
        formatter.debug_struct("Remembered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: u64 = 7;
    const ROOM: u64 = 1 << 20;

    fn known(tokens: &Remembered<u8>, token: &[u8]) -> Option<u8> {
        tokens.get(token, KEYS, Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_remembered_until_it_ends() {
        let tokens = Remembered::new("tokens", ROOM);
        tokens.put(b"a.b.c", 1, 0, KEYS, Duration::from_secs(10));
        tokens.put(b"d.e.f", 2, 0, KEYS, Duration::from_hours(1));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(known(&tokens, b"a.b.c"), Some(1));
        assert_eq!(known(&tokens, b"a.b.d"), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(known(&tokens, b"a.b.c"), None);
        assert_eq!(known(&tokens, b"d.e.f"), Some(2));
        tokio::time::advance(LONGEST).await;
        assert_eq!(known(&tokens, b"d.e.f"), None);
        // What nobody is answered with is not kept either.
        assert_eq!(tokens.weighed(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn other_keys_forget_it() {
        let tokens = Remembered::new("tokens", ROOM);
        tokens.put(b"a.b.c", 1, 0, KEYS, Duration::from_secs(10));
        assert_eq!(tokens.get(b"a.b.c", KEYS + 1, Instant::now()), None);
    }

    #[test]
    fn what_is_forgotten_takes_no_memory() {
        let tokens = Remembered::new("tokens", ROOM);
        tokens.put(b"a.b.c", 1, 1000, KEYS, LONGEST);
        assert!(tokens.weighed() > 1000);
        tokens.forget();
        assert_eq!(known(&tokens, b"a.b.c"), None);
        assert_eq!(tokens.weighed(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_beyond_the_room_are_forgotten() {
        let tokens = Remembered::new("tokens", ROOM);
        let many = 2 * ROOM / (16 << 10);
        for number in 0..many {
            tokens.put(
                number.to_string().as_bytes(),
                number,
                16 << 10,
                KEYS,
                LONGEST,
            );
        }
        assert!(tokens.weighed() <= ROOM);
        let last = (many - 1).to_string();
        assert_eq!(
            tokens.get(last.as_bytes(), KEYS, Instant::now()),
            Some(many - 1)
        );
        assert_eq!(tokens.get(b"0", KEYS, Instant::now()), None);
    }
}
