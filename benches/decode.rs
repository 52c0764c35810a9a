//! How long a page takes from bytes to records, per shape: the first stage of every walk.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark whose set-up fails has nothing to measure"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use groupgate::page::format::{Node, Page};
use groupgate::plan::Format;
use groupgate::plan::Path;

/// An envelope with a list of groups, each with a handful of members.
fn json_envelope(groups: usize) -> String {
    let groups: Vec<_> = (0..groups)
        .map(|number| {
            format!(
                r#"{{"id":"group-{number}","name":"Grüppe {number}","description":"The people of room {number}","members":[{{"id":"a{number}"}},{{"id":"b{number}"}},{{"id":"c{number}"}}],"created":"2024-03-10T09:00:00Z","size":{number}}}"#
            )
        })
        .collect();
    format!(r#"{{"statusCode":200,"data":[{}]}}"#, groups.join(","))
}

/// Groups as repeated elements beside a total, indented as servers do.
fn xml_list(groups: usize) -> String {
    let list: Vec<_> = (0..groups)
        .map(|number| {
            format!(
                r"
    <group>
        <id>{number}</id>
        <name>R&amp;D {number}</name>
        <link>https://example.com/groups/{number}</link>
        <users><user>1{number}</user><user>2{number}</user></users>
    </group>"
            )
        })
        .collect();
    format!(
        "<groups>\n    <total>{groups}</total>{}\n</groups>",
        list.concat()
    )
}

/// Decodes a body and reads each record's name, as the mapping does.
fn read_names(format: Format, body: &str, records: &Path, name: &Path) -> usize {
    let page = Page::decode(format, body.as_bytes()).unwrap();
    let records = page
        .records(records, groupgate::plan::AbsentRecords::Error)
        .unwrap();
    records
        .into_iter()
        .filter_map(|record| record.find(name).and_then(Node::text))
        .map(|name| name.len())
        .sum()
}

fn decode(criterion: &mut Criterion) {
    let shapes = [
        ("json", Format::Json, json_envelope(100), 100, "/data"),
        ("json", Format::Json, json_envelope(1000), 1000, "/data"),
        ("xml", Format::Xml, xml_list(200), 200, "/groups/group"),
    ];
    let name = "name".parse().unwrap();
    let mut group = criterion.benchmark_group("decode");
    for (shape, format, body, groups, records) in shapes {
        let records = records.parse().unwrap();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new(shape, groups), |bencher| {
            bencher.iter(|| read_names(format, black_box(&body), &records, &name));
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
