//! Passes on what happens in the lists that belong to that of groups, so that nobody takes it for news of that.

use std::sync::Arc;

use crate::observe::{Event, Observer, Observers};
use crate::plan::RelatedList;

/// Who is told of what happens in one of the related lists.
pub(super) fn of_related(observers: &Observers, list: RelatedList) -> Observers {
    passing(observers, Some(list))
}

/// Who is told of what happens in the list of groups of one partition: others are read meanwhile, so that
/// nothing follows of where it reads on, and its end is not that of the walk.
pub(super) fn of_part(observers: &Observers) -> Observers {
    passing(observers, None)
}

fn passing(observers: &Observers, list: Option<RelatedList>) -> Observers {
    if observers.is_empty() {
        return Observers::default();
    }
    Arc::new(RelatedObserver {
        list,
        observers: observers.clone(),
    })
    .into()
}

#[derive(Debug)]
struct RelatedObserver {
    list: Option<RelatedList>,
    observers: Observers,
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
            ) => self.observers.notify(&Event::OfRelated { list, event }),
            _ => self.observers.notify(event),
        }
    }
}
