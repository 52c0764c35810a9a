//! Where the keys stand in the file that the message of a failed walk names.

use crate::config::Loaded;
use crate::problem::{KeyPath, Problem, Problems};

use super::report::WrittenKey;

/// The keys of an upstream's block that a message names and the file writes, each with its file, line and column. Keys
/// of one word are none: a record may have members of that name.
pub(super) fn written_keys(loaded: &Loaded, upstream: &str, message: &str) -> Vec<WrittenKey> {
    if loaded.file.is_none() {
        return Vec::new();
    }
    let quoted = message.split('`').skip(1).step_by(2);
    let mut keys: Vec<&str> = quoted.filter(|quoted| quoted.contains('.')).collect();
    keys.dedup();
    let written = keys.into_iter().filter_map(|key| {
        let names: Vec<_> = key.split('.').collect();
        let mut block = names.iter().copied();
        let first = loaded.block(upstream)?.get(block.next()?)?;
        block.try_fold(first, |value, name| value.get(name))?;
        let at = KeyPath::new(["upstreams", upstream].into_iter().chain(names));
        let mut problems = Problems::default();
        problems.push(Problem::new(at, ""));
        let report = loaded.report(problems);
        let line = report.problems().next()?.line?;
        Some(WrittenKey {
            key: key.to_owned(),
            at: format!("{}:{}:{}", line.file, line.number, line.column()),
        })
    });
    written.collect()
}
