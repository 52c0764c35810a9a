//! What a query costs once its snapshots are there: a filter and a sort that nobody asked for before,
//! with the first page of them, and a page in the middle of a view that is there.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use groupgate::gateway::filter::Filter;
use groupgate::gateway::order::{Direction, Sort, SortField, SortKey};
use groupgate::gateway::query::Limit;
use groupgate::gateway::view::{View, ViewPage};
use groupgate::group::{Attributes, Group};
use groupgate::snapshot::Snapshot;
use jiff::Timestamp;

/// How many upstreams, and how many groups each has.
const SIZES: [(usize, u64); 3] = [(5, 1_000), (5, 10_000), (10, 100_000)];

fn snapshots(upstreams: usize, groups: u64) -> Vec<Arc<Snapshot>> {
    let snapshot = |source: usize| {
        let source = format!("source-{source}");
        let groups = (0..groups).map(|number| group(&source, number)).collect();
        Arc::new(Snapshot::new(source.as_str().into(), groups))
    };
    (0..upstreams).map(snapshot).collect()
}

fn group(source: &str, number: u64) -> Group {
    // An odd factor scatters the names, and some are equal in every source.
    let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let made = Timestamp::from_second((scattered % 1_700_000_000).cast_signed()).ok();
    Group {
        id: format!("{source}:{number}"),
        source: source.to_owned(),
        source_id: number.to_string(),
        name: format!("Team {:05}", scattered % 100_000),
        description: Some(format!("What squad {number} is for, in a sentence or so.")),
        email: Some(format!("team-{number}@example.com")),
        status: Some(status(number).to_owned()),
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
        attributes: Attributes::default(),
    }
}

fn by(field: SortField, direction: Direction) -> Sort {
    Sort::new(vec![SortKey { field, direction }])
}

/// One group in a thousand is closed, one in ten paused.
const fn status(number: u64) -> &'static str {
    match number % 1000 {
        0 => "closed",
        1..=100 => "paused",
        _ => "active",
    }
}

/// Views and their first pages, of questions that nobody asked before.
fn views(criterion: &mut Criterion) {
    let having = |status: &str| Filter {
        status: Some(status.to_owned()),
        ..Filter::default()
    };
    let searching = |text: &str| Filter {
        search: Some(text.to_owned()),
        ..Filter::default()
    };
    let filters = [
        ("all", Filter::default()),
        ("status_10%", having("paused")),
        ("status_0.1%", having("closed")),
        ("search_all", searching("team")),
        ("search_10%", searching("team 1")),
        ("search_0.1%", searching("team 012")),
    ];
    let sorts = [
        ("name", Sort::default()),
        ("newest", by(SortField::CreatedAt, Direction::Descending)),
        (
            "names_backwards",
            by(SortField::Name, Direction::Descending),
        ),
    ];
    for (upstreams, groups) in SIZES {
        let snapshots = snapshots(upstreams, groups);
        let mut bench = criterion.benchmark_group(format!("view/{upstreams}x{groups}"));
        bench.throughput(Throughput::Elements(groups * upstreams as u64));
        bench.sample_size(10);
        for (filtered, filter) in &filters {
            for (sorted, sort) in &sorts {
                bench.bench_function(BenchmarkId::new(*filtered, sorted), |bencher| {
                    bencher.iter(|| {
                        let view = View::new(snapshots.clone(), filter, sort);
                        body(&view, &view.page(None, Limit::Page(100)))
                    });
                });
            }
        }
    }
}

/// Pages of a view that is there.
fn pages(criterion: &mut Criterion) {
    let (upstreams, groups) = SIZES[2];
    let view = View::new(
        snapshots(upstreams, groups),
        &Filter::default(),
        &Sort::default(),
    );
    let half = view.page(None, Limit::Page(view.len() / 2));
    let middle = view.rows(&half)[half.len() - 1].into();
    let mut group = criterion.benchmark_group("page/10x100000");
    for limit in [50, 1000] {
        group.throughput(Throughput::Elements(limit as u64));
        group.bench_function(BenchmarkId::from_parameter(limit), |bencher| {
            bencher.iter(|| body(&view, &view.page(Some(&middle), Limit::Page(limit))));
        });
    }
    group.finish();
}

fn body(view: &View, page: &ViewPage) -> Vec<u8> {
    let mut body = Vec::new();
    for row in view.rows(page) {
        body.extend_from_slice(&row.json());
        body.push(b',');
    }
    black_box(body)
}

criterion_group!(benches, views, pages);
criterion_main!(benches);
