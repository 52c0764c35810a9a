//! What the log says of a list that is longer than was announced.

use crate::page::ended_by::EndedBy;
use crate::upstream::walk::account::surplus;

use super::Tally;

impl Tally<'_> {
    /// Says in the log that more came than was announced. Of lists for each group there are too many.
    pub(super) fn tell_surplus(&self, ended_by: EndedBy) {
        let adapter = self.adapter;
        let is_of_one =
            (adapter.related).is_some_and(|list| adapter.related().is_of_each_group(list));
        let Some(surplus) = surplus(&self.evidence(ended_by)).filter(|_| !is_of_one) else {
            return;
        };
        let list: &str = adapter.related.map_or("groups", Into::into);
        tracing::warn!(
            source = %adapter.name(),
            list,
            total = surplus.at,
            announced = surplus.announced,
            received = surplus.received,
            "more came than was announced"
        );
    }
}
