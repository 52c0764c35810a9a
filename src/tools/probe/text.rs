//! The report of a walk as a text for people, 80 characters wide.
//!
//! The page that is shown in full takes a screen, every other one a line or two.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use bytesize::ByteSize;
use http::StatusCode;

use crate::config::upstream::Upstream;
use crate::group::ReadRow;
use crate::observe::CompletionProgress;
use crate::page::fetched_page::FetchedPage;
use crate::page::format::excerpt;
use crate::page::mapping::BroughtPage;
use crate::plan::{Extra, RelatedList};
use crate::snapshot::Counts;

use super::columns::{beside, cut, json, spaced};
use super::lines::{LabelledLines, MARGIN, WIDTH, counted, limited, wrapped};
use super::mark_findings::MarkFindings;
use super::report::{
    FailureReport, NextReport, PageDetail, PageReport, RecordAndGroup, RequestReport,
    ResponseReport, WalkSummary,
};

/// How many skipped records are shown one by one.
const SHOWN_SKIPS: usize = 5;

/// How many people or partitions of a page are shown.
const SHOWN_ROWS: usize = 5;

/// How much of each of their values is shown.
const SHOWN_VALUE: usize = 40;

/// How many attributes that no field takes are shown.
const SHOWN_ATTRIBUTES: usize = 20;

/// A page in a line or two.
pub(super) fn brief(page: &PageReport) -> String {
    let mut text = String::new();
    let label = format!("page {}", page.page);
    let answer = page.requests.last().map_or_else(String::new, outcome);
    let what = if page.groups == page.records {
        counted(page.records, "record")
    } else {
        format!(
            "{}, {} of them groups",
            counted(page.records, "record"),
            page.groups
        )
    };
    let earlier = earlier_attempts(&page.requests);
    // Writing into a string does not fail.
    let _ = writeln!(
        text,
        "{label:<MARGIN$}{answer}: {what}; at {}{earlier}",
        cut(&page.position, WIDTH / 2)
    );
    let mut rest = LabelledLines(text);
    expiry(&mut rest, page.unknown_expiry.as_deref());
    rest.add("unused", page.unused.iter().flat_map(|said| wrapped(said)));
    skips(&mut rest, page);
    rest.shown()
}

/// A page in full.
pub(super) fn full(
    page: &PageReport,
    detail: &PageDetail,
    block: &Upstream,
    is_sent: bool,
) -> String {
    let mut text = LabelledLines(format!("page {}, {}\n", page.page, page.position));
    add_requests(
        &mut text,
        &page.requests,
        if is_sent { "request" } else { "not sent" },
    );
    expiry(&mut text, page.unknown_expiry.as_deref());
    let announced = match (page.announced_records, page.announced_pages) {
        (Some(records), Some(pages)) => format!(" of {records} on {pages} pages"),
        (Some(records), None) => format!(" of {records}"),
        (None, Some(pages)) => format!(", on the first of {pages} pages"),
        (None, None) => String::new(),
    };
    let at = block.records.at();
    let groups = if page.groups == page.records {
        "all of them groups".to_owned()
    } else {
        format!("{} of them groups", page.groups)
    };
    let found = format!("{} at `{at}`{announced}, {groups}", page.records);
    text.add("records", [found]);
    skips(&mut text, page);
    if page.unparsed_timestamps > 0 {
        let unparsed = format!(
            "{} timestamps could not be parsed; they are null",
            page.unparsed_timestamps
        );
        text.add("times", [unparsed]);
    }
    if page.unread_people > 0 {
        let unread = format!(
            "{} in the lists of `fields.members`, `admins` or `guests` have neither an id nor an email \
             where these say; they are left out and kept in `attributes`",
            counted(page.unread_people, "item")
        );
        text.add("people", [unread]);
    }
    if page.unmarked_people > 0 {
        let unmarked = format!(
            "{} in the lists of `fields.members`, `admins` or `guests` have nothing at the path that `only` \
             compares; they are left out and kept in `attributes`",
            counted(page.unmarked_people, "item")
        );
        text.add("people", [unmarked]);
    }
    text.add("unused", page.unused.iter().flat_map(|said| wrapped(said)));
    text.add("unmapped", unmapped(detail, block, page));
    if !detail.groups.is_empty() {
        text.0.push_str(&side_by_side(&detail.groups));
    }
    text.shown()
}

