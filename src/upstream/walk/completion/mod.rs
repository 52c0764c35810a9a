//! What is asked for each group, once the whole list of groups is there: its details, and its people.
//!
//! Groups that came twice are known by then, so that none is asked for twice, and a list that is read once more
//! because it changed costs no request here. Several groups are asked for at once; the transport paces them. What
//! a walk that fails has completed is kept for the next one. Before, who has which address is read, if that stands in a
//! list of its own.

mod addresses;

mod answers;

mod asking;

mod common_lists;

mod completed;
use completed::CompletedGroups;

mod counts;

mod group;
use group::{CommonLists, GroupCompletion};

mod markers_read;

mod memberships;
use memberships::read_memberships;

mod people;
mod people_read;
use people_read::PeopleDoubt;

mod users;
use users::UserLists;

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::error::UpstreamError;
use crate::observe::Event;
use crate::upstream::outer_values::OuterValues;

use super::context::WalkContext;
use super::known::PastWalks;
use super::outcome::Walked;

/// How many groups are completed before others have their turn on the thread.
const GROUPS_IN_A_ROW: u64 = 64;

/// How often the log says how far a walk is.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// The groups of a list with all that is asked for each of them, as far as it is not known of the `past`. So many of
/// them, the last ones, have not been listed, but are asked for again.
pub(super) async fn complete(
    context: WalkContext<'_>,
    (listed, again): (Walked, u64),
    origins: &[OuterValues],
    past: &PastWalks,
) -> Result<Walked, UpstreamError> {
    let adapter = context.adapter;
    let began = Instant::now();
    let full = adapter.related().full();
    let recollection = past.recollect(full);
    let is_full = recollection.is_full;
    let of = listed.groups.len() as u64;
    let users = match &adapter.related().users {
        Some(list) if of > 0 => Some(UserLists::read(context, list, origins).await?),
        _ => None,
    };
    let of_all = match &*adapter.related().memberships {
        lists if of > 0 => read_memberships(&context, lists, origins).await?,
        _ => Vec::new(),
    };
    let listed_pages = (listed.groups.pages(), origins);
    let common = CommonLists {
        users: users.as_ref(),
        people: &of_all,
    };
    let completion = GroupCompletion::new(context, &recollection, listed_pages, common);
    for people in &of_all {
        completion.counts.note_common(people.pages, people.counts);
    }
    let mut places = Vec::with_capacity(listed.groups.len());
    for (page, groups) in listed.groups.pages().iter().enumerate() {
        let rows = groups.rows().enumerate();
        let rows = rows.filter(|(_, row)| !row.is_repeated());
        places.extend(rows.map(|(row, _)| (page, row)));
    }
    let mut completed = CompletedGroups::new(context, &past.known, of - again);
    let groups = stream::iter(places).map(|(page, row)| completion.complete(page, row));
    let mut told = began;
    let mut groups = groups.buffered(adapter.limits().concurrency as usize);
    while let Some(group) = groups.try_next().await? {
        completed.add(group)?;
        let progress = completion
            .counts
            .progress(completed.done, of, completed.gone());
        context.observers.notify(&Event::GroupsCompleted(progress));
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            tracing::info!(
                source = %adapter.name(),
                done = progress.done,
                of,
                asked = progress.asked,
                reused = progress.reused,
                "walk under way"
            );
        }
        // Groups that are known are complete at once, and others wait for the thread.
        if completed.done.is_multiple_of(GROUPS_IN_A_ROW) {
            yield_now().await;
        }
    }
    drop(groups);
    completed.weigh_gone()?;
    let unknown = users.as_ref().map(|users| users.finish(adapter.name()));
    let unknown = unknown.transpose()?;
    of_all
        .iter()
        .try_for_each(|people| people.finish(&context))?;
    let differing = completion.counts.differing();
    let mut counts = listed.counts;
    if is_full && differing > 0 {
        counts.differing = differing;
        tracing::warn!(
            source = %adapter.name(),
            differing,
            groups = of,
            "groups had changed although reuse took them for unchanged"
        );
    }
    warn_of_people(&completion);
    let pages = completion.counts.pages() + users.as_ref().map_or(0, |users| users.pages);
    let longest = completion.counts.longest();
    counts += completion.counts.people();
    counts.unknown_people = unknown.unwrap_or_default();
    counts.drifted |= users.as_ref().is_some_and(|users| users.drifted);
    counts.gone = completed.gone();
    if counts.gone > 0 {
        tracing::warn!(
            source = %adapter.name(),
            gone = counts.gone,
            of,
            "groups are left out of the list because they are gone"
        );
    }
    let full_at = if is_full {
        full.map(|_| began)
    } else {
        recollection.full_at
    };
    let oldest = completed.oldest;
    let (groups, marks) = completed.finish(full_at, longest);
    Ok(Walked {
        groups: groups.into(),
        marks: Some(marks),
        oldest,
        counts,
        pages: listed.pages + pages,
        ..listed
    })
}

/// What looks wrong of the people of all groups, each once.
fn warn_of_people(completion: &GroupCompletion<'_>) {
    let source = &**completion.context.adapter.name();
    let miscounted = completion.counts.miscounted();
    if miscounted > 0 {
        tracing::warn!(
            source,
            miscounted,
            "groups have another number of members than their records say"
        );
    }
    // One group that has changed may lack what others have.
    let is_whole = !completion.context.adapter.is_of_changes();
    let unmarked = completion.counts.markers.missing().into_iter();
    for (list, groups) in unmarked.filter(|_| is_whole) {
        let list = <&str>::from(list);
        tracing::warn!(
            source,
            list,
            groups,
            "no group has what reuse goes by, so nothing is used again"
        );
    }
    // So may the people of a few groups.
    for (list, doubt) in completion.doubts().filter(|_| is_whole) {
        let list = <&str>::from(list);
        match doubt {
            PeopleDoubt::LeftOut(left_out) => {
                tracing::warn!(source, list, left_out, "records.only left out everybody");
            }
            PeopleDoubt::Lacking(field, people) => {
                tracing::warn!(
                    source,
                    list,
                    field,
                    people,
                    "nobody has a value for a field of people"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
