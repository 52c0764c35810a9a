//! What becomes of the generation in force when the next one cannot be made.

use super::*;
use crate::app::{App, Compiled};
use crate::caller::VisibleSources;
use crate::config::testing::load_block;
use crate::downstream::layers::Authenticates as _;

/// Cannot bear an upstream of this name.
#[derive(Debug)]
struct Superstitious(&'static str);

impl Observer for Superstitious {
    fn observe(&self, _: &Event<'_>) {}

    fn of_upstream(&self, name: &Arc<str>) -> Option<Arc<dyn Observer>> {
        assert_ne!(&**name, self.0);
        None
    }
}

/// What a configuration with one upstream of this name comes to.
fn compiled(name: &str) -> Compiled {
    compiled_with(name, "")
}

/// The same with more to say of it.
fn compiled_with(name: &str, more: &str) -> Compiled {
    let block = format!(
        "base_url = 'http://127.0.0.1:1'
        request = {{ path = '/teams' }}
        records = '/'
        fields = {{ id = 'id', name = 'name' }}
        {more}"
    );
    let loaded = load_block(name, &block, &[]);
    App::compile(&loaded, &WallClock::system()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_swap_leaves_the_generation_in_force_and_the_next_swap_goes_through() {
    let first = compiled("club");
    let observers = Observers::from(Arc::new(Superstitious("thirteen")));
    let wall = WallClock::system();
    let catalog = Catalog::new(first.adapters, &first.plan.cache, &wall, observers);
    let live = Live::new(first.plan, catalog, Arc::default(), Reloads::none());
    let swap = async |name| {
        let next = compiled(name);
        live.swap(next.plan, next.adapters).await
    };
    let sources = || {
        let generation = live.load();
        let sources = generation.catalog().sources().iter();
        sources
            .map(|source| source.name.to_string())
            .collect::<Vec<_>>()
    };
    assert!(swap("thirteen").await.unwrap_err().is_panic());
    assert_eq!(sources(), ["club"]);
    swap("guild").await.unwrap();
    assert_eq!(sources(), ["guild"]);
    live.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_forwarded_of_callers_is_what_the_plan_in_force_says() {
    let forwarding = |header: &str| {
        compiled_with(
            "club",
            &format!("auth = {{ type = 'forward', headers = ['{header}'] }}"),
        )
    };
    let first = forwarding("x-one");
    let wall = WallClock::system();
    let catalog = Catalog::new(
        first.adapters,
        &first.plan.cache,
        &wall,
        Observers::default(),
    );
    let live = Live::new(first.plan, catalog, Arc::default(), Reloads::none());
    let next = forwarding("x-other");
    live.swap(next.plan, next.adapters).await.unwrap();
    let generation = live.load();
    assert_eq!(generation.forwarded_headers(), ["x-other"]);
    let varies_by = generation.varies_by(&VisibleSources::All);
    assert_eq!(varies_by, "authorization, x-api-key, x-other");
    live.close().await;
}
