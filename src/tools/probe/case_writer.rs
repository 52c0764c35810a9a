//! Writes a captured walk as a case, with secrets replaced.
//!
//! A case must yield the same groups when it is walked: it holds the block with its preset and the
//! environment merged into it, every exchange that was answered, and the outcome.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::HeaderMap;
use jiff::Timestamp;

use crate::config::Loaded;
use crate::redact::Redactor;
use crate::terminal::CommandError;
use crate::tools::case::{
    CaseFile, Expectation, ExpectedError, ExpectedRequest, HeaderValues, ORIGIN, RecordedExchange,
    RecordedResponse, comparable,
};
use crate::upstream::extensions::Purpose;
use crate::upstream::pager::Position;

use super::capture::{Capture, CapturedAttempt, CapturedResponse};
use super::lines::counted;
use super::outcome::WalkOutcome;
use super::portable;
use super::sanitize::Sanitizer;

/// Headers of a response that describe the connection, the moment or a session, not the list.
const TRANSIENT: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "set-cookie",
    "transfer-encoding",
];

/// A case to be written: where, and when it was recorded.
#[derive(Debug)]
pub(super) struct Recording {
    file: PathBuf,
    name: String,
    now: Timestamp,
}

impl Recording {
    /// The case of an upstream of this name, in a folder that may not exist yet.
    pub(super) fn new(folder: &Path, name: &str, now: Timestamp) -> Result<Self, CommandError> {
        let file = folder.join(format!("{name}.toml"));
        if file.exists() {
            return Err(CommandError::new(format!(
                "`{}` already exists: choose another folder, or move the file away",
                file.display()
            )));
        }
        Ok(Self {
            file,
            name: name.to_owned(),
            // Cases hold whole seconds.
            now: Timestamp::from_second(now.as_second()).unwrap_or(now),
        })
    }

    /// Writes the case, and returns what to print about it.
    pub(super) fn write(
        &self,
        loaded: &Loaded,
        redactor: &Redactor,
        capture: &Capture,
        outcome: &WalkOutcome,
    ) -> Result<String, CommandError> {
        let attempts = capture.all();
        let answered = attempts
            .iter()
            .filter_map(|attempt| Some((attempt, attempt.response.as_ref()?)));
        let count = answered.clone().count();
        if count == 0 {
            return Err(CommandError::new(
                "no response arrived, so there is nothing to record",
            ));
        }
        let upstream = loaded.settings.upstreams.get(&self.name);
        let base = upstream.map(|upstream| upstream.base_url.clone());
        let base = base.ok_or_else(|| CommandError::new("there is no such upstream"))?;
        let mut block = loaded.block(&self.name).cloned().unwrap_or_default();
        let mut writer = Writer {
            sanitizer: Sanitizer::new(redactor),
            headers: portable::headers(&mut block),
            paths: url_paths(&attempts),
            origin: base.origin().ascii_serialization(),
        };
        let variables = portable::variables(loaded, &self.name);
        let case = CaseFile {
            title: format!("a recorded walk of {}", self.name),
            now: self.now,
            upstream: portable::block(block, &base, &variables),
            environment: variables
                .into_iter()
                .map(|variable| (variable.name, variable.stand_in))
                .collect(),
            exchanges: answered
                .map(|(attempt, response)| writer.exchange(attempt, response))
                .collect::<Result<_, _>>()?,
            expect: writer.expectation(outcome)?,
            ..CaseFile::default()
        };
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.file, case.to_string()).map_err(|error| {
            CommandError::new(format!(
                "`{}` cannot be written: {error}",
                self.file.display()
            ))
        })?;
        Ok(self.summary(&writer.sanitizer.replaced, count, attempts.len() - count))
    }

    fn summary(
        &self,
        found: &BTreeMap<String, usize>,
        answered: usize,
        unanswered: usize,
    ) -> String {
        let file = self.file.display();
        let mut text = format!("\nrecorded {answered} exchanges in {file}\n");
        if unanswered > 0 {
            text.push_str(&format!(
                "  {unanswered} attempts without a response are left out\n"
            ));
        }
        if found.is_empty() {
            text.push_str("  they contained no secrets\n");
        }
        for (stand_in, count) in found {
            let places = counted(*count as u64, "place");
            text.push_str(&format!("  {stand_in} replaces a secret in {places}\n"));
        }
        text.push_str(
            "  headers with credentials or signatures are left out; everything else, including personal \
             data,\n  is recorded as received: review the file before you share it\n",
        );
        text
    }
}

