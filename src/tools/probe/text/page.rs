//! A page of the list of groups: in full, or in a line or two.

use std::fmt::Write as _;

use crate::config::upstream::Upstream;
use crate::plan::Extra;

use super::super::columns::{beside, cut, json, spaced};
use super::super::lines::{LabelledLines, MARGIN, WIDTH, counted, limited, wrapped};
use super::super::report::{NextReport, PageDetail, PageReport, RecordAndGroup};
use super::exchange::{add_requests, earlier_attempts, expiry, outcome};

/// How many skipped records are shown one by one.
const SHOWN_SKIPS: usize = 5;

/// How many attributes that no field takes are shown.
const SHOWN_ATTRIBUTES: usize = 20;

/// A page in a line or two.
pub(in crate::tools::probe) fn brief(page: &PageReport) -> String {
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
pub(in crate::tools::probe) fn full(
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
        "none",
    );
    expiry(&mut text, page.unknown_expiry.as_deref());
    let announced = match (page.announced_records, page.announced_pages) {
        (Some(records), Some(pages)) => format!(" of {records} on {pages} pages"),
        (Some(records), None) => format!(" of {records}"),
        (None, Some(pages)) => format!(", on the first of {pages} pages"),
        (None, None) => String::new(),
    };
    let at = block.records.at();
    let groups = match page.groups {
        0 if page.records == 0 => String::new(),
        0 => ", none of them a group".to_owned(),
        groups if groups == page.records => ", all of them groups".to_owned(),
        groups => format!(", {groups} of them groups"),
    };
    let found = format!("{} at `{at}`{announced}{groups}", page.records);
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

fn skips(text: &mut LabelledLines, page: &PageReport) {
    let skipped = page.skipped.iter();
    let lines = skipped.map(|skip| format!("record {}: {}", skip.record, skip.reason));
    let lines = limited(lines, SHOWN_SKIPS);
    text.add("skipped", lines.iter().flat_map(|line| wrapped(line)));
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
pub(in crate::tools::probe) fn next(report: &NextReport) -> String {
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
