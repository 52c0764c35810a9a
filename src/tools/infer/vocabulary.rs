//! The words that real APIs use for a group's fields.
//!
//! All in plain form (see [`super::names`]), the best first. `strong` words hardly ever mean
//! anything else; `weak` ones often do.

use super::columns::{Column, Columns};
use super::names::NameHint;
use super::words::WordList;

/// What one field may be called, and what it may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldWords {
    /// The field's key in `gateway.toml`.
    pub(super) key: &'static str,
    pub(super) strong: WordList,
    pub(super) weak: WordList,
    pub(super) holds: FieldType,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldType {
    /// What names one thing: an integer or a text.
    Id,
    /// Any text.
    Text,
    /// An e-mail address.
    Email,
    /// A word.
    Word,
    /// The URL of a page.
    Url,
    /// The URL of a picture.
    Picture,
    /// How many there are.
    Count,
}

pub(super) const ID: FieldWords = FieldWords {
    key: "id",
    strong: WordList("id uuid guid objectid entryuuid objectguid identifier"),
    weak: WordList("key oid gid gidnumber uid dn distinguishedname arn slug code"),
    holds: FieldType::Id,
};

pub(super) const NAME: FieldWords = FieldWords {
    key: "name",
    strong: WordList("displayname name cn commonname friendlyname"),
    weak: WordList("title label fullname caption"),
    holds: FieldType::Text,
};

/// The other fields that hold one scalar, times aside.
pub(super) const SCALARS: [FieldWords; 9] = [
    FieldWords {
        key: "description",
        strong: WordList("description desc descr"),
        weak: WordList("about summary purpose notes"),
        holds: FieldType::Text,
    },
    FieldWords {
        key: "email",
        strong: WordList("email mail emailaddress mailaddress primaryemail"),
        weak: WordList("address proxyaddress"),
        holds: FieldType::Email,
    },
    FieldWords {
        key: "status",
        strong: WordList("status lifecyclestatus"),
        weak: WordList("state active isactive enabled isenabled"),
        holds: FieldType::Word,
    },
    FieldWords {
        key: "organization_id",
        strong: WordList("organizationid organisationid orgid tenantid companyid"),
        weak: WordList(
            "customerid accountid workspaceid teamid domainid organization org tenant realmid",
        ),
        holds: FieldType::Id,
    },
    FieldWords {
        key: "external_id",
        strong: WordList("externalid extid externalidentifier externalkey"),
        weak: WordList("externalref externalreference foreignid sourceid remoteid"),
        holds: FieldType::Id,
    },
    FieldWords {
        key: "parent_id",
        strong: WordList("parentid parentgroupid parentgroup parentkey"),
        weak: WordList("parent parentuuid parentref"),
        holds: FieldType::Id,
    },
    FieldWords {
        key: "url",
        strong: WordList("url weburl htmlurl permalink link webviewlink"),
        weak: WordList("href linkshtmlhref linkshtml self linksself linksselfhref location"),
        holds: FieldType::Url,
    },
    FieldWords {
        key: "logo_url",
        strong: WordList(
            "logo logourl avatar avatarurl icon iconurl picture pictureurl image imageurl photo \
         photourl",
        ),
        weak: WordList("thumbnail thumbnailurl badge"),
        holds: FieldType::Picture,
    },
    FieldWords {
        key: "member_count",
        strong: WordList(
            "membercount memberscount usercount userscount totalmembers memberstotal numberofmembers \
         nummembers totalusers directmemberscount members users",
        ),
        weak: WordList("size count"),
        holds: FieldType::Count,
    },
];

/// What a time may be called.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeWords {
    pub(super) key: &'static str,
    pub(super) strong: WordList,
    /// Where a name has one of these in it and its values are times, it is one too.
    pub(super) stems: WordList,
}

