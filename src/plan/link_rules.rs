//! Where the URLs that an upstream names may lead.

use url::Url;

use super::Origin;

/// Where the URLs that an upstream names may lead, and what they are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRules {
    /// The origins that they may have: that of `base_url`, then the others.
    pub origins: Vec<Origin>,
    /// What they are taken from.
    pub target: LinkTarget,
}

/// What the URLs that an upstream names are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// The URL of the page that names them.
    Page,
    /// The origin of this URL, whatever they say.
    Origin(Url),
    /// All of this URL, its path included.
    Base(Url),
}
