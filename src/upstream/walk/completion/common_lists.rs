//! Lists that are read once for all groups, or once for each of the partitions that their requests tell apart.

use std::collections::HashSet;

use futures_util::future::{BoxFuture, TryFutureExt as _};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::error::UpstreamError;
use crate::group::ReadText;
use crate::observe::WalkPart;
use crate::plan::{ListReading, RelatedList};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::list::read_list;
use crate::upstream::walk::outcome::Walked;
use crate::upstream::walk::related_observer::{of_list, of_related};

/// The values of a partition that the requests for a list name.
pub(super) type Around = Box<[Option<ReadText>]>;

/// One list, as it was read.
pub(super) struct CommonList {
    pub(super) around: Around,
    pub(super) walked: Walked,
    /// The values of its partition, as messages show them.
    pub(super) partition: String,
}

/// The values of a partition that the requests for a list name.
pub(super) fn around_of(list: &ListReading, outer: &OuterValues) -> Around {
    let names = list.outer.iter();
    names.map(|name| outer.get(name).cloned()).collect()
}

/// Reads a list, and from its pages others that they bring, once for each of the partitions around the groups that its
/// requests tell apart, and makes of each what is wanted of it. That may wait for memory, for the others are read
/// meanwhile; whoever takes what the stream brings must not.
pub(super) fn read_common<'f, T, M>(
    context: &'f WalkContext<'f>,
    lists: &'f [RelatedList],
    list: &ListReading,
    origins: &[OuterValues],
    make: impl Fn(CommonList) -> M + Copy + Send + 'f,
) -> BoxStream<'f, Result<T, UpstreamError>>
where
    M: Future<Output = Result<T, UpstreamError>> + Send + 'f,
    T: Send + 'f,
{
    let mut seen = HashSet::new();
    let parts = origins.iter();
    let parts = parts.map(|outer| (around_of(list, outer), outer.clone()));
    let parts: Vec<_> = parts
        .filter(|(around, _)| seen.insert(around.clone()))
        .collect();
    let read = stream::iter(parts).map(move |part| read_one(context, lists, part).and_then(make));
    let at_once = context.adapter.limits().concurrency as usize;
    Box::pin(read.buffered(at_once))
}

fn read_one<'f>(
    context: &'f WalkContext<'f>,
    lists: &'f [RelatedList],
    (around, outer): (Around, OuterValues),
) -> BoxFuture<'f, Result<CommonList, UpstreamError>> {
    Box::pin(async move {
        let list = context.adapter.reading(lists, outer, None);
        let [which, brings @ ..] = lists else {
            return Err(UpstreamError::ours("no list is to be read"));
        };
        let which = *which;
        let partition = around.iter().flatten().map(|value| &*value.text);
        let partition = partition.collect::<Vec<_>>().join(", ");
        let part = WalkPart::Common {
            list: which,
            partition: &partition,
            brings,
        };
        let own = of_list(context.observers, which, part);
        let observers = own.unwrap_or_else(|| of_related(context.observers, which));
        let read = read_list(&list, &observers, context.deadline, context.budget).await;
        let walked = read.map_err(|error| error.within(part))?;
        Ok(CommonList {
            around,
            walked,
            partition,
        })
    })
}
