//! Asks every selected source at once. What comes of each is data: nothing here fails.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::catalog::{Source, SourceLookup};

use super::filter::Filter;
use super::listing::SourceReport;

/// The sources that `filter` cannot do without, in the order of `sources`.
pub(super) fn selected(filter: &Filter, sources: &[Source]) -> Vec<Arc<str>> {
    sources
        .iter()
        .filter(|source| filter.admits_source(&source.name))
        .map(|source| Arc::clone(&source.name))
        .collect()
}

/// What each of `sources` holds, in the same order, whichever was faster. One that is gone by now
/// was not asked.
pub(super) async fn fan_out<Asked>(
    sources: Vec<Arc<str>>,
    ask: impl Fn(Arc<str>) -> Asked,
) -> Vec<SourceReport>
where
    Asked: Future<Output = Option<SourceLookup>>,
{
    join_all(sources.into_iter().map(ask))
        .await
        .into_iter()
        .flatten()
        .map(SourceReport::new)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::error::ErrorKind;
    use crate::gateway::tests::{failed, fresh};

    fn source(name: &str) -> Source {
        Source {
            name: name.into(),
            required: false,
        }
    }

    fn names(filter: &Filter) -> Vec<Arc<str>> {
        selected(filter, &["a", "b", "c"].map(source))
    }

    #[test]
    fn every_source_is_selected_unless_the_filter_says_otherwise() {
        assert_eq!(
            names(&Filter::default()),
            ["a", "b", "c"].map(Arc::<str>::from)
        );
    }

    #[test]
    fn sources_and_ids_narrow_the_selection_together() {
        let filter = Filter {
            sources: Some(["b".to_owned(), "c".to_owned()].into()),
            ids: Some(["a:1".to_owned(), "b:1".to_owned(), "x:1".to_owned()].into()),
            ..Filter::default()
        };
        assert_eq!(names(&filter), ["b".into()]);
    }

    #[test]
    fn ids_of_unknown_sources_select_nothing() {
        let filter = Filter {
            ids: Some(["x:1".to_owned()].into()),
            ..Filter::default()
        };
        assert!(names(&filter).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn sources_are_asked_at_once_and_reported_in_order_whoever_is_faster() {
        let begun = Instant::now();
        let sources = vec!["a".into(), "b".into(), "c".into()];
        let reports = fan_out(sources, async |name: Arc<str>| {
            let seconds = if &*name == "a" { 3 } else { 1 };
            sleep(Duration::from_secs(seconds)).await;
            Some(fresh(&name, Vec::new()).held)
        })
        .await;
        let order: Vec<_> = reports.iter().map(|report| &*report.held.source).collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn a_source_that_fails_or_is_gone_takes_no_other_with_it() {
        let sources = vec!["a".into(), "b".into(), "c".into()];
        let reports = fan_out(sources, async |name: Arc<str>| match &*name {
            "a" => Some(failed("a", ErrorKind::Decode).held),
            "b" => None,
            _ => Some(fresh(&name, Vec::new()).held),
        })
        .await;
        let contributed: Vec<_> = reports
            .iter()
            .map(|report| (&*report.held.source, report.contributed()))
            .collect();
        assert_eq!(contributed, [("a", false), ("c", true)]);
    }
}
