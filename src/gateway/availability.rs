//! Whether enough sources are available for an answer, and what kind of failure it is if not.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::catalog::SourceState;
use crate::error::ErrorKind;

use super::listing::SourceReport;
use super::missing_sources::MissingSources;

/// When a caller may ask again where nothing better is known.
const RETRY: Duration = Duration::from_secs(1);

/// What an answer needs before it is given.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// How many sources must contribute, capped at how many were asked.
    pub min_sources: usize,
    /// Whether the answer must be complete (`Prefer: handling=strict`).
    pub strict: bool,
}

/// The need that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unmet {
    /// A required source is unavailable.
    #[error("the required source `{0}` is unavailable")]
    Required(Arc<str>),
    /// Too few sources are available.
    #[error("{contributed} of {asked} sources are available, but {needed} are required")]
    Sources {
        /// How many contributed.
        contributed: usize,
        /// How many were asked.
        asked: usize,
        /// How many had to contribute.
        needed: usize,
    },
    /// The answer would be incomplete, which the caller does not accept.
    #[error("the list would be incomplete, and the request asks for strict handling")]
    Completeness,
}

/// Checks that an answer may be given, from what the asked sources gave now and from what was
/// `missing` from the sequence up to now. Sources that were not asked are not in `reports` and do not
/// count.
pub fn check(
    reports: &[SourceReport],
    missing: &MissingSources,
    needs: Needs,
) -> Result<(), Unmet> {
    let absent = |report: &&SourceReport| report.held.required && !report.contributed();
    if let Some(report) = reports.iter().find(absent) {
        return Err(Unmet::Required(Arc::clone(&report.held.source)));
    }
    let asked = reports.len();
    let contributed = reports.iter().filter(|report| report.contributed()).count();
    let needed = needs.min_sources.min(asked);
    if contributed < needed {
        return Err(Unmet::Sources {
            contributed,
            asked,
            needed,
        });
    }
    if needs.strict && !missing.is_empty() {
        return Err(Unmet::Completeness);
    }
    Ok(())
}

/// What kind of failure keeps an answer from being given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// All that failed ran out of time: a gateway timeout, 504.
    TimedOut,
    /// All that failed is a matter of waiting: unavailable, 503.
    Waiting,
    /// Anything else, also the two together: a bad gateway, 502.
    Failed,
}

impl FailureClass {
    /// What all failures among `reports` are.
    pub fn of(reports: &[SourceReport]) -> Self {
        let mut classes = reports.iter().filter_map(Self::of_one);
        let first = classes.next().unwrap_or(Self::Failed);
        if classes.all(|class| class == first) {
            first
        } else {
            Self::Failed
        }
    }

    fn of_one(report: &SourceReport) -> Option<Self> {
        if report.held.state == SourceState::Pending {
            return Some(Self::Waiting);
        }
        report.failure().or(report.missed).map(Self::from)
    }
}

impl From<ErrorKind> for FailureClass {
    fn from(kind: ErrorKind) -> Self {
        if kind == ErrorKind::Timeout {
            return Self::TimedOut;
        }
        if kind.is_wait() {
            return Self::Waiting;
        }
        Self::Failed
    }
}

