//! Everything that a request may read, as one value: the plan in force, and the upstreams that run by
//! it.
//!
//! A request loads it once and sees nothing else until it is answered. Another plan is another
//! generation, which takes the place of the one before in one step. Upstreams whose plan is the same
//! are the same in both, with their snapshots, token, breaker, limiter and connections, unless the size or
//! the folder of the cache changed.
//!
//! A swap does not change what the listeners were started with: addresses, deadline, rate limit of clients,
//! keys of cursors, `min_sources`, and the sizes of views and ready answers. The system's trusted CAs are
//! read once.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::catalog::Catalog;
use crate::plan::Plan;
use crate::upstream::adapter::Adapter;

/// One generation.
#[derive(Debug)]
pub struct Generation {
    plan: Arc<Plan>,
    catalog: Catalog,
}

/// The generation in force. Its clones are one.
#[derive(Debug, Clone)]
pub struct Live(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    present: ArcSwap<Generation>,
    /// Held while one takes the place of another, so that each follows exactly one.
    swapping: Mutex<()>,
}

impl Generation {
    /// A generation of this plan.
    pub const fn new(plan: Arc<Plan>, catalog: Catalog) -> Self {
        Self { plan, catalog }
    }

    /// The plan.
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The upstreams and their snapshots.
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}

impl Live {
    /// Begins with a first generation.
    pub fn new(first: Generation) -> Self {
        Self(Arc::new(Inner {
            present: ArcSwap::from_pointee(first),
            swapping: Mutex::default(),
        }))
    }

    /// The generation in force. A request calls this once.
    pub fn load(&self) -> Arc<Generation> {
        self.0.present.load_full()
    }

    /// Moves with every change of what may be answered, another plan included.
    pub fn epoch(&self) -> u64 {
        self.0.present.load().catalog.epoch()
    }

    /// Puts another plan in force. Requests that loaded the generation before are answered by it;
    /// whoever waits in it for a walk that ends with it is told at once.
    pub async fn swap(&self, plan: Arc<Plan>, adapters: Vec<Arc<Adapter>>) {
        let _swapping = self.0.swapping.lock().await;
        let before = self.load();
        let catalog = before.catalog.succeed(adapters, &plan.cache);
        // Before anybody is answered by it.
        catalog.load().await;
        let next = Arc::new(Generation::new(plan, catalog));
        self.0.present.store(Arc::clone(&next));
        before.catalog.retire_for(&next.catalog).await;
        next.catalog.start(Some(&before.catalog));
    }
}
