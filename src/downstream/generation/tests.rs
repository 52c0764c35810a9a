//! What becomes of the generation in force when the next one cannot be made.

use super::*;
use crate::app::{App, Compiled};
use crate::config::testing::load_block;

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
    let block = "
        base_url = 'http://127.0.0.1:1'
        request = { path = '/teams' }
        records = '/'
        fields = { id = 'id', name = 'name' }
    ";
    let loaded = load_block(name, block, &[]);
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
