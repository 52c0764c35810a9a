//! How long the records of a decoded page take to become groups.

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark whose set-up fails has nothing to measure"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use groupgate::config::{Environment, load_text};
use groupgate::page::format::Page;
use groupgate::plan::{Format, Mapping};

const GROUPS: usize = 1000;

/// What real backends send: a handful of texts, three times, members, and a few extras.
fn page() -> Page {
    let groups: Vec<_> = (0..GROUPS)
        .map(|number| {
            format!(
                r#"{{"id":{number},"name":"Grüppe {number}","description":"The people of room {number}","email":"g{number}@example.com","status":"Active","members":[{{"id":"a{number}"}},{{"id":"b{number}"}},{{"id":"c{number}"}}],"created":"2024-03-10T09:00:00Z","updated":"2024-04-20T10:00:00+02:00","deleted":null,"kind":"team","labels":["x","y"]}}"#
            )
        })
        .collect();
    let body = format!(r#"{{"data":[{}]}}"#, groups.join(","));
    Page::decode(Format::Json, body.as_bytes()).unwrap()
}

/// Every field is a plain path.
const PLAIN: &str = r#"
id = "id"
name = "name"
description = "description"
email = "email"
status = "status"
members = { each = "members", id = "id" }
created_at = "created"
updated_at = ["updated", "changed"]
deleted_at = "deleted"
"#;

/// The same fields, each with a conversion.
const CONVERTED: &str = r#"
id = { path = "id", null = "0" }
name = { template = "{name} ({kind})" }
description = { path = "description", split = " ", take = "last" }
email = { path = "email", decode = "percent" }
status = { path = "status", values = { Active = "active", Inactive = "inactive" }, else = "unknown" }
members = { each = "members", id = { path = "id", null = "" } }
created_at = { path = "created", format = "date_time" }
updated_at = [{ path = "updated", format = "%Y-%m-%dT%H:%M:%S%:z" }, "changed"]
deleted_at = "deleted"
"#;

fn mapping_by(fields: &str) -> Mapping {
    let text = format!(
        "[upstreams.u]\nbase_url = 'http://localhost'\nrequest.path = '/'\nrecords = '/data'\n\
         [upstreams.u.fields]\n{fields}"
    );
    let loaded = load_text("bench.toml", &text, Environment::default()).unwrap();
    Mapping::clone(&loaded.plan.upstreams[0].mapping)
}

// A function of its own, so that a profiler can be told to look at it alone.
#[inline(never)]
fn map_page(mapping: &Mapping, page: &Page) -> usize {
    let records = mapping.records(page).unwrap();
    let mapped = mapping.map(records).unwrap().into_iter().flatten();
    mapped
        .map(|mapped| black_box(mapped).group.members.len())
        .sum()
}

fn mapping(criterion: &mut Criterion) {
    let page = page();
    let mut group = criterion.benchmark_group("mapping");
    group.throughput(Throughput::Elements(GROUPS as u64));
    for (shape, fields) in [("plain", PLAIN), ("converted", CONVERTED)] {
        let mapping = mapping_by(fields);
        group.bench_function(BenchmarkId::new(shape, GROUPS), |bencher| {
            bencher.iter(|| map_page(&mapping, black_box(&page)));
        });
    }
    group.finish();
}

criterion_group!(benches, mapping);
criterion_main!(benches);