/// When the failed sources among `reports` may be back: the longest wait that one of them asks for,
/// because until then something is missing.
pub fn retry_after(reports: &[SourceReport]) -> Option<Duration> {
    reports
        .iter()
        .filter(|report| !report.contributed())
        .filter_map(|report| report.held.error.as_ref()?.retry_after)
        .max()
        .or_else(|| (FailureClass::of(reports) == FailureClass::Waiting).then_some(RETRY))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::tests::{failed, fresh, pending};

    const LENIENT: Needs = Needs {
        min_sources: 1,
        strict: false,
    };

    fn required(mut report: SourceReport) -> SourceReport {
        report.held.required = true;
        report
    }

    /// The check on the first page of a sequence.
    fn first(reports: &[SourceReport], needs: Needs) -> Result<(), Unmet> {
        let mut missing = MissingSources::default();
        for report in reports {
            if let Some(kind) = report.failure() {
                missing.note(&report.held.source, kind);
            }
        }
        check(reports, &missing, needs)
    }

    #[test]
    fn some_sources_are_enough_unless_one_that_failed_is_required() {
        let optional = [fresh("a", vec![]), failed("b", ErrorKind::Dns)];
        assert_eq!(first(&optional, LENIENT), Ok(()));
        let reports = [fresh("a", vec![]), required(failed("b", ErrorKind::Dns))];
        assert_eq!(first(&reports, LENIENT), Err(Unmet::Required("b".into())));
    }

    #[test]
    fn a_required_source_that_was_not_asked_does_not_count() {
        assert_eq!(first(&[fresh("a", vec![])], LENIENT), Ok(()));
    }

    #[test]
    fn min_sources_is_capped_at_the_sources_asked() {
        let needs = Needs {
            min_sources: 2,
            strict: false,
        };
        assert_eq!(first(&[fresh("a", vec![])], needs), Ok(()));
        assert_eq!(first(&[], needs), Ok(()));
        let reports = [fresh("a", vec![]), pending("b"), pending("c")];
        assert_eq!(
            first(&reports, needs).unwrap_err().to_string(),
            "1 of 3 sources are available, but 2 are required"
        );
    }

    #[test]
    fn no_source_at_all_is_no_answer() {
        assert!(first(&[pending("a")], LENIENT).is_err());
    }

    #[test]
    fn strict_handling_also_refuses_what_an_earlier_page_missing() {
        let strict = Needs {
            min_sources: 1,
            strict: true,
        };
        let reports = [fresh("a", vec![]), fresh("b", vec![])];
        assert_eq!(first(&reports, strict), Ok(()));
        let mut missing = MissingSources::default();
        missing.note("b", ErrorKind::Connect);
        assert_eq!(check(&reports, &missing, strict), Err(Unmet::Completeness));
        assert_eq!(check(&reports, &missing, LENIENT), Ok(()));
    }

    #[test]
    fn failures_of_different_kinds_are_neither_a_timeout_nor_a_matter_of_waiting() {
        let timeout = || failed("a", ErrorKind::Timeout);
        let limited = || failed("b", ErrorKind::RateLimited);
        for (reports, class) in [
            (
                vec![timeout(), timeout(), fresh("c", vec![])],
                FailureClass::TimedOut,
            ),
            (vec![pending("a"), limited()], FailureClass::Waiting),
            (
                vec![failed("a", ErrorKind::CircuitOpen)],
                FailureClass::Waiting,
            ),
            (vec![timeout(), pending("b")], FailureClass::Failed),
            (vec![timeout(), limited()], FailureClass::Failed),
            (
                vec![timeout(), failed("c", ErrorKind::Tls)],
                FailureClass::Failed,
            ),
            (
                vec![limited(), failed("c", ErrorKind::Tls)],
                FailureClass::Failed,
            ),
            (
                vec![failed("c", ErrorKind::HttpStatus)],
                FailureClass::Failed,
            ),
        ] {
            assert_eq!(FailureClass::of(&reports), class, "{reports:?}");
        }
    }

    #[test]
    fn the_longest_wait_is_the_one_to_wait_for() {
        let waiting = |seconds| {
            let mut report = failed("a", ErrorKind::RateLimited);
            let wait = Some(Duration::from_secs(seconds));
            let error = crate::error::UpstreamError::new(ErrorKind::RateLimited, "slow down");
            report.held.error = Some(error.with_retry_after(wait).into());
            report
        };
        let reports = [waiting(3), waiting(9), pending("b")];
        assert_eq!(retry_after(&reports), Some(Duration::from_secs(9)));
        assert_eq!(retry_after(&[pending("b")]), Some(RETRY));
        assert_eq!(retry_after(&[failed("c", ErrorKind::Tls)]), None);
    }

    fn reports() -> impl Strategy<Value = Vec<SourceReport>> {
        let report = (0..4_u8, any::<bool>()).prop_map(|(state, required)| {
            let mut report = match state {
                0 => pending("x"),
                1 => failed("x", ErrorKind::Decode),
                _ => fresh("x", vec![]),
            };
            report.held.required = required;
            report
        });
        prop::collection::vec(report, 0..6).prop_map(|mut reports| {
            for (number, report) in reports.iter_mut().enumerate() {
                report.held.source = number.to_string().into();
            }
            reports
        })
    }

    proptest! {
        #[test]
        fn an_answer_is_given_exactly_when_the_contract_says_so(
            reports in reports(),
            min_sources in 0..8_usize,
            strict in any::<bool>(),
        ) {
            let contributed = reports.iter().filter(|report| report.contributed()).count();
            let enough = contributed >= min_sources.min(reports.len());
            let required = reports.iter().all(|report| report.contributed() || !report.held.required);
            let complete = contributed == reports.len();
            let given = first(&reports, Needs { min_sources, strict }).is_ok();
            prop_assert_eq!(given, enough && required && (complete || !strict));
        }
    }
}