/// Requests and their responses. The last one is shown in full; `label` is for one of a page.
fn add_requests(text: &mut LabelledLines, requests: &[RequestReport], label: &str) {
    for (index, report) in requests.iter().enumerate() {
        let is_last = index + 1 == requests.len();
        let label = match report.purpose {
            "page" => label,
            other => other,
        };
        text.add(label, request(report, is_last));
        match &report.answer {
            Some(answer) => text.add("answer", response(answer, is_last)),
            None => text.add("answer", ["none"]),
        }
    }
}

/// Groups beside the records that they came from, over the whole width.
fn side_by_side(pairs: &[RecordAndGroup]) -> String {
    // A column for a time and its field, and none to spare.
    let width = (WIDTH - 1 - 3) / 2;
    let line = |text: &str| format!(" {text}\n");
    let heading = beside(
        &["record, as received".to_owned()],
        &["group, as served".to_owned()],
        width,
    );
    let rule = line(&format!("{0}┼{0}", "─".repeat(width + 1)));
    let mut text: String = heading.iter().map(|heading| line(heading)).collect();
    for pair in pairs {
        text.push_str(&rule);
        let lines = beside(&json(&pair.record, width), &json(&pair.group, width), width);
        text.extend(lines.iter().map(|text| line(text)));
    }
    text.push_str(&rule);
    text
}

/// Why a login is not renewed before its token expires.
fn expiry(text: &mut LabelledLines, unknown: Option<&str>) {
    let lines = unknown.into_iter().flat_map(|why| {
        wrapped(&format!(
            "unknown, so the token is used until it is refused: {why}"
        ))
    });
    text.add("expiry", lines);
}

fn skips(text: &mut LabelledLines, page: &PageReport) {
    let skipped = page.skipped.iter();
    let lines = skipped.map(|skip| format!("record {}: {}", skip.record, skip.reason));
    text.add("skipped", limited(lines, SHOWN_SKIPS));
}

fn unmapped(detail: &PageDetail, block: &Upstream, page: &PageReport) -> Vec<String> {
    let records = page.records;
    let is_nameless = page.groups == 0 && !detail.unmapped.is_empty();
    if block.extra == Extra::Drop && !is_nameless {
        return vec!["dropped (`extra = \"drop\"`)".to_owned()];
    }
    if detail.unmapped.is_empty() {
        return vec!["none".to_owned()];
    }
    let keys = detail.unmapped.iter().map(|one| one.key.chars().count());
    let width = keys.max().unwrap_or_default().min(30);
    let lines = detail.unmapped.iter().map(|one| {
        let line = format!("{:<width$}  in {} of {records}: ", one.key, one.records);
        let room = (WIDTH - MARGIN)
            .saturating_sub(line.chars().count())
            .max(10);
        format!("{line}{}", cut(&spaced(&one.example), room))
    });
    let mut lines = limited(lines, SHOWN_ATTRIBUTES);
    if is_nameless {
        lines.insert(0, "no record is a group; what the records have:".to_owned());
    }
    lines
}

/// Where the walk reads on, and why.
pub(super) fn next(report: &NextReport) -> String {
    let why = &report.why;
    let next = match (&report.at, report.pages) {
        (None, _) => format!("the end, because {why}"),
        (Some(at), 0 | 1) => format!("{}, because {why}", cut(at, WIDTH)),
        (Some(at), pages) => {
            format!("{pages} pages, fetched concurrently, from {at} on, because {why}")
        }
    };
    let mut text = LabelledLines::default();
    text.add("next", wrapped(&next));
    text.shown()
}

