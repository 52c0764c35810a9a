//! The words that real APIs use for a group's fields.
//!
//! All in plain form (see [`super::names`]), the best first. `strong` words hardly ever mean
//! anything else; `weak` ones often do.

use super::columns::{Column, Columns};
use super::names::Listed;

/// What one field may be called, and what it may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// The field's key in `gateway.toml`.
    pub(super) key: &'static str,
    pub(super) strong: &'static [&'static str],
    pub(super) weak: &'static [&'static str],
    pub(super) holds: Holds,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
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

pub(super) const ID: Words = Words {
    key: "id",
    strong: &[
        "id",
        "uuid",
        "guid",
        "objectid",
        "entryuuid",
        "objectguid",
        "identifier",
    ],
    weak: &[
        "key",
        "oid",
        "gid",
        "gidnumber",
        "uid",
        "dn",
        "distinguishedname",
        "arn",
        "slug",
        "code",
    ],
    holds: Holds::Id,
};

pub(super) const NAME: Words = Words {
    key: "name",
    strong: &["displayname", "name", "cn", "commonname", "friendlyname"],
    weak: &["title", "label", "fullname", "caption"],
    holds: Holds::Text,
};

/// The other fields that hold one scalar, times aside.
pub(super) const SCALARS: [Words; 9] = [
    Words {
        key: "description",
        strong: &["description", "desc", "descr"],
        weak: &["about", "summary", "purpose", "notes"],
        holds: Holds::Text,
    },
    Words {
        key: "email",
        strong: &[
            "email",
            "mail",
            "emailaddress",
            "mailaddress",
            "primaryemail",
        ],
        weak: &["address", "proxyaddress"],
        holds: Holds::Email,
    },
    Words {
        key: "status",
        strong: &["status", "lifecyclestatus"],
        weak: &["state", "active", "isactive", "enabled", "isenabled"],
        holds: Holds::Word,
    },
    Words {
        key: "organization_id",
        strong: &[
            "organizationid",
            "organisationid",
            "orgid",
            "tenantid",
            "companyid",
        ],
        weak: &[
            "customerid",
            "accountid",
            "workspaceid",
            "teamid",
            "domainid",
            "organization",
            "org",
            "tenant",
            "realmid",
        ],
        holds: Holds::Id,
    },
    Words {
        key: "external_id",
        strong: &["externalid", "extid", "externalidentifier", "externalkey"],
        weak: &[
            "externalref",
            "externalreference",
            "foreignid",
            "sourceid",
            "remoteid",
        ],
        holds: Holds::Id,
    },
    Words {
        key: "parent_id",
        strong: &["parentid", "parentgroupid", "parentgroup", "parentkey"],
        weak: &["parent", "parentuuid", "parentref"],
        holds: Holds::Id,
    },
    Words {
        key: "url",
        strong: &[
            "url",
            "weburl",
            "htmlurl",
            "permalink",
            "link",
            "webviewlink",
        ],
        weak: &[
            "href",
            "linkshtmlhref",
            "linkshtml",
            "self",
            "linksself",
            "linksselfhref",
            "location",
        ],
        holds: Holds::Url,
    },
    Words {
        key: "logo_url",
        strong: &[
            "logo",
            "logourl",
            "avatar",
            "avatarurl",
            "icon",
            "iconurl",
            "picture",
            "pictureurl",
            "image",
            "imageurl",
            "photo",
            "photourl",
        ],
        weak: &["thumbnail", "thumbnailurl", "badge"],
        holds: Holds::Picture,
    },
    Words {
        key: "member_count",
        strong: &[
            "membercount",
            "memberscount",
            "usercount",
            "userscount",
            "totalmembers",
            "memberstotal",
            "numberofmembers",
            "nummembers",
            "totalusers",
            "directmemberscount",
            "members",
            "users",
        ],
        weak: &["size", "count"],
        holds: Holds::Count,
    },
];

