//! Passes on what happens in the lists that belong to that of groups, so that nobody takes it for news of that.

use std::sync::Arc;

use crate::observe::{Event, Observer, Observers, WalkPart};
use crate::plan::RelatedList;

/// Who is told of what happens in one of the related lists.
pub(super) fn of_related(observers: &Observers, list: RelatedList) -> Observers {
    let observers = observers.each();
    observers
        .map(|observer| passing(observer, Some(list)))
        .collect()
}

/// Who is told of what happens in the list that this part is; `None` where those are whom [`of_related`] says.
pub(super) fn of_list(
    observers: &Observers,
    list: RelatedList,
    part: WalkPart<'_>,
) -> Option<Observers> {
    let own = observers
        .each()
        .map(|observer| (observer, observer.within(part)));
    let own: Vec<_> = own.collect();
    if own.iter().all(|(_, own)| own.is_none()) {
        return None;
    }
    let own = own.into_iter();
    let own = own.map(|(all, own)| passing(own.as_ref().unwrap_or(all), Some(list)));
    Some(own.collect())
}

/// Who is told of what happens in the list of groups of one partition. Others are read meanwhile, so that for whoever
/// does not keep them apart nothing follows of where it reads on, and its end is not that of the walk.
pub(super) fn of_part(observers: &Observers, part: WalkPart<'_>) -> Observers {
    let observers = observers.each();
    let own = observers.map(|all| all.within(part).unwrap_or_else(|| passing(all, None)));
    own.collect()
}

fn passing(observer: &Arc<dyn Observer>, list: Option<RelatedList>) -> Arc<dyn Observer> {
    Arc::new(RelatedObserver {
        list,
        observer: Arc::clone(observer),
    })
}

#[derive(Debug)]
struct RelatedObserver {
    list: Option<RelatedList>,
    observer: Arc<dyn Observer>,
}

impl Observer for RelatedObserver {
    fn observe(&self, event: &Event<'_>) {
        match (event, self.list) {
            (
                Event::NextDecided { .. } | Event::Repeated { .. } | Event::WalkEnded { .. },
                None,
            ) => {}
            (
                Event::PageRead(_)
                | Event::PageFailed { .. }
                | Event::NextDecided { .. }
                | Event::Repeated { .. }
                | Event::RecordsCounted(_)
                | Event::WalkRestarted(_)
                | Event::WalkEnded { .. },
                Some(list),
            ) => self.observer.observe(&Event::OfRelated { list, event }),
            _ => self.observer.observe(event),
        }
    }
}
