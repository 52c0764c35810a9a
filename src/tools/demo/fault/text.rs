//! Faults as they are written after `--fault`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::did_you_mean::nearest;
use crate::plan::Span;

use super::super::names;
use super::{CATALOGUE, Fault, Reason};

/// Why the text of a fault makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// No fault has this name.
    #[error("`{text}` is no fault{near}: `groupgate demo --help` lists them", near = meant(text))]
    Unknown {
        /// What was written.
        text: String,
    },
    /// A fault without its value, or with one that it cannot have.
    #[error("`{text}` is not whole: write {wanted}, as in `{example}`")]
    Value {
        /// What was written.
        text: String,
        /// What belongs behind the name.
        wanted: &'static str,
        /// How that looks.
        example: &'static str,
    },
    /// No emulation has this name.
    #[error(
        "`{0}` is no emulated upstream: write `*` for all, or one of {names}",
        names = quoted_names()
    )]
    Upstream(String),
    /// The upstream has nothing that could go wrong like this.
    #[error("`{fault}` cannot happen at `{upstream}`: {reason}")]
    NotThere {
        /// What should go wrong.
        fault: Fault,
        /// Where.
        upstream: String,
        /// Why it cannot.
        reason: Reason,
    },
    /// A switch that is not of two parts.
    #[error("`{0}` is no fault switch: write an upstream, `=` and a fault, as in `tallyfy=down`")]
    Switch(String),
}

fn quoted_names() -> String {
    let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn meant(text: &str) -> String {
    let words: Vec<String> = CATALOGUE
        .iter()
        .map(|(fault, _)| fault.to_string())
        .collect();
    nearest(text, words.iter().map(String::as_str))
        .map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

impl Fault {
    /// Reads one `--fault` switch: an upstream's name or `*`, `=`, and a fault. At `*` it happens
    /// wherever it can.
    pub fn switch(text: &str) -> Result<(String, Self), FaultError> {
        let (upstream, fault) = text
            .split_once('=')
            .ok_or_else(|| FaultError::Switch(text.to_owned()))?;
        let fault: Self = fault.parse()?;
        check_upstream(upstream, fault)?;
        Ok((upstream.to_owned(), fault))
    }
}

/// Checks that `name` is an emulation at which `fault` can happen, or `*` for all of them.
pub(in crate::tools::demo) fn check_upstream(name: &str, fault: Fault) -> Result<(), FaultError> {
    if name == "*" {
        return Ok(());
    }
    if !names().any(|known| known == name) {
        return Err(FaultError::Upstream(name.to_owned()));
    }
    fault
        .applies_to(name)
        .map_err(|reason| FaultError::NotThere {
            fault,
            upstream: name.to_owned(),
            reason,
        })
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, value) = text.split_once(':').unwrap_or((text, ""));
        let (fault, wanted, example) = match word {
            "slow" => (span(value).map(Self::Slow), "how long", "slow:500ms"),
            "too-many" => (span(value).map(Self::TooMany), "how long", "too-many:2s"),
            "too-many-until" => (
                span(value).map(Self::TooManyUntil),
                "how long",
                "too-many-until:2s",
            ),
            "status" => (
                error_status(value).map(Self::Status),
                "an error status from 400 to 599",
                "status:503",
            ),
            "burst" => (
                burst(value),
                "an error status from 400 to 599 and how many requests fail",
                "burst:503:3",
            ),
            "unauthorized-after" => (
                value.parse().ok().map(Self::UnauthorizedAfter),
                "how many requests pass",
                "unauthorized-after:3",
            ),
            "drip" => (
                drip(value),
                "how many bytes come at once, at least one, and how often",
                "drip:10:100ms",
            ),
            _ => return plain(text),
        };
        fault.ok_or_else(|| FaultError::Value {
            text: text.to_owned(),
            wanted,
            example,
        })
    }
}

