//! What is logged meanwhile, and of which request.

use std::collections::HashMap;
use std::sync::Mutex;

use tracing::Dispatch;

use super::{CALLERS, SOURCES};
use crate::telemetry::testing::{CapturedLog, Capturing, capturing};

/// What the name of each request begins with.
const REQUEST: &str = "ask-";

/// The log of a run.
pub(super) struct RunLog {
    capturing: Capturing,
    /// Who sent each request, and what that says itself.
    requests: Mutex<HashMap<String, (usize, String)>>,
}

impl RunLog {
    pub(super) fn new() -> Self {
        Self {
            capturing: capturing("debug"),
            requests: Mutex::default(),
        }
    }

    /// What threads log to.
    pub(super) fn dispatch(&self) -> &Dispatch {
        &self.capturing.dispatch
    }

    /// The id of a request of a caller.
    pub(super) fn id(&self, number: usize, caller: usize, says: &str) -> String {
        let id = format!("{REQUEST}{number}-");
        let mut requests = self.requests.lock().unwrap();
        requests.insert(id.clone(), (caller, says.to_owned()));
        id
    }

    /// Looks through all lines that were written since. Those that are of a request may say what its caller may read;
    /// the others are nobody's. How many there were of each kind.
    pub(super) fn look_through(&self, look: impl Fn(usize, &str, &str)) -> (usize, usize) {
        look_through(&self.capturing.log, &self.requests, look)
    }

    /// Waits until all that was logged is written. What is logged later is lost.
    pub(super) fn end(&self) {
        self.capturing.end();
    }
}

fn look_through(
    log: &CapturedLog,
    requests: &Mutex<HashMap<String, (usize, String)>>,
    look: impl Fn(usize, &str, &str),
) -> (usize, usize) {
    let (mut of_requests, mut others) = (0, 0);
    for line in log.take().lines() {
        let id = line.split_once(REQUEST).and_then(|(_, rest)| {
            let (number, _) = rest.split_once('-')?;
            Some(format!("{REQUEST}{number}-"))
        });
        if let Some(id) = id {
            let request = requests.lock().unwrap().get(&id).cloned();
            let (caller, says) = request.expect("a request of this run");
            look(caller, &says, line);
            of_requests += 1;
        } else {
            let owners = (0..CALLERS).map(|number| format!("owner-{number}-"));
            let marks = SOURCES.iter().map(|source| format!("own-{source}-"));
            for mark in owners.chain(marks) {
                assert!(!line.contains(&mark), "{mark} in {line}");
            }
            others += 1;
        }
    }
    (of_requests, others)
}
