//! The story of a walk as a text for people, 80 characters wide.
//!
//! The page that is looked at more closely takes a screen, every other one a line or two.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use bytesize::ByteSize;
use http::StatusCode;

use crate::config::upstream::{Extra, Upstream};

use super::columns::{beside, cut, json, spaced};
use super::story::{Answered, Asked, Detail, Onward, Pair, Step, Summary, Trouble};

/// How wide a line may be. What is copied, such as a URL, is never broken.
const WIDTH: usize = 80;

/// Where what is told begins; before it stands what it is.
const MARGIN: usize = 12;

/// How many skipped records are shown one by one.
const SHOWN_SKIPS: usize = 5;

/// How many attributes that no field takes are shown.
const SHOWN_ATTRIBUTES: usize = 20;

/// What is told of one thing: its name, and its lines.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn add(&mut self, label: &str, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut label = label;
        for line in lines {
            let line = format!("  {label:<width$}{}", line.as_ref(), width = MARGIN - 2);
            self.0.push_str(line.trim_end());
            self.0.push('\n');
            label = "";
        }
    }

    /// The text, without what would make a terminal do something: upstreams write parts of it.
    fn shown(self) -> String {
        let visible = |letter: char| {
            if letter.is_control() && !matches!(letter, '\n' | '\t') {
                char::REPLACEMENT_CHARACTER
            } else {
                letter
            }
        };
        self.0.chars().map(visible).collect()
    }
}

/// A page in a line or two.
pub(super) fn brief(step: &Step) -> String {
    let mut text = String::new();
    let label = format!("page {}", step.page);
    let answer = step.requests.last().map_or_else(String::new, outcome);
    let what = if step.groups == step.records {
        counted(step.records, "record")
    } else {
        format!(
            "{}, {} of them groups",
            counted(step.records, "record"),
            step.groups
        )
    };
    let tries = tries(&step.requests);
    // Writing into a string does not fail.
    let _ = writeln!(
        text,
        "{label:<MARGIN$}{answer}: {what}; at {}{tries}",
        cut(&step.position, WIDTH / 2)
    );
    let mut rest = Text(text);
    skips(&mut rest, step);
    rest.shown()
}

/// A page in full.
pub(super) fn full(step: &Step, detail: &Detail, block: &Upstream, is_sent: bool) -> String {
    let mut text = Text(format!("page {}, {}\n", step.page, step.position));
    let tries = step.requests.len();
    for (index, asked) in step.requests.iter().enumerate() {
        let is_last = index + 1 == tries;
        let label = match asked.purpose {
            "page" if is_sent => "request",
            "page" => "not sent",
            other => other,
        };
        text.add(label, request(asked, is_last));
        if let Some(answer) = &asked.answer {
            text.add("answer", answered(answer, is_last));
        } else {
            text.add("answer", ["none"]);
        }
    }
    let announced = match (step.announced_records, step.announced_pages) {
        (Some(records), Some(pages)) => format!(" of {records} on {pages} pages"),
        (Some(records), None) => format!(" of {records}"),
        (None, Some(pages)) => format!(", on the first of {pages} pages"),
        (None, None) => String::new(),
    };
    let at = block.records.at();
    let groups = if step.groups == step.records {
        "all of them groups".to_owned()
    } else {
        format!("{} of them groups", step.groups)
    };
    let found = format!("{} at `{at}`{announced}, {groups}", step.records);
    text.add("records", [found]);
    skips(&mut text, step);
    if step.unparsed_timestamps > 0 {
        let unread = format!(
            "{} times cannot be read; they are null",
            step.unparsed_timestamps
        );
        text.add("times", [unread]);
    }
    text.add("unmapped", unmapped(detail, block, step.records));
    if !detail.groups.is_empty() {
        text.0.push_str(&side_by_side(&detail.groups));
    }
    text.shown()
}