/// A fault that has no value.
fn plain(text: &str) -> Result<Fault, FaultError> {
    let mut faults = CATALOGUE.iter().map(|(fault, _)| *fault);
    faults
        .find(|fault| fault.to_string() == text)
        .ok_or_else(|| FaultError::Unknown {
            text: text.to_owned(),
        })
}

fn span(text: &str) -> Option<Duration> {
    text.parse().ok().map(Span::get)
}

fn error_status(text: &str) -> Option<u16> {
    text.parse::<StatusCode>()
        .ok()
        .filter(|status| status.is_client_error() || status.is_server_error())
        .map(|status| status.as_u16())
}

fn burst(text: &str) -> Option<Fault> {
    let (status, failures) = text.split_once(':')?;
    Some(Fault::Burst {
        status: error_status(status)?,
        failures: failures.parse().ok()?,
    })
}

fn drip(text: &str) -> Option<Fault> {
    let (bytes, every) = text.split_once(':')?;
    Some(Fault::Drip {
        bytes: bytes.parse().ok().filter(|bytes| *bytes > 0)?,
        every: span(every)?,
    })
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Slow(by) => return write!(formatter, "slow:{by:?}"),
            Self::Status(status) => return write!(formatter, "status:{status}"),
            Self::Burst { status, failures } => {
                return write!(formatter, "burst:{status}:{failures}");
            }
            Self::TooMany(wait) => return write!(formatter, "too-many:{wait:?}"),
            Self::TooManyUntil(wait) => return write!(formatter, "too-many-until:{wait:?}"),
            Self::UnauthorizedAfter(passed) => {
                return write!(formatter, "unauthorized-after:{passed}");
            }
            Self::Drip { bytes, every } => return write!(formatter, "drip:{bytes}:{every:?}"),
            Self::Refuse => "down",
            Self::HangConnect => "hang-connect",
            Self::Hang => "hang",
            Self::Truncate => "truncate",
            Self::Reset => "reset",
            Self::Unauthorized => "unauthorized",
            Self::Redirect => "redirect",
            Self::Headers => "headers",
            Self::Cut => "cut",
            Self::MediaType => "media-type",
            Self::Garbage => "garbage",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::Huge => "huge",
            Self::GzipBomb => "gzip-bomb",
            Self::EntityBomb => "entity-bomb",
            Self::DeepJson => "deep-json",
            Self::DeepXml => "deep-xml",
            Self::ErrorInBody => "error-in-body",
            Self::DuplicateIds => "duplicate-ids",
            Self::MissingIds => "missing-ids",
            Self::WrongTypes => "wrong-types",
            Self::WrongTotal => "wrong-total",
            Self::RepeatPage => "repeat-page",
            Self::RepeatCursor => "repeat-cursor",
            Self::Endless => "endless",
            Self::NextElsewhere => "next-elsewhere",
        };
        formatter.write_str(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_from_what_it_shows() {
        for (fault, _) in CATALOGUE {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
    }

    #[test]
    fn a_switch_names_an_upstream_and_a_fault() {
        assert_eq!(
            Fault::switch("collections=down"),
            Ok(("collections".to_owned(), Fault::Refuse))
        );
        assert_eq!(
            Fault::switch("*=slow:2s"),
            Ok(("*".to_owned(), Fault::Slow(Duration::from_secs(2))))
        );
        assert_eq!(
            Fault::switch("*=repeat-cursor"),
            Ok(("*".to_owned(), Fault::RepeatCursor))
        );
    }

    #[test]
    fn a_wrong_switch_says_what_would_be_right() {
        let said: Vec<String> = [
            "collections",
            "colections=down",
            "tallyfy=broken",
            "tallyfy=hangs",
            "tallyfy=down:now",
            "tallyfy=slow",
            "tallyfy=status:200",
            "tallyfy=burst:503",
            "tallyfy=drip:0:1s",
            "tallyfy=unauthorized-after:soon",
            "publisher=repeat-cursor",
            "collections=endless",
            "vinyldns=deep-xml",
        ]
        .iter()
        .map(|text| Fault::switch(text).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
