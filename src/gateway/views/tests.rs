//! Views: what is kept, for how long, and who waits for whom.

use std::time::Duration;

use tokio::time::sleep;

use super::*;
use crate::gateway::filter::Deleted;
use crate::gateway::order::{Direction, SortField, SortKey};
use crate::gateway::query::Limit;
use crate::group::{Group, Moment};
use crate::observe::testing::Told;
use crate::snapshot::tests::group;

fn snapshot(names: &[&str]) -> Arc<Snapshot> {
    let groups = names.iter().map(|name| group("a", name, name)).collect();
    Snapshot::new("a".into(), groups).into()
}

async fn view(views: &Views, snapshot: &Arc<Snapshot>, filter: &Filter) -> View {
    let snapshots = vec![Arc::clone(snapshot)];
    let view = views
        .view(snapshots, Vec::new(), filter, &Sort::default(), soon())
        .await;
    view.unwrap()
}

/// Views that hand everything over.
fn views(share: u64) -> Views {
    Views {
        at_once: 0,
        ..Views::new(share, Observers::default())
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

fn searching(search: String) -> Filter {
    Filter {
        search: Some(search),
        ..Filter::default()
    }
}

/// Whose rows must be looked for, all of which pass.
fn looked_through() -> Filter {
    searching(String::new())
}

async fn kept(views: &Views) -> u64 {
    views.made.run_pending_tasks().await;
    views.made.entry_count()
}

#[tokio::test]
async fn equal_questions_over_equal_content_are_sorted_once() {
    let views = views(1 << 20);
    let filter = looked_through();
    let (first, second) = (snapshot(&["x", "y"]), snapshot(&["y", "x"]));
    assert_eq!(view(&views, &first, &filter).await.len(), 2);
    let view = view(&views, &second, &filter).await;
    let page = view.page(None, Limit::All);
    assert_eq!(view.rows(&page)[1].id(), "a:y");
    assert_eq!(kept(&views).await, 1);
}

#[tokio::test]
async fn what_is_asked_and_made_and_evicted_is_told() {
    let told = Told::default();
    let views = Views {
        at_once: 0,
        ..Views::new(4096, Arc::new(told.clone()).into())
    };
    let list = snapshot(&["x", "y"]);
    for search in ["", "", "x"] {
        view(&views, &list, &searching(search.to_owned())).await;
    }
    let told_of = |event: &str| {
        let lines = told.lines();
        lines.iter().filter(|line| line.starts_with(event)).count()
    };
    let asked = |is_hit| told_of(&format!("ViewAskedFor {{ is_hit: {is_hit} }}"));
    assert_eq!((asked(false), asked(true), told_of("ViewMade(")), (2, 1, 2));
    for number in 0..20 {
        let list = snapshot(&[&format!("x{number}")]);
        view(&views, &list, &looked_through()).await;
    }
    let kept = kept(&views).await;
    assert!(kept < 10, "{kept}");
    assert_eq!(told_of("Evicted(\"views\")") as u64, 22 - kept);
}

#[tokio::test]
async fn other_content_is_sorted_again() {
    let views = views(1 << 20);
    let filter = looked_through();
    assert_eq!(view(&views, &snapshot(&["x"]), &filter).await.len(), 1);
    assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 2);
    assert_eq!(kept(&views).await, 2);
}

#[tokio::test]
async fn what_is_kept_holds_no_snapshot_in_memory() {
    let views = views(1 << 20);
    let snapshot = snapshot(&["x"]);
    drop(view(&views, &snapshot, &looked_through()).await);
    assert_eq!(kept(&views).await, 1);
    assert_eq!(Arc::strong_count(&snapshot), 1);
}

#[tokio::test]
async fn lookups_by_id_are_not_kept() {
    let views = views(1 << 20);
    let filter = Filter {
        ids: Some(["a:x".to_owned()].into()),
        ..Filter::default()
    };
    assert_eq!(view(&views, &snapshot(&["x", "y"]), &filter).await.len(), 1);
    assert_eq!(kept(&views).await, 0);
}

#[tokio::test]
async fn what_is_kept_never_outgrows_its_share() {
    let views = views(4 * 1024);
    let snapshot = snapshot(&["0123456789"]);
    for search in 0..10 {
        let filter = searching(search.to_string());
        assert_eq!(view(&views, &snapshot, &filter).await.len(), 1);
    }
    // Each takes a kibibyte at least.
    assert_eq!(kept(&views).await, 4);
}

#[tokio::test]
async fn a_long_question_takes_room_however_short_its_answer() {
    let views = views(20 * 1024);
    let name = "x".repeat(8 * 1024);
    let snapshot = snapshot(&[&name]);
    for shorter in 0..10 {
        let filter = searching(name[shorter..].to_owned());
        assert_eq!(view(&views, &snapshot, &filter).await.len(), 1);
    }
    assert_eq!(kept(&views).await, 2);
}

#[tokio::test]
async fn what_holds_no_rows_is_not_kept() {
    let views = views(1 << 20);
    let filter = searching("y".to_owned());
    let empty = view(&views, &snapshot(&["x"]), &filter).await;
    assert!(empty.is_empty());
    assert_eq!(kept(&views).await, 0);
}

#[tokio::test]
async fn the_same_question_asked_many_times_at_once_is_sorted_once() {
    let mut views = views(1 << 20);
    // A second build at the same time would be turned away.
    views.pool = BlockingPool::sized(1, 0);
    let snapshot = snapshot(&["x", "y"]);
    let filter = looked_through();
    let asked = (0..100).map(|_| view(&views, &snapshot, &filter));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(|view| view.len() == 2));
}

