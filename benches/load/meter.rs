//! How long a server, the load and the upstreams have been running, as Linux counts it.

use std::fs;
use std::ops::AddAssign;
use std::path::Path;
use std::process;
use std::time::Duration;

use tokio::time::Instant;

use crate::upstreams::THREADS;

/// What was used in a stretch of time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) long: Duration,
    pub(crate) server: Duration,
    pub(crate) load: Duration,
    pub(crate) upstreams: Duration,
}

/// Measures one stretch of time.
pub(crate) struct Meter {
    server: u32,
    begun: Instant,
    before: [Duration; 3],
}

impl Meter {
    /// Begins to measure a server.
    pub(crate) fn start(server: u32) -> Self {
        Self {
            server,
            before: times(server),
            begun: Instant::now(),
        }
    }

    /// What was used since.
    pub(crate) fn stop(self) -> Usage {
        let long = self.begun.elapsed();
        let after = times(self.server);
        // Threads may have ended meanwhile.
        let [server, load, upstreams] =
            [0, 1, 2].map(|of| after[of].saturating_sub(self.before[of]));
        Usage {
            long,
            server,
            load,
            upstreams,
        }
    }
}

impl Usage {
    /// Which part of the time the load and the upstreams were busy.
    pub(crate) fn busy(&self) -> [f64; 2] {
        [self.load, self.upstreams].map(|time| time.as_secs_f64() / self.long.as_secs_f64())
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.long += other.long;
        self.server += other.server;
        self.load += other.load;
        self.upstreams += other.upstreams;
    }
}

/// How long the server, the load and the upstreams have been running.
fn times(server: u32) -> [Duration; 3] {
    let [load, upstreams] = own();
    [family(server), load, upstreams]
}

/// How long the threads of a process have been running, and those of its children.
fn family(process: u32) -> Duration {
    let mut sum = Duration::ZERO;
    for task in tasks(process) {
        sum += running(&task.path());
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            sum += family(child.parse().unwrap());
        }
    }
    sum
}

/// How long the threads of the load and of the upstreams have been running, which this process consists of.
fn own() -> [Duration; 2] {
    let mut sums = [Duration::ZERO; 2];
    for task in tasks(process::id()) {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        sums[usize::from(name.trim_end() == THREADS)] += running(&task.path());
    }
    sums
}

fn tasks(process: u32) -> impl Iterator<Item = fs::DirEntry> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    tasks.into_iter().flatten().flatten()
}

fn running(task: &Path) -> Duration {
    let statistics = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    let nanoseconds = statistics
        .split(' ')
        .next()
        .and_then(|ran| ran.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
