//! Two callers of the demo, who see different things.

use std::net::SocketAddr;

use crate::authentication::{hash_of_key, new_key};
use crate::hex::hex;

/// The keys of both callers, made anew for each demo.
pub(super) struct DemoCallers {
    directory: String,
    finance: String,
}

impl DemoCallers {
    pub(super) fn new() -> Self {
        Self {
            directory: new_key(),
            finance: new_key(),
        }
    }

    /// What the configuration says of them.
    pub(super) fn configuration(&self) -> String {
        let [directory, finance] =
            [&self.directory, &self.finance].map(|key| hex(&hash_of_key(key.as_bytes()).0));
        format!(
            "
[callers.keys.directory]
sha256 = \"{directory}\"
grants = [\"everything\"]
[callers.keys.finance]
sha256 = \"{finance}\"
grants = [\"finance\"]
[grants.everything]
sources = [\"*\"]
[grants.finance]
sources = [\"tallyfy\", \"publisher\"]
hide    = [\"members\", \"guests\", \"attributes\"]
rate    = \"50/s\"
"
        )
    }

    /// Requests that show the difference.
    pub(super) fn invitation(&self, data: SocketAddr) -> String {
        let Self { directory, finance } = self;
        format!(
            "\ntwo callers: `directory` sees everything; `finance` sees tallyfy and publisher, without members, \
             guests and attributes, 50 times a second\n\
             \ntry it:\n\
             \x20 curl -s 'http://{data}/sources' -H 'Authorization: Bearer {directory}'\n\
             \x20 curl -s 'http://{data}/sources' -H 'Authorization: Bearer {finance}'\n\
             \x20 curl -s 'http://{data}/groups?source=tallyfy&limit=1' -H 'X-Api-Key: {directory}'\n\
             \x20 curl -s 'http://{data}/groups?source=tallyfy&limit=1' -H 'X-Api-Key: {finance}'\n\
             \x20 curl -s 'http://{data}/groups?source=vinyldns' -H 'X-Api-Key: {finance}'\n\
             \x20 curl -si 'http://{data}/groups'\n\
             \nstop it: ctrl-c"
        )
    }
}
