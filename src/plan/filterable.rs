//! Attributes of groups that callers can filter by.

use std::sync::Arc;

/// An attribute that callers can filter by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilterableAttribute {
    /// Its name in queries.
    pub name: Arc<str>,
    /// Where it is in the attributes of a group.
    pub path: Arc<[String]>,
}