/// The paths of the URLs that the upstream linked to, which must stay on its origin.
fn url_paths(attempts: &[CapturedAttempt]) -> Vec<String> {
    let mut paths: Vec<_> = attempts
        .iter()
        .filter_map(|attempt| match &attempt.purpose {
            Some(Purpose::Page(Position::Url(url))) => Some(url.path().to_owned()),
            Some(Purpose::Login | Purpose::Count | Purpose::Page(_)) | None => None,
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Turns captured exchanges into those of a case.
struct Writer<'a> {
    sanitizer: Sanitizer<'a>,
    /// The request headers that the block sets.
    headers: Vec<String>,
    paths: Vec<String>,
    /// The upstream's origin.
    origin: String,
}

impl Writer<'_> {
    fn exchange(
        &mut self,
        attempt: &CapturedAttempt,
        response: &CapturedResponse,
    ) -> Result<RecordedExchange, CommandError> {
        let is_login = attempt.purpose == Some(Purpose::Login);
        let target = attempt.uri.path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let mut request = ExpectedRequest {
            method: attempt.method.to_string(),
            target: Some(self.sanitizer.text(target)),
            ..ExpectedRequest::default()
        };
        // A login carries nothing but secrets.
        if !is_login {
            let sent = attempt.headers.iter().filter(|(name, value)| {
                !value.is_sensitive() && self.headers.iter().any(|own| own == name.as_str())
            });
            let sent = sent
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            request.headers = self
                .header_texts(&sent)
                .into_iter()
                .map(|(name, values)| (name, values.join(", ")))
                .collect();
            if !attempt.body.is_empty() {
                request.body = Some(self.sanitizer.text(utf8(&attempt.body)?));
            }
        }
        let body = self.with_origin_marks(utf8(&response.body)?);
        let body = if is_login {
            self.sanitizer.login_response(&body)
        } else {
            self.sanitizer.text(&body)
        };
        let mut answered = response.headers.clone();
        for name in TRANSIENT {
            answered.remove(name);
        }
        let headers = self.header_texts(&answered);
        let recorded = RecordedResponse {
            status: response.status.as_u16(),
            headers: headers
                .into_iter()
                .map(|(name, values)| (name, HeaderValues::from(values)))
                .collect(),
            body,
            ..RecordedResponse::default()
        };
        Ok(RecordedExchange {
            request,
            response: recorded,
        })
    }

    /// The values of each header, without secrets and with a mark for the origin.
    fn header_texts(&mut self, headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            if let Ok(value) = value.to_str() {
                let value = value.replace(&self.origin, ORIGIN);
                let values = texts.entry(name.to_string()).or_default();
                values.push(self.sanitizer.text(&value));
            }
        }
        texts
    }

    fn expectation(&mut self, outcome: &WalkOutcome) -> Result<Expectation, CommandError> {
        let mut expect = Expectation::default();
        match &outcome.walked {
            Some(Ok(walked)) => {
                let groups: Vec<_> = walked.groups.to_groups().iter().map(comparable).collect();
                let groups = self.sanitizer.text(&serde_json::to_string(&groups)?);
                expect.groups = Some(serde_json::from_str(&groups)?);
                expect.counts = walked.counts.into();
            }
            Some(Err(error)) => {
                expect.error = Some(ExpectedError {
                    kind: error.kind.as_str().to_owned(),
                    detail: self.sanitizer.text(&error.detail),
                    retry_after: None,
                });
            }
            None => expect.groups = Some(Vec::new()),
        }
        Ok(expect)
    }

    /// A body with a mark for the origin in the URLs that the walk followed. The URLs of groups stay
    /// as they are: they are part of the list.
    fn with_origin_marks(&self, body: &str) -> String {
        let mut body = body.to_owned();
        for path in &self.paths {
            for (origin, path) in [
                (self.origin.clone(), path.clone()),
                (self.origin.replace('/', "\\/"), path.replace('/', "\\/")),
            ] {
                body = with_origin_mark(&body, &origin, &path);
            }
        }
        body
    }
}

/// The text with the origin's mark before each `path` that stands behind `origin` and ends there.
fn with_origin_mark(text: &str, origin: &str, path: &str) -> String {
    let url = format!("{origin}{path}");
    let mut out = String::new();
    let mut from = 0;
    for (at, _) in text.match_indices(&url) {
        let goes_on = |next: char| next.is_alphanumeric() || "/-_.~%".contains(next);
        if text[at + url.len()..].starts_with(goes_on) {
            continue;
        }
        out.push_str(&text[from..at]);
        out.push_str(ORIGIN);
        from = at + origin.len();
    }
    out.push_str(&text[from..]);
    out
}

fn utf8(body: &[u8]) -> Result<&str, CommandError> {
    str::from_utf8(body)
        .map_err(|_| CommandError::new("a body is not UTF-8 text and cannot be recorded"))
}
