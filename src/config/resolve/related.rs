//! The lists that belong to a list of groups: each is resolved like the list of an upstream of its own that
//! shares everything else.

mod memberships;
mod partitions;
mod users;

use crate::config::SecretReader;
use crate::config::upstream::related::default_full;
use crate::config::upstream::{Details, MemberList, Pagination, Records, Upstream};
use crate::plan::path::Anchor;
use crate::plan::{
    self, Format, List, ListReading, OuterValue, Part, Path, RecordColumn, RelatedList,
    RelatedLists, ReuseMarker, ReuseRule, Span, Start, TimeFormat,
};
use crate::problem::{KeyPath, Problem, Problems};

use super::outer_names::OuterNames;
use super::request::CommonHeaders;
use super::texts::texts;
use super::written_upstream::WrittenUpstream;
use super::{fields, pagination, placeholders, records, request};

/// Resolves the lists that belong to the list of groups of an upstream whose requests have these headers in `common`.
/// Those in which a key is unread are checked as far as that goes.
pub(super) fn related(
    written: WrittenUpstream<'_>,
    common: &CommonHeaders,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<RelatedLists> {
    let WrittenUpstream {
        name,
        upstream,
        unread,
        ..
    } = written;
    let mut resolver = RelatedResolver {
        at: &KeyPath::new(["upstreams", name]),
        upstream,
        unread,
        common,
        secrets,
        problems,
    };
    let partitions =
        (upstream.partitions.as_ref()).map(|partitions| resolver.partitions(partitions));
    let details = (upstream.details.as_ref()).map(|details| resolver.details(details));
    let users = (upstream.users.as_ref()).map(|users| resolver.users(users));
    let (mut people, mut memberships) = (Vec::new(), Vec::new());
    for (role, list) in upstream.member_lists() {
        match &list.fields.group {
            None => people.push(resolver.member_list(role, list)),
            Some(group) => memberships.push(resolver.memberships(role, list, group)),
        }
    }
    resolver.check_together();
    let mut people: Vec<_> = people.into_iter().collect::<Option<_>>()?;
    let mut memberships: Vec<_> = memberships.into_iter().collect::<Option<_>>()?;
    plan::Memberships::share_requests(&mut memberships);
    plan::MemberList::share_requests(&mut people);
    let partitions = partitions.map_or(Some(None), |partitions| partitions.map(Some))?;
    let details = details.map_or(Some(None), |details| details.map(Some))?;
    let users = users.map_or(Some(None), |users| users.map(Some))?;
    let record_paths = record_paths(&people, details.as_ref());
    Some(RelatedLists {
        partitions,
        details,
        people,
        memberships,
        users: users.map(Box::new),
        record_paths,
    })
}

/// The paths in the record of a group that requests name or `reuse` goes by, each once.
fn record_paths(people: &[plan::MemberList], details: Option<&plan::Details>) -> Vec<Path> {
    let people = people.iter().map(|list| (&list.list, &list.reuse));
    let lists = people.chain(details.map(|details| (&details.list, &details.reuse)));
    let paths = lists.flat_map(|(list, reuse)| {
        let named = list.outer.iter().filter_map(|value| match value {
            OuterValue::Record(path) => Some(path),
            OuterValue::Partition(_) | OuterValue::Group(_) | OuterValue::Since => None,
        });
        named.chain(reuse.as_ref().and_then(|rule| rule.while_same.path()))
    });
    let mut own: Vec<Path> = Vec::new();
    for path in paths {
        if !own.contains(path) {
            own.push(path.clone());
        }
    }
    own
}

/// What is read of the record of each group besides the group.
pub(super) fn beside(related: &RelatedLists) -> Vec<RecordColumn> {
    let paths = related.record_paths.iter().map(|path| {
        RecordColumn::Value(plan::Field(vec![plan::Source {
            start: Start::Part(Part::At(path.clone())),
            conversions: None,
            format: TimeFormat::default(),
        }]))
    });
    let record = related.details.as_ref().map(|_| RecordColumn::Record);
    paths.chain(record).collect()
}

const fn is_of_partition(value: &OuterValue) -> bool {
    matches!(value, OuterValue::Partition(_))
}

struct RelatedResolver<'a> {
    at: &'a KeyPath,
    upstream: &'a Upstream,
    unread: &'a [KeyPath],
    common: &'a CommonHeaders,
    secrets: &'a SecretReader<'a>,
    problems: &'a mut Problems,
}

