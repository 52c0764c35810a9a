//! All that a request to the data listener may read.

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::cursor::Keys;
use crate::gateway::pool::BlockingPool;
use crate::observe::Observers;
use crate::plan::Plan;

use super::admission::Admission;
use super::answers::AnswerCache;
use super::layers::{AccessLog, Admits, KeepsAnswers, Observed, Patience};
use super::openapi::Description;
use super::services::GroupService;

/// All that a request to the data listener may read. Each takes it once, as a whole.
#[derive(Debug)]
pub(crate) struct EdgeState<G, C> {
    /// What answers queries.
    pub(crate) groups: G,
    /// What holds the upstreams' lists.
    pub(crate) catalog: C,
    /// What cursors are verified with.
    pub(crate) keys: Keys,
    /// Where answers are rendered and compressed.
    pub(crate) pool: BlockingPool,
    pub(crate) description: Description,
    observers: Observers,
    answers: AnswerCache,
    admission: Admission,
    deadline: Duration,
}

impl<G, C> EdgeState<G, C> {
    /// What the plan says, over a gateway and its catalog.
    pub(crate) fn new(plan: &Plan, keys: Keys, groups: G, catalog: C) -> Self {
        Self {
            groups,
            catalog,
            keys,
            pool: BlockingPool::new(),
            description: Description::new(),
            observers: Arc::new(AccessLog).into(),
            answers: AnswerCache::new(plan.cache.answers()),
            admission: Admission::new(&plan.rate_limit),
            deadline: plan.server.deadline.get(),
        }
    }
}

impl<G, C> Patience for EdgeState<G, C> {
    fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl<G, C> Observed for EdgeState<G, C> {
    fn observers(&self) -> &Observers {
        &self.observers
    }
}

impl<G, C> Admits for EdgeState<G, C> {
    fn admission(&self) -> &Admission {
        &self.admission
    }
}

impl<G: GroupService, C> KeepsAnswers for EdgeState<G, C> {
    fn answers(&self) -> &AnswerCache {
        &self.answers
    }

    fn epoch(&self) -> u64 {
        self.groups.epoch()
    }
}
