//! Asks every selected source at once. What comes of each is data: nothing here fails.

use futures_util::future::join_all;

use crate::caller::{NotVisible, VisibleSources};
use crate::catalog::{SourceEntry, SourceLookup};

use super::filter::Filter;
use super::listing::SourceReport;

/// The `sources` that `filter` needs, of those that are `visible`, in their order.
pub(super) fn selected<'a>(
    filter: &Filter,
    visible: &VisibleSources,
    sources: &'a [SourceEntry],
) -> Vec<&'a SourceEntry> {
    let mut selected: Vec<_> = sources.iter().collect();
    selected.retain(|source| visible.allows(&source.name) && filter.admits_source(&source.name));
    selected
}

/// What each of `sources` holds, in the same order, whichever was faster. One that cannot be asked
/// has failed: it was selected, so the answer is incomplete without it.
pub(super) async fn fan_out<'a, Asked>(
    sources: Vec<&'a SourceEntry>,
    ask: impl Fn(&'a SourceEntry) -> Asked,
) -> Vec<SourceReport>
where
    Asked: Future<Output = Result<SourceLookup, NotVisible>>,
{
    let outcomes = join_all(sources.iter().map(|source| ask(source))).await;
    let outcomes = sources.into_iter().zip(outcomes);
    outcomes
        .map(|(source, outcome)| SourceReport::of(source, outcome))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::catalog::SourceState;
    use crate::error::ErrorKind;
    use crate::gateway::tests::{failed, fresh, source};

    fn names(filter: &Filter, visible: &VisibleSources) -> Vec<String> {
        let sources = ["a", "b", "c"].map(source);
        let selected = selected(filter, visible, &sources);
        let names = selected.iter().map(|source| source.name.to_string());
        names.collect()
    }

    #[test]
    fn every_source_is_selected_unless_the_filter_says_otherwise() {
        let all = names(&Filter::default(), &VisibleSources::All);
        assert_eq!(all, ["a", "b", "c"]);
    }

    #[test]
    fn a_source_that_is_not_visible_is_never_asked() {
        let visible = VisibleSources::only(["a", "c", "x"]);
        assert_eq!(names(&Filter::default(), &visible), ["a", "c"]);
        let named = Filter {
            ids: Some(["b:1".to_owned()].into()),
            ..Filter::default()
        };
        assert!(names(&named, &visible).is_empty());
    }

    #[test]
    fn sources_and_ids_narrow_the_selection_together() {
        let filter = Filter {
            sources: Some(["b".to_owned(), "c".to_owned()].into()),
            ids: Some(["a:1".to_owned(), "b:1".to_owned(), "x:1".to_owned()].into()),
            ..Filter::default()
        };
        assert_eq!(names(&filter, &VisibleSources::All), ["b"]);
    }

    #[test]
    fn ids_of_unknown_sources_select_nothing() {
        let filter = Filter {
            ids: Some(["x:1".to_owned()].into()),
            ..Filter::default()
        };
        assert!(names(&filter, &VisibleSources::All).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn sources_are_asked_at_once_and_reported_in_order_whoever_is_faster() {
        let begun = Instant::now();
        let sources = ["a", "b", "c"].map(source);
        let reports = fan_out(sources.iter().collect(), async |source| {
            let seconds = if &*source.name == "a" { 3 } else { 1 };
            sleep(Duration::from_secs(seconds)).await;
            Ok(fresh(&source.name, Vec::new()).held)
        })
        .await;
        let order: Vec<_> = reports.iter().map(|report| &*report.held.source).collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn a_source_that_fails_or_cannot_be_asked_is_reported_and_takes_no_other_with_it() {
        let sources = ["a", "b", "c"].map(source);
        let reports = fan_out(sources.iter().collect(), async |source| {
            match &*source.name {
                "a" => Ok(failed("a", ErrorKind::Decode).held),
                "b" => Err(NotVisible),
                _ => Ok(fresh(&source.name, Vec::new()).held),
            }
        })
        .await;
        let states: Vec<_> = reports
            .iter()
            .map(|report| (&*report.held.source, report.held.state, report.failure()))
            .collect();
        assert_eq!(
            states,
            [
                ("a", SourceState::Failed, Some(ErrorKind::Decode)),
                ("b", SourceState::Failed, Some(ErrorKind::Unauthorized)),
                ("c", SourceState::Fresh, None),
            ]
        );
    }
}