/// Groups beside the records that they came from, over the whole width.
fn side_by_side(pairs: &[Pair]) -> String {
    // A column for a time and its field, and none to spare.
    let width = (WIDTH - 1 - 3) / 2;
    let line = |text: &str| format!(" {text}\n");
    let heading = beside(
        &["record, as it came".to_owned()],
        &["group, as it is served".to_owned()],
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

fn skips(text: &mut Text, step: &Step) {
    let skipped = &step.skipped;
    let mut lines: Vec<_> = skipped
        .iter()
        .take(SHOWN_SKIPS)
        .map(|skip| format!("record {}: {}", skip.record, skip.reason))
        .collect();
    if skipped.len() > SHOWN_SKIPS {
        lines.push(format!("and {} more", skipped.len() - SHOWN_SKIPS));
    }
    text.add("skipped", lines);
}

fn unmapped(detail: &Detail, block: &Upstream, records: u64) -> Vec<String> {
    if block.extra == Extra::Drop {
        return vec!["dropped, whatever it is (`extra = \"drop\"`)".to_owned()];
    }
    if detail.unmapped.is_empty() {
        return vec!["nothing".to_owned()];
    }
    let keys = detail.unmapped.iter().map(|one| one.key.chars().count());
    let width = keys.max().unwrap_or_default().min(30);
    let mut lines: Vec<_> = detail
        .unmapped
        .iter()
        .take(SHOWN_ATTRIBUTES)
        .map(|one| {
            let line = format!("{:<width$}  in {} of {records}: ", one.key, one.records);
            let room = (WIDTH - MARGIN)
                .saturating_sub(line.chars().count())
                .max(10);
            format!("{line}{}", cut(&spaced(&one.example), room))
        })
        .collect();
    if detail.unmapped.len() > SHOWN_ATTRIBUTES {
        lines.push(format!(
            "and {} more",
            detail.unmapped.len() - SHOWN_ATTRIBUTES
        ));
    }
    lines
}

/// What is decided after a page.
pub(super) fn onward(onward: &Onward) -> String {
    let why = &onward.why;
    let next = match (&onward.at, onward.pages) {
        (None, _) => format!("nothing, because {why}"),
        (Some(at), 0 | 1) => format!("{}, because {why}", cut(at, WIDTH)),
        (Some(at), pages) => {
            format!("{pages} pages, several at once, from {at} on, because {why}")
        }
    };
    let mut text = Text::default();
    text.add("next", wrapped(&next));
    text.shown()
}

fn request(asked: &Asked, is_whole: bool) -> Vec<String> {
    let mut lines = vec![format!("{} {}", asked.method, asked.url)];
    if is_whole {
        lines.extend(headers(&asked.headers));
        lines.extend(asked.body.as_deref().map(|body| cut(body, 4 * WIDTH)));
        if let Some(signed) = &asked.signed {
            lines.push("signed is".to_owned());
            lines.extend(signed.lines().map(|line| format!("  {line}")));
        }
    }
    lines
}

fn answered(answer: &Answered, is_whole: bool) -> Vec<String> {
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

fn status(answer: &Answered) -> String {
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

fn outcome(asked: &Asked) -> String {
    asked
        .answer
        .as_ref()
        .map_or_else(|| "no answer".to_owned(), status)
}

/// What it took besides one request, if anything.
fn tries(requests: &[Asked]) -> String {
    let [before @ .., _] = requests else {
        return String::new();
    };
    if before.is_empty() {
        return String::new();
    }
    let before = before.iter().map(|asked| {
        let status = asked.answer.as_ref();
        let status = status.map_or("no answer".to_owned(), |answer| answer.status.to_string());
        match asked.purpose {
            "page" => status,
            other => format!("{other} {status}"),
        }
    });
    format!(", after {}", before.collect::<Vec<_>>().join(", "))
}

/// What a whole walk brought.
pub(super) fn summary(summary: &Summary) -> String {
    let mut text = Text::default();
    let taken = Duration::from_secs_f64(summary.milliseconds / 1000.0);
    let mut lines = vec![format!(
        "{} on {}, {} in {taken:.0?}",
        counted(summary.groups, "group"),
        counted(summary.pages, "page"),
        ByteSize(summary.bytes)
    )];
    if summary.is_part {
        lines.push("the recorded pages end here, and the list does not".to_owned());
    } else {
        lines.push(match summary.announced {
            Some(announced) => {
                format!("{} of {announced} announced records came", summary.records)
            }
            None => format!(
                "{} came, and nothing says how many there are",
                counted(summary.records, "record")
            ),
        });
    }
    lines.push(format!(
        "{} skipped, {} repeated, {} times unread, {}",
        counted(summary.skipped, "record"),
        summary.repeated,
        summary.unparsed_timestamps,
        if summary.drifted {
            "and the list changed meanwhile"
        } else {
            "no drift"
        }
    ));
    lines.extend(
        summary
            .restarts
            .iter()
            .map(|reason| format!("begun anew: {reason}")),
    );
    let ended_by = summary.ended_by.iter();
    lines.extend(ended_by.map(|what| format!("ended as `on_repeat` says: {what}")));
    text.0.push_str("\nin all\n");
    text.add("", lines);
    text.shown()
}

/// Why a walk failed, and where.
pub(super) fn trouble(trouble: &Trouble) -> String {
    let mut text = Text(format!(
        "error: {}: {}\n  on page {}\n",
        trouble.kind, trouble.detail, trouble.page
    ));
    let count = trouble.requests.len();
    for (index, asked) in trouble.requests.iter().enumerate() {
        let is_last = index + 1 == count;
        let label = match asked.purpose {
            "page" => "request",
            other => other,
        };
        text.add(label, request(asked, is_last));
        match &asked.answer {
            Some(answer) => text.add("answer", answered(answer, is_last)),
            None => text.add("answer", ["none"]),
        }
    }
    let expected = trouble.expected.iter();
    text.add("expected", expected.flat_map(|expected| wrapped(expected)));
    let body = trouble.body.iter().flat_map(|body| body.lines());
    text.add("body", body.map(|line| cut(line, 2 * WIDTH)));
    text.shown()
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A sentence in lines that fit.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - MARGIN => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
