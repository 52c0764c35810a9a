//! The block that declares what the adapter of a liar knows.

use std::fmt::Write as _;

use super::liar::{Claim, Liar, Style};

impl Liar {
    pub(super) fn config(&self) -> String {
        let root = if self.is_xml { "/r" } else { "" };
        let records = match (self.is_xml, self.parents.is_some()) {
            (true, true) => "/r/orgs/org/groups/group",
            (true, false) => "/r/groups/group",
            (false, true) => "/orgs/groups",
            (false, false) => "/groups",
        };
        let format = if self.is_xml { "xml" } else { "json" };
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
            "[upstreams.staff]\nbase_url = \"\"\nformat = '{format}'\nrecords = '{records}'\n\
             request = {{ path = '/list', query = {{ {query} }} }}\npagination = {{ {keys} }}\n\
             fields = {{ id = 'id', name = 'id' }}\nlimits = {{ pages = 100, retries = 0 }}\n"
        )
    }
}
