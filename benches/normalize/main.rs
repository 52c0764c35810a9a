//! What a list costs from the raw bytes of its pages to the finished snapshot, per shape, beside the least
//! that any program pays which reads the same bytes.
//!
//! ```text
//! cargo bench --bench normalize                             # time, per shape
//! cargo bench --bench normalize -- count vinyldns whole 3   # three times and no more, for a counter
//! ```
//!
//! Five shapes: what the emulated vendors answer for 10,000 groups, page by page, read by the shipped
//! `gateway.toml`. `whole` is the production code: decode, map, and lay out the snapshot. The reference
//! decodes every field of the same bytes into structs by serde_json; for XML it reads them in one pass of
//! quick-xml's events. Neither normalizes, sorts or writes anything.
//!
//! Instructions say more than time where others use the machine, too, and `counted` is all that counts:
//!
//! ```text
//! valgrind --tool=callgrind --toggle-collect='normalize::counted' normalize-… count vinyldns whole 1
//! ```

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark whose set-up fails has nothing to measure"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use mimalloc::MiMalloc;

mod reference;
mod shapes;
use shapes::{GROUPS, Shape};

/// As the gateway itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// One way to read all pages of a shape. Returned is the number of groups.
type Read = fn(&Shape) -> usize;

fn whole(shape: &Shape) -> usize {
    shape.snapshot().len()
}

fn ways(shape: &Shape) -> [(&'static str, Read); 2] {
    [("whole", whole), ("reference", reference::of(shape.name))]
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.as_slice() {
        [_, count, name, way, times] if count == "count" => {
            let shapes = shapes::all(Some(name));
            let shape = shapes.first().unwrap();
            let (_, read) = (ways(shape).into_iter()).find(|(it, _)| it == way).unwrap();
            for _ in 0..times.parse().unwrap() {
                counted(read, shape);
            }
        }
        _ => measure(&shapes::all(None)),
    }
}

/// What a profiler is told to look at alone.
#[inline(never)]
fn counted(read: Read, shape: &Shape) {
    assert_eq!(read(black_box(shape)), GROUPS);
}

fn measure(shapes: &[Shape]) {
    let mut criterion = Criterion::default().configure_from_args();
    for shape in shapes {
        let mut group = criterion.benchmark_group(shape.name);
        group.throughput(Throughput::Elements(GROUPS as u64));
        group.sample_size(20);
        for (way, read) in ways(shape) {
            assert_eq!(read(shape), GROUPS);
            group.bench_function(BenchmarkId::from_parameter(way), |bencher| {
                bencher.iter(|| read(black_box(shape)));
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
