//! The list that says who has which address.

use crate::config::upstream::Users;
use crate::plan::{self, ListReading, OneOrMany, RecordColumn};

use super::RelatedResolver;
use crate::config::resolve::fields;
use crate::config::resolve::outer_names::OuterNames;

impl RelatedResolver<'_> {
    pub(super) fn users(&mut self, users: &Users) -> Option<plan::Users> {
        let at = self.at.join("users");
        let list = self.upstream.with_list(
            &users.request,
            users.continuation.as_ref(),
            &users.records,
            &users.pagination,
        );
        let reading = self.reading(&at, &list, OuterNames::of_users(self.upstream));
        let fields_at = at.join("fields");
        let mut column = |key: &str, field: Option<&_>| {
            let Some(field) = field else {
                let message =
                    format!("`{key}` is missing: the list says which address belongs to which id");
                let help = "name both, as in `fields = { id = \"id\", email = \"email\" }`";
                self.push(fields_at.clone(), message, help);
                return None;
            };
            fields::column(&fields_at.join(key), field, &list, self.problems)
        };
        let id = column("id", users.fields.id.as_ref());
        let email = column("email", users.fields.email.as_ref());
        self.check_users();
        Some(plan::Users {
            list: ListReading {
                columns: vec![RecordColumn::Value(id?), RecordColumn::Value(email?)],
                ..reading?
            },
            unknown: users.unknown,
        })
    }

    /// Somebody has to be named by an id, and a group that has not changed keeps the addresses that it has.
    fn check_users(&mut self) {
        let upstream = self.upstream;
        let fields = &upstream.fields;
        let mapped = [&fields.members, &fields.admins, &fields.guests];
        let mut mapped = mapped.into_iter().flatten().flat_map(OneOrMany::as_slice);
        let has_id = mapped.any(|each| each.id.is_some())
            || (upstream.member_lists()).any(|(_, list)| list.fields.id.is_some());
        let at = self.at.join("users");
        if !has_id {
            let message = "no group has people with an id, whose address could be looked up";
            let help = "describe `members` with an `id`, or leave `users` out";
            self.push(at.clone(), message, help);
        }
        if upstream.incremental.is_some() {
            let message = "groups that have not changed are not read again, so their people would keep an address \
                           that has changed";
            self.push(at, message, "leave `users` or `incremental` out");
        }
    }
}
