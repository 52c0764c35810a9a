//! The block that declares what the adapter of a liar knows.
//!
//! A liar lies in one list: that of groups, or one that belongs to it.

use std::fmt::Write as _;

use super::liar::{Claim, Liar, Style};

/// What the list of a liar is a list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListOf {
    Groups,
    /// Of the only group.
    Members,
    /// Each of which has a group with its id.
    Partitions,
}

impl Liar {
    pub(super) fn config(&self, list_of: ListOf) -> String {
        let format = if self.is_xml { "xml" } else { "json" };
        let groups = if self.is_xml {
            "/r/groups/group"
        } else {
            "/groups"
        };
        let block = |list: &str| {
            format!(
                "[upstreams.staff]\nbase_url = \"\"\nformat = '{format}'\n{list}\
                 fields = {{ id = 'id', name = 'id' }}\nlimits = {{ pages = 100, retries = 0 }}\n"
            )
        };
        let of_groups = |path: &str| {
            block(&format!(
                "records = '{groups}'\nrequest = {{ path = '{path}' }}\n"
            ))
        };
        match list_of {
            ListOf::Groups => block(&self.list_config("/list")),
            ListOf::Members => format!(
                "{}[upstreams.staff.members]\n{}fields = {{ id = 'id' }}\n",
                of_groups("/groups"),
                self.list_config("/list/{group.id}")
            ),
            ListOf::Partitions => format!(
                "{}[upstreams.staff.partitions]\n{}values = {{ org = 'id' }}\n",
                of_groups("/groups/{partition.org}"),
                self.list_config("/list")
            ),
        }
    }

    /// How the list is asked for and paged.
    fn list_config(&self, path: &str) -> String {
        let root = if self.is_xml { "/r" } else { "" };
        let records = match (self.is_xml, self.parents.is_some()) {
            (true, true) => "/r/orgs/org/groups/group",
            (true, false) => "/r/groups/group",
            (false, true) => "/orgs/groups",
            (false, false) => "/groups",
        };
        let asked = if self.is_clamped {
            self.page + 2
        } else {
            self.page
        };
        let mut keys = match self.style {
            Style::Whole => "style = 'none'".to_owned(),
            Style::Cursor => format!("style = 'cursor', next = '{root}/next'"),
            Style::Link => "style = 'link'".to_owned(),
            Style::NextUrl => format!("style = 'next_url', next = '{root}/next'"),
            Style::Offset(step) => format!("style = 'offset', step = '{step}'"),
            Style::Page => "style = 'page'".to_owned(),
        };
        let has_total = !matches!(self.claim, Claim::Nowhere | Claim::Pages);
        let trust = if self.is_hint && has_total {
            ", trust = 'hint'"
        } else {
            ""
        };
        let claim = match self.claim {
            Claim::Nowhere => String::new(),
            Claim::Body => format!(", total = '{root}/total'{trust}"),
            Claim::Header => format!(", total = {{ header = 'X-Total' }}{trust}"),
            Claim::ContentRange => {
                format!(", total = {{ header = 'Content-Range' }}{trust}")
            }
            Claim::Count => format!(
                ", total = {{ request = {{ path = '/count' }}, at = '{root}/total' }}{trust}"
            ),
            Claim::Pages => format!(", pages = '{root}/pages'"),
        };
        keys.push_str(&claim);
        if self.is_numbered() && self.claim != Claim::Nowhere && self.claim != Claim::Count {
            keys.push_str(", absent = 'continue'");
        }
        let mut query = match self.style {
            Style::Cursor => "at = '{cursor}'",
            Style::Offset(_) => "at = '{offset}'",
            Style::Page => "at = '{page}'",
            Style::Whole | Style::Link | Style::NextUrl => "",
        }
        .to_owned();
        if self.has_limit {
            let _ = write!(keys, ", limit = {asked}");
            let comma = if query.is_empty() { "" } else { ", " };
            let _ = write!(query, "{comma}limit = '{{limit}}'");
        }
        format!(
            "records = '{records}'\nrequest = {{ path = '{path}', query = {{ {query} }} }}\n\
             pagination = {{ {keys} }}\n"
        )
    }
}