/// What comes of two equal questions, asked at once, whose turn must come within so many seconds,
/// and how long they took. The only worker is busy for two seconds.
async fn two_who_wait(first: u64, second: u64) -> [(Result<usize, Overloaded>, Duration); 2] {
    let mut views = views(1 << 20);
    views.pool = BlockingPool::sized(1, 1);
    let snapshot = snapshot(&["x"]);
    let worker = views.pool.workers.acquire().await.unwrap();
    let begun = Instant::now();
    let ask = async |seconds| {
        let (snapshots, deadline) = (vec![Arc::clone(&snapshot)], begun + seconds);
        let (filter, sort) = (looked_through(), Sort::default());
        let view = views.view(snapshots, Vec::new(), &filter, &sort, deadline);
        (view.await.map(|view| view.len()), begun.elapsed())
    };
    let work = async {
        sleep(Duration::from_secs(2)).await;
        drop(worker);
    };
    let (first, second) = (Duration::from_secs(first), Duration::from_secs(second));
    let (first, second, ()) = tokio::join!(ask(first), ask(second), work);
    [first, second]
}

#[tokio::test(start_paused = true)]
async fn who_can_wait_longer_is_not_turned_away_with_the_first() {
    let [first, second] = two_who_wait(1, 60).await;
    assert_eq!(first, (Err(Overloaded), Duration::from_secs(1)));
    assert_eq!(second.0, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_as_long_as_the_first_is_turned_away_alone() {
    let [first, second] = two_who_wait(60, 1).await;
    assert_eq!(first.0, Ok(1));
    assert_eq!(second, (Err(Overloaded), Duration::from_secs(1)));
}

#[tokio::test]
async fn only_short_lists_are_looked_through_on_the_thread_that_asks() {
    let mut views = Views::new(1 << 20, Observers::default());
    views.pool = BlockingPool::sized(0, 0);
    for (name, is_short) in [("x".to_owned(), true), ("x".repeat(AT_ONCE), false)] {
        let (filter, sort) = (looked_through(), Sort::default());
        let asked = views.view(vec![snapshot(&[&name])], Vec::new(), &filter, &sort, soon());
        assert_eq!(asked.await.is_ok(), is_short);
    }
}

#[tokio::test]
async fn only_a_question_for_all_in_default_order_waits_for_no_worker() {
    let mut views = views(1 << 20);
    views.pool = BlockingPool::sized(0, 0);
    let list = snapshot(&["x", "y"]);
    assert_eq!(view(&views, &list, &Filter::default()).await.len(), 2);
    let deleted = Group {
        deleted_at: Some(Moment::MAX),
        ..group("a", "x", "x")
    };
    let with_deleted: Arc<_> = Snapshot::new("a".into(), vec![deleted]).into();
    let newest = Sort::new(vec![SortKey {
        field: SortField::UpdatedAt,
        direction: Direction::Descending,
    }]);
    let all = Filter::default;
    let with_status = Filter {
        status: Some("active".to_owned()),
        ..all()
    };
    let only_deleted = Filter {
        deleted: Deleted::Only,
        ..all()
    };
    for (list, numbers, filter, sort) in [
        (&list, vec![0], all(), Sort::default()),
        (&list, Vec::new(), all(), newest),
        (&list, Vec::new(), with_status, Sort::default()),
        (&list, Vec::new(), only_deleted, Sort::default()),
        (&with_deleted, Vec::new(), all(), Sort::default()),
    ] {
        let asked = views.view(vec![Arc::clone(list)], numbers, &filter, &sort, soon());
        assert_eq!(asked.await.unwrap_err(), Overloaded);
    }
}

#[tokio::test]
async fn a_question_that_finds_the_pool_full_is_turned_away() {
    let mut views = views(1 << 20);
    views.pool = BlockingPool::sized(0, 0);
    let snapshots = vec![snapshot(&["x"])];
    let refused = views
        .view(
            snapshots,
            Vec::new(),
            &looked_through(),
            &Sort::default(),
            soon(),
        )
        .await;
    assert_eq!(refused.unwrap_err(), Overloaded);
}
