//! What a whole walk came to.

use std::time::Duration;

use bytesize::ByteSize;

use crate::observe::CompletionProgress;
use crate::snapshot::Counts;

use super::super::lines::{LabelledLines, counted, wrapped};
use super::super::mark_findings::MarkFindings;
use super::super::report::WalkSummary;

/// The whole walk.
pub(in crate::tools::probe) fn summary(summary: &WalkSummary) -> String {
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
        let of = (summary.named_people).map_or_else(String::new, |named| format!(" of {named}"));
        lines.push(format!(
            "{unknown}{of} people of groups not in the list of users, and without an address \
             (`users.unknown`)"
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
pub(in crate::tools::probe) fn completion(progress: &CompletionProgress) -> String {
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
