//! What systemd is told (`Type=notify` and `notify-reload`). Without it, nobody is.

use std::time::Duration;

use sd_notify::{NotifyState, notify, watchdog_enabled};
use tokio::time::interval;

/// That the listeners serve, or that a reload has ended.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// That a reload begins.
pub(super) fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    match now {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the clock cannot be read"),
    }
}

/// That the process is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells as often as systemd wants to hear it (`WatchdogSec=`) that the runtime still turns.
pub(super) async fn watchdog() {
    let Some(within) = watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut tick = interval((within / 2).max(Duration::from_millis(1)));
    loop {
        tick.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}
