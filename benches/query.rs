//! What a query costs once its snapshots are there: merging or sorting them into a view, and
//! cutting a page from it.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use groupgate::gateway::filter::Filter;
use groupgate::gateway::order::{Direction, Sort, SortField, SortKey};
use groupgate::gateway::query::Limit;
use groupgate::gateway::view::View;
use groupgate::group::Group;
use groupgate::snapshot::Snapshot;
use jiff::Timestamp;
use serde_json::Map;

const SOURCES: [&str; 5] = ["a", "b", "c", "d", "e"];
const GROUPS: u64 = 20_000;

fn snapshots() -> Vec<Arc<Snapshot>> {
    let snapshot = |source: &str| {
        let groups = (0..GROUPS).map(|number| group(source, number)).collect();
        Arc::new(Snapshot::new(source.into(), groups))
    };
    SOURCES.map(snapshot).into()
}

fn group(source: &str, number: u64) -> Group {
    // An odd factor scatters the names, and some are equal in every source.
    let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let made = Timestamp::from_second((scattered % 1_700_000_000).cast_signed()).ok();
    Group {
        id: format!("{source}:{number}"),
        source: source.to_owned(),
        source_id: number.to_string(),
        name: format!("Team {:06}", scattered % 300_000),
        description: Some(format!("What team {number} is for, in a sentence or so.")),
        email: Some(format!("team-{number}@example.com")),
        status: Some(
            if number.is_multiple_of(3) {
                "inactive"
            } else {
                "active"
            }
            .to_owned(),
        ),
        organization_id: None,
        external_id: None,
        parent_id: None,
        path: None,
        url: None,
        logo_url: None,
        members: Vec::new(),
        admins: Vec::new(),
        guests: Vec::new(),
        member_count: None,
        created_at: made.map(Into::into),
        updated_at: None,
        deleted_at: None,
        attributes: Map::new(),
    }
}

fn by(field: SortField, direction: Direction) -> Sort {
    Sort::new(vec![SortKey { field, direction }])
}

fn views(criterion: &mut Criterion) {
    let snapshots = snapshots();
    let search = Filter {
        search: Some("team 00".to_owned()),
        ..Filter::default()
    };
    let lookup = Filter {
        ids: Some(["c:777".to_owned()].into()),
        ..Filter::default()
    };
    let everything = Filter::default();
    let newest = by(SortField::CreatedAt, Direction::Descending);
    let backwards = by(SortField::Name, Direction::Descending);
    let questions = [
        ("merge", &everything, Sort::default()),
        ("newest_first", &everything, newest),
        ("names_backwards", &everything, backwards),
        ("search", &search, Sort::default()),
        ("one_id", &lookup, Sort::default()),
    ];
    let mut group = criterion.benchmark_group("view");
    group.throughput(Throughput::Elements(GROUPS * SOURCES.len() as u64));
    group.sample_size(20);
    for (name, filter, sort) in questions {
        group.bench_function(name, |bencher| {
            bencher.iter(|| View::new(snapshots.clone(), filter, &sort));
        });
    }
    group.finish();
}

fn pages(criterion: &mut Criterion) {
    let view = View::new(snapshots(), &Filter::default(), &Sort::default());
    let middle = view.row(view.len() / 2).into();
    let mut group = criterion.benchmark_group("page");
    for limit in [100, 1000] {
        group.throughput(Throughput::Elements(limit as u64));
        group.bench_function(BenchmarkId::from_parameter(limit), |bencher| {
            bencher.iter(|| {
                let page = view.page(Some(&middle), Limit::Page(limit));
                let mut body = Vec::new();
                for index in page {
                    body.extend_from_slice(view.row(index).json());
                    body.push(b',');
                }
                black_box(body)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, views, pages);
criterion_main!(benches);
