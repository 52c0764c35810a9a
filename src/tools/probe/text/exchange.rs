//! Requests and their answers.

use std::time::Duration;

use bytesize::ByteSize;
use http::StatusCode;

use super::super::columns::cut;
use super::super::headers::header_lines;
use super::super::lines::{LabelledLines, WIDTH, wrapped};
use super::super::report::{RequestReport, ResponseReport};

/// Requests and their responses. The last one is shown in full; `label` is for one of a page, and `none` stands where no
/// response came.
pub(super) fn add_requests(
    text: &mut LabelledLines,
    requests: &[RequestReport],
    label: &str,
    none: &str,
) {
    for (index, report) in requests.iter().enumerate() {
        let is_last = index + 1 == requests.len();
        let label = match report.purpose {
            "page" => label,
            other => other,
        };
        text.add(label, request(report, is_last));
        match &report.answer {
            Some(answer) => text.add("answer", response(answer, is_last)),
            None => text.add("answer", [if is_last { none } else { "none" }]),
        }
    }
}

/// Why a login is not renewed before its token expires.
pub(super) fn expiry(text: &mut LabelledLines, unknown: Option<&str>) {
    let lines = unknown.into_iter().flat_map(|why| {
        wrapped(&format!(
            "unknown, so the token is used until it is refused: {why}"
        ))
    });
    text.add("expiry", lines);
}

fn request(report: &RequestReport, is_whole: bool) -> Vec<String> {
    let mut lines = vec![format!("{} {}", report.method, report.url)];
    if is_whole {
        lines.extend(header_lines(&report.headers));
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
        lines.extend(header_lines(&answer.headers));
    }
    lines
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

pub(super) fn outcome(report: &RequestReport) -> String {
    report
        .answer
        .as_ref()
        .map_or_else(|| "no response".to_owned(), status)
}

/// The attempts before the last one, if any.
pub(super) fn earlier_attempts(requests: &[RequestReport]) -> String {
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