/// What a time may be called.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeWords {
    pub(super) key: &'static str,
    pub(super) strong: &'static [&'static str],
    /// Where a name has one of these in it and its values are times, it is one too.
    pub(super) stems: &'static [&'static str],
}

pub(super) const TIMES: [TimeWords; 3] = [
    TimeWords {
        key: "created_at",
        strong: &[
            "createdat",
            "created",
            "createddatetime",
            "createddate",
            "creationdate",
            "createdon",
            "createdate",
            "datecreated",
            "datecreate",
            "createtime",
            "creationtime",
            "whencreated",
            "createtimestamp",
            "createdtime",
            "insertedat",
        ],
        stems: &["creat", "insert"],
    },
    TimeWords {
        key: "updated_at",
        strong: &[
            "updatedat",
            "updated",
            "lastupdated",
            "updateddatetime",
            "lastupdatedat",
            "modified",
            "lastmodified",
            "modifiedat",
            "lastmodifieddatetime",
            "lastmodifieddate",
            "updatedate",
            "dateupdated",
            "dateupdate",
            "updatetime",
            "modifiedon",
            "whenchanged",
            "modifytimestamp",
            "changedat",
            "updatedon",
        ],
        stems: &["updat", "modif", "chang"],
    },
    TimeWords {
        key: "deleted_at",
        strong: &[
            "deletedat",
            "deleteddatetime",
            "deleteddate",
            "datedeleted",
            "datedelete",
            "deletedon",
            "deletetime",
            "removedat",
        ],
        stems: &["delet", "remov"],
    },
];

/// What a list of people may be called.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeopleWords {
    pub(super) key: &'static str,
    pub(super) names: &'static [&'static str],
}

pub(super) const PEOPLE: [PeopleWords; 3] = [
    PeopleWords {
        key: "members",
        names: &[
            "members",
            "users",
            "memberids",
            "userids",
            "member",
            "user",
            "memberlist",
            "userlist",
            "memberuid",
            "uniquemember",
            "participants",
            "people",
        ],
    },
    PeopleWords {
        key: "admins",
        names: &[
            "admins",
            "administrators",
            "owners",
            "managers",
            "adminids",
            "ownerids",
            "admin",
            "owner",
            "moderators",
            "maintainers",
        ],
    },
    PeopleWords {
        key: "guests",
        names: &[
            "guests",
            "guestusers",
            "externalmembers",
            "externalusers",
            "guestmembers",
            "externals",
            "guest",
        ],
    },
];

/// What the id of a person in a list may be called.
pub(super) const PERSON_ID: Words = Words {
    key: "id",
    strong: &["id", "userid", "memberid", "accountid", "uuid", "uid"],
    weak: &["value", "key", "username", "login", "dn", "ref"],
    holds: Holds::Id,
};

/// What the address of a person in a list may be called.
pub(super) const PERSON_EMAIL: Words = Words {
    key: "email",
    strong: &["email", "mail", "emailaddress", "useremail", "primaryemail"],
    weak: &["address"],
    holds: Holds::Email,
};

/// What the groups below a group may be called.
pub(super) const CHILDREN: [&str; 6] = [
    "subgroups",
    "children",
    "childgroups",
    "nestedgroups",
    "subteams",
    "childs",
];

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
        let is_other = Listed::of(subject) == Listed::Others || subject.ends_with("by");
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

impl Words {
    pub(super) fn rank(&self, column: &Column<'_>, subjects: &[String]) -> Option<Rank> {
        let find = |words: &[&str], is_weak| rank_in(words, is_weak, column, subjects);
        find(self.strong, false).or_else(|| find(self.weak, true))
    }
}

pub(super) fn rank_in(
    words: &[&str],
    is_weak: bool,
    column: &Column<'_>,
    subjects: &[String],
) -> Option<Rank> {
    let index = |name: &str| words.iter().position(|word| *word == name);
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
