//! The sources that were missing from a sequence of pages so far.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ErrorKind;

/// How many missing sources are named: as many as always fit into a cursor. That some are missing is
/// known however many they are.
pub const NAMED: usize = 60;

/// The sources that were missing from a sequence of pages so far. It travels in the cursor, so that
/// no later page claims to be complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MissingSources(Vec<MissingSource>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct MissingSource {
    // A hash: sixty names of any length would not fit into a cursor.
    name: [u8; 4],
    // The index in `ErrorKind::ALL`, which only grows at its end.
    kind: u8,
}

impl MissingSources {
    /// Whether every page so far had every source.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why `source` was missing from an earlier page, if it was.
    pub fn kind_of(&self, source: &str) -> Option<ErrorKind> {
        let name = short(source);
        self.0
            .iter()
            .find(|missing| missing.name == name)
            .and_then(|missing| ErrorKind::ALL.get(usize::from(missing.kind)).copied())
    }

    /// How much memory it takes besides its own value.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Records that `source` is missing, and why. The first reason stays.
    pub fn note(&mut self, source: &str, kind: ErrorKind) {
        if self.0.len() == NAMED || self.kind_of(source).is_some() {
            return;
        }
        let place = ErrorKind::ALL.iter().position(|other| *other == kind);
        self.0.extend(place.map(|place| MissingSource {
            name: short(source),
            kind: place as u8,
        }));
    }
}

fn short(source: &str) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::digest(source).into();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_is_remembered_with_its_source() {
        let mut missing = MissingSources::default();
        assert!(missing.is_empty());
        for kind in ErrorKind::ALL {
            missing.note(kind.as_str(), kind);
        }
        for kind in ErrorKind::ALL {
            assert_eq!(missing.kind_of(kind.as_str()), Some(kind));
        }
        assert_eq!(missing.kind_of("another"), None);
    }

    #[test]
    fn the_first_reason_stays() {
        let mut missing = MissingSources::default();
        missing.note("a", ErrorKind::Dns);
        missing.note("a", ErrorKind::Tls);
        assert_eq!(missing.kind_of("a"), Some(ErrorKind::Dns));
    }

    #[test]
    fn more_sources_than_a_cursor_can_name_still_count_as_missing() {
        let mut missing = MissingSources::default();
        for number in 0..=NAMED {
            missing.note(&number.to_string(), ErrorKind::Connect);
        }
        assert_eq!(missing.kind_of("59"), Some(ErrorKind::Connect));
        assert_eq!(missing.kind_of("60"), None);
        assert!(!missing.is_empty());
    }
}