impl RelatedResolver<'_> {
    fn details(&mut self, details: &Details) -> Option<plan::Details> {
        let at = self.at.join("details");
        let record = details.record.clone();
        let whole = "/".parse::<Path>().ok()?;
        let records = Records::Path(record.unwrap_or(whole));
        let pagination = Pagination::default();
        let list = self
            .upstream
            .with_list(&details.request, None, &records, &pagination);
        let reading = self.reading(&at, &list, OuterNames::of_group(self.upstream));
        self.check_details(&at);
        let reuse = self.reuse(&at, details.reuse.as_ref(), details.full);
        Some(plan::Details {
            list: ListReading {
                columns: vec![RecordColumn::Record],
                ..reading?
            },
            reuse,
            gone: details.gone,
        })
    }

    /// What a record that is put together of two no longer says.
    fn check_details(&mut self, at: &KeyPath) {
        let upstream = self.upstream;
        if upstream.format == Format::Xml {
            let message = "details can only be laid over records in JSON";
            self.push(at.clone(), message, "leave `details` out");
        }
        if upstream.records.keyed() || upstream.records.children().is_some() {
            let message = "details cannot be laid over records that are keyed or contain others";
            self.push(
                at.clone(),
                message,
                "leave `details` out, or `records.keyed` and `records.children`",
            );
        }
    }

    fn member_list(&mut self, role: RelatedList, list: &MemberList) -> Option<plan::MemberList> {
        let key: &str = role.into();
        let at = self.at.join(key);
        let own = self.list_of(list);
        let reading = self.reading(&at, &own, OuterNames::of_group(self.upstream));
        let columns = self.person(&at, list, &own);
        let reuse = self.reuse(&at, list.reuse.as_ref(), list.full);
        Some(plan::MemberList {
            role,
            brought_by: role,
            list: ListReading {
                columns: columns?,
                ..reading?
            },
            reuse,
            gone: list.gone,
        })
    }

    /// The upstream of its own whose list one of people would be.
    fn list_of(&self, list: &MemberList) -> Upstream {
        self.upstream.with_list(
            &list.request,
            list.continuation.as_ref(),
            &list.records,
            &list.pagination,
        )
    }

    /// What says who an item of a list of people is: its id and its email address.
    fn person(
        &mut self,
        at: &KeyPath,
        list: &MemberList,
        own: &Upstream,
    ) -> Option<Vec<RecordColumn>> {
        let at = at.join("fields");
        if list.fields.id.is_none() && list.fields.email.is_none() {
            let message = "neither `id` nor `email` says who an item is";
            let help = "`id = \".\"` takes the item itself, `id = \"name\"` a part of it";
            self.push(at.clone(), message, help);
        }
        let mut column = |key: &str, field: Option<&_>| match field {
            Some(field) => fields::column(&at.join(key), field, own, self.problems),
            None => Some(plan::Field(Vec::new())),
        };
        let id = column("id", list.fields.id.as_ref());
        let email = column("email", list.fields.email.as_ref());
        Some(vec![RecordColumn::Value(id?), RecordColumn::Value(email?)])
    }

    /// How one list is asked for and paged. `list` is the upstream whose list it would be.
    fn reading(
        &mut self,
        at: &KeyPath,
        list: &Upstream,
        names: OuterNames<'_>,
    ) -> Option<ListReading> {
        let links = pagination::link_rules(self.upstream);
        let requests =
            request::requests(list, &links, at, self.common, self.secrets, self.problems);
        let paging = pagination::paging(at, list, self.problems);
        let records = records::records(
            &at.join("records"),
            &list.records,
            list.format,
            self.problems,
        );
        if list.format.is_table() {
            // A message in place of a table is known by the columns of groups alone.
            let message = "beside a table of groups there can be no other lists";
            self.push(at.clone(), message, "leave it out");
        }
        if records.children.is_some() {
            let message = "only groups can contain others of their kind";
            self.push(at.join("records").join("children"), message, "leave it out");
        }
        if !self.unread.iter().any(|unread| unread.is_within(at)) {
            request::check_bodies(at, list, self.problems);
            placeholders::check(at, list, names, self.problems);
            pagination::check(at, list, names, self.problems);
        }
        let requests = requests?;
        if names.is_of_group() && requests.outer_values().iter().all(is_of_partition) {
            let message = "no placeholder of the group stands in the request, so it would be the same for every group";
            let help = "write `{group.id}` where it names the group; where one list has the people of all groups, \
                        `fields.group` says in which one each is";
            self.push(at.join("request"), message, help);
        }
        Some(ListReading {
            outer: requests.outer_values(),
            requests,
            paging,
            records,
            columns: Vec::new(),
        })
    }

    fn reuse(
        &mut self,
        at: &KeyPath,
        reuse: Option<&ReuseMarker>,
        full: Option<Span>,
    ) -> Option<ReuseRule> {
        let at_reuse = at.join("reuse");
        // What stands in for a value that cannot be read says nothing.
        let is_unread = (self.unread.iter()).any(|unread| unread.is_within(&at_reuse));
        let Some(while_same) = reuse else {
            if full.is_some() && !is_unread {
                let message =
                    "every walk asks for all of them: nothing is used again without `reuse`";
                self.push(at.join("full"), message, "add `reuse`, or leave `full` out");
            }
            return None;
        };
        let wrong = match while_same {
            ReuseMarker::UpdatedAt if self.upstream.fields.updated_at.is_none() => Some((
                "`reuse` goes by `fields.updated_at`, which is not mapped",
                "map it, or leave `reuse` out",
            )),
            ReuseMarker::Path(path) if path.anchor() == Anchor::Page => Some((
                "the path leads from the page, and each group needs a value of its own",
                "leave out the slash at its beginning: it is a path in the record of a group",
            )),
            ReuseMarker::UpdatedAt | ReuseMarker::Etag | ReuseMarker::Path(_) => None,
        };
        if let Some((message, help)) = wrong.filter(|_| !is_unread) {
            self.push(at_reuse, message, help);
        }
        Some(ReuseRule {
            while_same: while_same.clone(),
            full: full.unwrap_or_else(default_full),
        })
    }

    /// Checks what the lists say together with the rest of the block.
    fn check_together(&mut self) {
        let upstream = self.upstream;
        let has_any = upstream.partitions.is_some()
            || upstream.details.is_some()
            || upstream.users.is_some()
            || upstream.member_lists().next().is_some();
        if has_any && upstream.list == List::ByQuery {
            let message = "an upstream with partitions, details, users or lists of people cannot be asked by query";
            self.push(
                self.at.join("list"),
                message,
                "leave it out: the whole list answers queries",
            );
        }
        let mapped = [
            (RelatedList::Members, &upstream.fields.members),
            (RelatedList::Admins, &upstream.fields.admins),
            (RelatedList::Guests, &upstream.fields.guests),
        ];
        if let Some(partitions) = &upstream.partitions {
            let requests = [Some(&upstream.request), upstream.continuation.as_ref()];
            let mut texts = requests
                .into_iter()
                .flatten()
                .flat_map(|request| texts(self.at, request));
            if !texts.any(|(_, text)| text.contains("{partition.")) {
                let name = partitions
                    .values
                    .keys()
                    .next()
                    .map_or("org", String::as_str);
                let message = "no value of the partitions stands in `request`, so each would bring the same list";
                let help =
                    format!("write `{{partition.{name}}}` where the request names the partition");
                self.push(self.at.join("partitions"), message, &help);
            }
        }
        for (role, _) in upstream.member_lists() {
            let is_mapped = mapped
                .iter()
                .any(|(own, field)| *own == role && field.is_some());
            if is_mapped {
                let key: &str = role.into();
                let message =
                    format!("`{key}` are read from a list of their own, and from each record");
                let help = format!("keep one of `[{key}]` and `fields.{key}`");
                self.push(self.at.join("fields").join(key), message, &help);
            }
        }
    }

    fn push(&mut self, at: KeyPath, message: impl Into<String>, help: &str) {
        self.problems
            .push(Problem::new(at, message).with_help(help));
    }
}
