//! What callers ask, and what must come of it.

use http::Request;
use http::request::Builder;

use super::lists::mark;
use super::{CALLERS, Dice, GROUPS, Run, SOURCES};
use crate::caller::HideableField;

/// A request, and what must come of it.
pub(super) struct Probe {
    pub(super) request: Builder,
    /// What it says itself, which may come back.
    pub(super) says: String,
    pub(super) expected: Expected,
}

#[derive(Debug, PartialEq)]
pub(super) enum Expected {
    Status(u16),
    /// A page of so many groups in all.
    Total(usize),
    /// The same tag does not stand for what another sees.
    NotUnchanged,
    /// What was there before, or another answer.
    AnyOf(&'static [u16]),
}

/// The addresses that are asked for again and again.
pub(super) const HOT: [&str; 3] = [
    "/groups",
    "/groups?limit=2",
    "/groups?sort=-name&limit=20&fields=name,email,members",
];

impl Run {
    fn sees(&self, caller: usize) -> Vec<&'static str> {
        let visible = &self.caller(caller).visible;
        let seen = SOURCES.iter().copied();
        seen.filter(|source| visible.allows(source)).collect()
    }

    fn hides(&self, caller: usize, source: &str, field: HideableField) -> bool {
        let hidden = self.caller(caller).visible.hidden_of(source);
        hidden.is_some_and(|hidden| hidden.contains(field))
    }

    fn is_hidden_anywhere(&self, caller: usize, fields: &[HideableField]) -> bool {
        let mut seen = self.sees(caller).into_iter();
        seen.any(|source| {
            fields
                .iter()
                .any(|field| self.hides(caller, source, *field))
        })
    }

    /// Something to ask as a caller.
    pub(super) fn probe(&self, dice: &mut Dice, caller: usize) -> Probe {
        use HideableField as Field;
        let seen = self.sees(caller);
        let all = seen.len() * GROUPS;
        let get = |address: &str| Request::get(address).header("host", "here");
        let of = |address: String, expected| Probe {
            request: get(&address),
            says: address,
            expected,
        };
        let source = *dice.pick(&SOURCES);
        let is_seen = seen.contains(&source);
        match dice.roll(53) {
            0..=39 => of((*dice.pick(&HOT)).to_owned(), Expected::Total(all)),
            40 => {
                let format = dice.pick(&["application/xml", "application/x-ndjson", "text/csv"]);
                let probe = of("/groups?deleted=include".to_owned(), Expected::Status(200));
                Probe {
                    request: probe.request.header("accept", *format),
                    ..probe
                }
            }
            41 => {
                let status = if is_seen { 200 } else { 404 };
                let id = 1 + dice.roll(GROUPS);
                of(format!("/groups/{source}:{id}"), Expected::Status(status))
            }
            42 => {
                let is_found = is_seen && !self.hides(caller, source, Field::Description);
                let found = if is_found { GROUPS } else { 0 };
                let search = mark(source, "description");
                of(format!("/groups?search={search}"), Expected::Total(found))
            }
            43 => {
                let found = if is_seen { GROUPS } else { 0 };
                of(
                    format!("/groups?search={}", mark(source, "name")),
                    Expected::Total(found),
                )
            }
            44 => {
                let people = [Field::Members, Field::Admins, Field::Guests];
                let (list, expected) = (
                    *dice.pick(&["members", "admins", "guests"]),
                    usize::from(is_seen),
                );
                let expected = if self.is_hidden_anywhere(caller, &people) {
                    Expected::Status(400)
                } else {
                    Expected::Total(expected)
                };
                of(format!("/groups?member={}3", mark(source, list)), expected)
            }
            45 => {
                let (name, field) = *dice.pick(&[
                    ("status", Field::Status),
                    ("organization_id", Field::OrganizationId),
                    ("external_id", Field::ExternalId),
                ]);
                let expected = if self.is_hidden_anywhere(caller, &[field]) {
                    Expected::Status(400)
                } else {
                    Expected::Total(usize::from(is_seen))
                };
                of(format!("/groups?{name}={}3", mark(source, name)), expected)
            }
            46 => {
                let expected = if self.is_hidden_anywhere(caller, &[Field::CreatedAt]) {
                    Expected::Status(400)
                } else {
                    Expected::Total(all)
                };
                of("/groups?sort=-created_at".to_owned(), expected)
            }
            47 => {
                let status = if is_seen { 200 } else { 400 };
                of(format!("/groups?source={source}"), Expected::Status(status))
            }
            48 => {
                let address =
                    *dice.pick(&["/sources", "/openapi.json", "/groups?x=1", "/groups?sort=x"]);
                of(address.to_owned(), Expected::AnyOf(&[200, 400]))
            }
            49 => match self.cursors.take(dice.roll(CALLERS)) {
                Some((owner, cursor)) => {
                    let is_own = self.caller(owner).is_same(self.caller(caller));
                    let status = if is_own { 200 } else { 400 };
                    of(format!("/groups?cursor={cursor}"), Expected::Status(status))
                }
                None => of("/groups?limit=1".to_owned(), Expected::Total(all)),
            },
            50 => match self.tags.take(dice.roll(CALLERS)) {
                Some((owner, (address, tag))) => {
                    let is_own = self
                        .caller(owner)
                        .may_share_tags(self.caller(caller), address);
                    let probe = of(
                        address.to_owned(),
                        if is_own {
                            Expected::AnyOf(&[200, 304])
                        } else {
                            Expected::NotUnchanged
                        },
                    );
                    Probe {
                        request: probe.request.header("if-none-match", tag),
                        ..probe
                    }
                }
                None => of("/groups".to_owned(), Expected::Total(all)),
            },
            51 => {
                let is_refused =
                    seen.is_empty() || self.is_hidden_anywhere(caller, &[Field::Attributes]);
                let expected = if is_refused {
                    Expected::Status(400)
                } else {
                    Expected::Total(usize::from(is_seen))
                };
                let attribute = mark(source, "attributes");
                of(format!("/groups?attribute.unmapped={attribute}3"), expected)
            }
            _ => {
                let probe = of(
                    "/groups?fields=attributes,url".to_owned(),
                    Expected::Total(all),
                );
                if dice.roll(20) > 0 {
                    return probe;
                }
                Probe {
                    request: probe.request.header("cache-control", "no-cache"),
                    ..probe
                }
            }
        }
    }
}