pub(super) const TIMES: [TimeWords; 3] = [
    TimeWords {
        key: "created_at",
        strong: WordList(
            "createdat created createddatetime createddate creationdate createdon createdate \
         datecreated datecreate createtime creationtime whencreated createtimestamp createdtime \
         insertedat",
        ),
        stems: WordList("creat insert"),
    },
    TimeWords {
        key: "updated_at",
        strong: WordList(
            "updatedat updated lastupdated updateddatetime lastupdatedat modified lastmodified \
         modifiedat lastmodifieddatetime lastmodifieddate updatedate dateupdated dateupdate \
         updatetime modifiedon whenchanged modifytimestamp changedat updatedon",
        ),
        stems: WordList("updat modif chang"),
    },
    TimeWords {
        key: "deleted_at",
        strong: WordList(
            "deletedat deleteddatetime deleteddate datedeleted datedelete deletedon deletetime \
         removedat",
        ),
        stems: WordList("delet remov"),
    },
];

/// What a list of people may be called.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeopleWords {
    pub(super) key: &'static str,
    pub(super) names: WordList,
}

pub(super) const PEOPLE: [PeopleWords; 3] = [
    PeopleWords {
        key: "members",
        names: WordList(
            "members users memberids userids member user memberlist userlist memberuid uniquemember \
         participants people",
        ),
    },
    PeopleWords {
        key: "admins",
        names: WordList(
            "admins administrators owners managers adminids ownerids admin owner moderators \
         maintainers",
        ),
    },
    PeopleWords {
        key: "guests",
        names: WordList(
            "guests guestusers externalmembers externalusers guestmembers externals guest",
        ),
    },
];

/// What the id of a person in a list may be called.
pub(super) const PERSON_ID: FieldWords = FieldWords {
    key: "id",
    strong: WordList("id userid memberid accountid uuid uid"),
    weak: WordList("value key username login dn ref"),
    holds: FieldType::Id,
};

/// What the address of a person in a list may be called.
pub(super) const PERSON_EMAIL: FieldWords = FieldWords {
    key: "email",
    strong: WordList("email mail emailaddress useremail primaryemail"),
    weak: WordList("address"),
    holds: FieldType::Email,
};

/// What the groups below a group may be called.
pub(super) const CHILDREN: WordList =
    WordList("subgroups children childgroups nestedgroups subteams childs");

/// Words for the record itself, which the names of its members begin with: where there is a
/// `team_id` and a `team_name`, it is a team.
pub(super) fn subjects_of(columns: &Columns<'_>) -> Vec<String> {
    let names: Vec<_> = columns
        .all
        .iter()
        .filter(|column| column.names.len() == 1)
        .flat_map(Column::plain_names)
        .collect();
    let subject = |name: &String| {
        let subject = name
            .strip_suffix("id")
            .filter(|subject| subject.len() > 1)?;
        let is_other = NameHint::of(subject) == NameHint::Others || subject.ends_with("by");
        let has_name = names.iter().any(|name| {
            name.strip_prefix(subject)
                .is_some_and(|rest| rest == "name")
        });
        (has_name && !is_other).then(|| subject.to_owned())
    };
    names.iter().filter_map(subject).collect()
}

/// How well a column's name fits: the smaller, the better. `subjects` are words for the record
/// itself, which a name may begin with: `group_id` is the `id` of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) is_weak: bool,
    index: usize,
    is_prefixed: bool,
    depth: usize,
}

impl FieldWords {
    pub(super) fn rank(&self, column: &Column<'_>, subjects: &[String]) -> Option<Rank> {
        let find = |words: WordList, is_weak| rank_in(words, is_weak, column, subjects);
        find(self.strong, false).or_else(|| find(self.weak, true))
    }
}

pub(super) fn rank_in(
    words: WordList,
    is_weak: bool,
    column: &Column<'_>,
    subjects: &[String],
) -> Option<Rank> {
    let index = |name: &str| words.position(name);
    column
        .plain_names()
        .iter()
        .filter_map(|name| {
            let exact = index(name).map(|index| (index, false));
            let (index, is_prefixed) = exact.or_else(|| {
                subjects.iter().find_map(|subject| {
                    let rest = name.strip_prefix(subject.as_str())?;
                    index(rest).map(|index| (index, true))
                })
            })?;
            Some(Rank {
                is_weak,
                index,
                is_prefixed,
                depth: column.names.len(),
            })
        })
        .min()
}