fn request(report: &RequestReport, is_whole: bool) -> Vec<String> {
    let mut lines = vec![format!("{} {}", report.method, report.url)];
    if is_whole {
        lines.extend(headers(&report.headers));
        lines.extend(report.body.as_deref().map(|body| cut(body, 4 * WIDTH)));
        if let Some(signed) = &report.signed {
            lines.push("signed is".to_owned());
            lines.extend(signed.lines().map(|line| format!("  {line}")));
        }
    }
    lines
}

fn response(answer: &ResponseReport, is_whole: bool) -> Vec<String> {
    let mut lines = vec![status(answer)];
    if is_whole {
        lines.extend(headers(&answer.headers));
    }
    lines
}

fn headers(headers: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    headers
        .iter()
        .map(|(name, value)| cut(&format!("{name}: {value}"), WIDTH - MARGIN))
}

fn status(answer: &ResponseReport) -> String {
    let reason = StatusCode::from_u16(answer.status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let taken = Duration::from_secs_f64(answer.milliseconds / 1000.0);
    format!(
        "{}{}{} in {taken:.0?}, {}",
        answer.status,
        if reason.is_some() { " " } else { "" },
        reason.unwrap_or_default(),
        ByteSize(answer.bytes as u64)
    )
}

fn outcome(report: &RequestReport) -> String {
    report
        .answer
        .as_ref()
        .map_or_else(|| "no response".to_owned(), status)
}

/// The attempts before the last one, if any.
fn earlier_attempts(requests: &[RequestReport]) -> String {
    let [before @ .., _] = requests else {
        return String::new();
    };
    if before.is_empty() {
        return String::new();
    }
    let before = before.iter().map(|report| {
        let status = report.answer.as_ref();
        let status = status.map_or("no response".to_owned(), |answer| answer.status.to_string());
        match report.purpose {
            "page" => status,
            other => format!("{other} {status}"),
        }
    });
    format!(", after {}", before.collect::<Vec<_>>().join(", "))
}

/// The whole walk.
pub(super) fn summary(summary: &WalkSummary) -> String {
    let mut text = LabelledLines::default();
    let taken = Duration::from_secs_f64(summary.milliseconds / 1000.0);
    let mut lines = vec![format!(
        "{} on {}, {} in {taken:.0?}",
        counted(summary.groups, "group"),
        counted(summary.pages, "page"),
        ByteSize(summary.bytes)
    )];
    if summary.is_part {
        lines.push("the recorded pages end before the list does".to_owned());
    } else {
        lines.push(match summary.announced {
            Some(announced) => {
                format!(
                    "{} of {announced} announced records received",
                    summary.records
                )
            }
            None => format!(
                "{} received; the upstream announces no total",
                counted(summary.records, "record")
            ),
        });
    }
    let left_out = match summary.counts.left_out {
        0 => String::new(),
        left_out => format!(", {left_out} left out"),
    };
    lines.push(format!(
        "{} skipped{}, {} repeated, {} timestamps unparsed, {}",
        counted(summary.counts.skipped, "record"),
        left_out,
        summary.counts.repeated,
        summary.counts.unparsed_timestamps,
        if summary.counts.drifted {
            "the list changed during the walk"
        } else {
            "no drift"
        }
    ));
    lines.extend(partitions_left_out(&summary.counts));
    lines.extend(people(&summary.counts));
    lines.extend(summary.completion.as_ref().map(completion));
    let unknown = summary.counts.unknown_people;
    if unknown > 0 {
        let people = if unknown == 1 { "person" } else { "people" };
        lines.push(format!(
            "{unknown} {people} of groups not in the list of users, and without an address"
        ));
    }
    lines.extend(
        summary
            .restarts
            .iter()
            .map(|reason| format!("restarted: {reason}")),
    );
    let ended_by = summary.ended_by.iter();
    lines.extend(ended_by.map(|what| format!("ended by `{what}`: {}", what.explained())));
    text.0.push_str("\ntotal\n");
    text.add("", lines);
    let said = summary.reuse.iter().flat_map(MarkFindings::sentences);
    text.add("reuse", said.flat_map(|said| wrapped(&said)));
    text.shown()
}

/// How many partitions the list lacks, if it lacks any.
fn partitions_left_out(counts: &Counts) -> Option<String> {
    let left_out = each_counted([
        (counts.partitions_gone, "gone"),
        (counts.partitions_refused, "refusing the credentials"),
    ]);
    left_out
        .map(|left_out| format!("without the groups of partitions that are left out: {left_out}"))
}

/// The items of lists of people that are nobody, if there are any.
fn people(counts: &Counts) -> Option<String> {
    let items = each_counted([
        (counts.unread_people, "without an id and an address"),
        (counts.unmarked_people, "without what `only` compares"),
        (counts.repeated_people, "repeated"),
    ]);
    items.map(|items| format!("of people: {items}"))
}

/// How many there are of each kind, of the kinds of which there are any.
fn each_counted<const N: usize>(kinds: [(u64, &str); N]) -> Option<String> {
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<_> = kinds
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

/// How far it is with what is asked for each group.
pub(super) fn completion(progress: &CompletionProgress) -> String {
    let CompletionProgress {
        done,
        of,
        asked,
        gone,
        miscounted,
        ..
    } = progress;
    let gone = match gone {
        0 => String::new(),
        gone => format!(", {gone} gone meanwhile"),
    };
    let miscounted = match miscounted {
        0 => String::new(),
        miscounted => {
            format!(", {miscounted} with another number of members than their records say")
        }
    };
    format!(
        "{done} of {} complete, {asked} lists asked for{gone}{miscounted}",
        counted(*of, "group")
    )
}

/// A page of a list that belongs to that of groups, in a line, with other lists that it brings.
pub(super) fn related(list: RelatedList, page: &FetchedPage) -> String {
    let (request, records) = (&page.request, counted(page.records(), "record"));
    let mut line = format!("{list}: {} {}: {records}", request.method(), request.uri());
    if list != RelatedList::Details {
        line.push_str(&rows(&page.mapped().rows));
    }
    for BroughtPage { list, mapped } in &page.mapped().brought {
        let brought = mapped.as_ref().map_or_else(
            |error| format!(": {error}"),
            |mapped| {
                let records = counted(mapped.records() as u64, "record");
                format!(": {records}{}", rows(&mapped.rows))
            },
        );
        let _ = write!(line, "; {list} of the same response{brought}");
    }
    line
}

/// The first rows of a list.
fn rows(rows: &[ReadRow]) -> String {
    let shown = rows.iter().take(SHOWN_ROWS).map(row);
    let mut shown = shown.collect::<Vec<_>>();
    if rows.len() > SHOWN_ROWS {
        shown.push("…".to_owned());
    }
    if shown.is_empty() {
        return String::new();
    }
    format!(": {}", shown.join(", "))
}

/// The values of a partition, or the id and the address of somebody.
fn row(row: &ReadRow) -> String {
    let values = row.iter().flatten();
    let values = values.map(|value| excerpt(&value.text, SHOWN_VALUE));
    values.collect::<Vec<_>>().join(" ")
}

/// Why a walk failed, and where.
pub(super) fn failure(failure: &FailureReport) -> String {
    let of = (failure.list).map_or_else(String::new, |list| format!(" of {list}"));
    let mut text = LabelledLines(format!(
        "error: {}: {}\n  on page {}{of}\n",
        failure.kind, failure.detail, failure.page
    ));
    add_requests(&mut text, &failure.requests, "request");
    expiry(&mut text, failure.unknown_expiry.as_deref());
    let expected = failure.expected.iter();
    text.add("expected", expected.flat_map(|expected| wrapped(expected)));
    let body = failure.body.iter().flat_map(|body| body.lines());
    text.add("body", body.map(|line| cut(line, 2 * WIDTH)));
    text.shown()
}
