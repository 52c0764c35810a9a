//! A sliding window that counts calls and failures.
//!
//! Time is divided into slots, and the window is the last few of them: it slides in steps, and its
//! memory does not grow with the number of calls.

use std::time::Duration;

use tokio::time::Instant;

/// The number of slots in a window.
const SLOTS: usize = 10;

/// Calls and failures within the last `length`.
#[derive(Debug)]
pub(super) struct Window {
    start: Instant,
    slot: Duration,
    slots: [Slot; SLOTS],
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// Its number since the start.
    number: u64,
    calls: u32,
    failures: u32,
}

impl Window {
    /// An empty window of this length.
    pub(super) fn new(length: Duration) -> Self {
        Self {
            start: Instant::now(),
            slot: (length / SLOTS as u32).max(Duration::from_millis(1)),
            slots: [Slot::default(); SLOTS],
        }
    }

    /// Counts one call that ended at `now`.
    pub(super) fn count(&mut self, now: Instant, is_failure: bool) {
        let number = self.number(now);
        let slot = &mut self.slots[(number % SLOTS as u64) as usize];
        if slot.number != number {
            *slot = Slot {
                number,
                ..Slot::default()
            };
        }
        slot.calls = slot.calls.saturating_add(1);
        slot.failures = slot.failures.saturating_add(u32::from(is_failure));
    }

    /// The number of calls in the window, and how many of them failed.
    pub(super) fn sum(&self, now: Instant) -> (u32, u32) {
        let newest = self.number(now);
        let current = self
            .slots
            .iter()
            .filter(|slot| slot.number + SLOTS as u64 > newest);
        current.fold((0, 0), |(calls, failures), slot| {
            (
                calls.saturating_add(slot.calls),
                failures.saturating_add(slot.failures),
            )
        })
    }

    /// Empties the window.
    pub(super) fn clear(&mut self) {
        self.slots = [Slot::default(); SLOTS];
    }

    fn number(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.start);
        (passed.as_millis() / self.slot.as_millis()) as u64
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_older_than_the_window_counts_no_more() {
        let mut window = Window::new(Duration::from_secs(10));
        for second in 0..30 {
            window.count(Instant::now(), second % 2 == 0);
            advance(Duration::from_secs(1)).await;
        }
        // The newest of the ten slots has just begun.
        assert_eq!(window.sum(Instant::now()), (9, 4));
        advance(Duration::from_secs(10)).await;
        assert_eq!(window.sum(Instant::now()), (0, 0));
    }
}
