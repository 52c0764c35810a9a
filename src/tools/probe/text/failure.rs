//! Why a walk failed.

use super::super::columns::cut;
use super::super::lines::{LabelledLines, WIDTH, wrapped};
use super::super::report::FailureReport;
use super::exchange::{add_requests, expiry};

/// Why a walk failed, and where.
pub(in crate::tools::probe) fn failure(failure: &FailureReport) -> String {
    let of = (failure.list).map_or_else(String::new, |list| format!(" of {list}"));
    let place = (failure.page).map_or_else(String::new, |page| format!("  on page {page}{of}\n"));
    let mut text = LabelledLines(format!(
        "error: {}: {}\n{place}",
        failure.kind, failure.detail
    ));
    let keys = failure.keys.iter();
    text.add(
        "keys",
        keys.map(|key| format!("`{}` is at {}", key.key, key.at)),
    );
    let none = match failure.kind {
        // It came, and was given up before its end.
        "decode" | "limit_exceeded" => "none that could be read",
        _ => "none",
    };
    add_requests(&mut text, &failure.requests, "request", none);
    expiry(&mut text, failure.unknown_expiry.as_deref());
    let expected = failure.expected.iter();
    text.add("expected", expected.flat_map(|expected| wrapped(expected)));
    text.add("lists", &failure.lists);
    let body = failure.body.iter().flat_map(|body| body.lines());
    text.add("body", body.map(|line| cut(line, 2 * WIDTH)));
    text.shown()
}
