//! What an emulation can be told to do wrong.
//!
//! A fault is a switch on one emulation. It acts on every request alike, logins included, and
//! stays until it is taken away. What each one does is in [`super::site`], in one `match`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::config::Span;

use super::names;

/// One way in which an emulated upstream misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `down`: nothing listens on the port, and open connections are closed.
    Refuse,
    /// `slow:500ms`: every answer takes that much longer.
    Slow(Duration),
    /// `status:503`: every answer has this status and an error body in the vendor's own shape;
    /// 429 and 503 bring a `Retry-After` of one second.
    Status(u16),
    /// `garbage`: a web page under status 200.
    Garbage,
    /// `error-in-body`: the vendor's own error body under status 200.
    ErrorInBody,
    /// `unauthorized`: every credential is refused.
    Unauthorized,
    /// `hang`: the request is taken and never answered.
    Hang,
    /// `truncate`: the connection is closed in the middle of the body.
    Truncate,
}

/// Why the text of a fault makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// No fault has this name.
    #[error(
        "`{0}` is no fault: write `down`, `slow:500ms`, `status:503`, `garbage`, \
         `error-in-body`, `unauthorized`, `hang` or `truncate`"
    )]
    Unknown(String),
    /// `slow` without a duration.
    #[error("`{0}` does not say how slow: write a number and a unit, as in `slow:500ms`")]
    Slow(String),
    /// `status` without an error status.
    #[error("`{0}` names no error status: write one from 400 to 599, as in `status:503`")]
    Status(String),
    /// No emulation has this name.
    #[error(
        "`{0}` is no emulated upstream: write `*` for all, or one of {names}",
        names = quoted_names()
    )]
    Upstream(String),
    /// A switch that is not of two parts.
    #[error("`{0}` is no fault switch: write an upstream, `=` and a fault, as in `tallyfy=down`")]
    Switch(String),
}

fn quoted_names() -> String {
    let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

impl Fault {
    /// Reads one `--fault` switch: an upstream's name or `*`, `=`, and a fault.
    pub fn switch(text: &str) -> Result<(String, Self), FaultError> {
        let (upstream, fault) = text
            .split_once('=')
            .ok_or_else(|| FaultError::Switch(text.to_owned()))?;
        check_upstream(upstream)?;
        Ok((upstream.to_owned(), fault.parse()?))
    }
}

/// Checks that `name` is an emulation, or `*` for all of them.
pub(super) fn check_upstream(name: &str) -> Result<(), FaultError> {
    if name == "*" || names().any(|known| known == name) {
        return Ok(());
    }
    Err(FaultError::Upstream(name.to_owned()))
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, value) = text.split_once(':').unwrap_or((text, ""));
        match word {
            "slow" => value
                .parse::<Span>()
                .map(|span| Self::Slow(span.get()))
                .map_err(|_| FaultError::Slow(text.to_owned())),
            "status" => value
                .parse::<StatusCode>()
                .ok()
                .filter(|status| status.is_client_error() || status.is_server_error())
                .map(|status| Self::Status(status.as_u16()))
                .ok_or_else(|| FaultError::Status(text.to_owned())),
            _ => match text {
                "down" => Ok(Self::Refuse),
                "garbage" => Ok(Self::Garbage),
                "error-in-body" => Ok(Self::ErrorInBody),
                "unauthorized" => Ok(Self::Unauthorized),
                "hang" => Ok(Self::Hang),
                "truncate" => Ok(Self::Truncate),
                _ => Err(FaultError::Unknown(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => formatter.write_str("down"),
            Self::Slow(by) => write!(formatter, "slow:{by:?}"),
            Self::Status(status) => write!(formatter, "status:{status}"),
            Self::Garbage => formatter.write_str("garbage"),
            Self::ErrorInBody => formatter.write_str("error-in-body"),
            Self::Unauthorized => formatter.write_str("unauthorized"),
            Self::Hang => formatter.write_str("hang"),
            Self::Truncate => formatter.write_str("truncate"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_from_what_it_shows() {
        for fault in [
            Fault::Refuse,
            Fault::Slow(Duration::from_millis(500)),
            Fault::Status(503),
            Fault::Garbage,
            Fault::ErrorInBody,
            Fault::Unauthorized,
            Fault::Hang,
            Fault::Truncate,
        ] {
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
    }

    #[test]
    fn a_wrong_switch_says_what_would_be_right() {
        let said: Vec<String> = [
            "collections",
            "colections=down",
            "tallyfy=broken",
            "tallyfy=down:now",
            "tallyfy=slow",
            "tallyfy=status:200",
        ]
        .iter()
        .map(|text| Fault::switch(text).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
