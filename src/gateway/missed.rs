//! The sources that a sequence of pages has missed so far.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ErrorKind;

/// How many missed sources are named: as many as surely fit into a cursor. That some are missing is
/// known however many they are.
pub const NAMED: usize = 60;

/// The sources that a sequence of pages has missed so far. It travels in the cursor, so that no
/// later page claims to be complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Missed(Vec<MissedSource>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct MissedSource {
    // Names have no bound that sixty of them would fit under.
    name: [u8; 4],
    // The place in `ErrorKind::ALL`, which only grows at its end.
    kind: u8,
}

impl Missed {
    /// Whether every page so far had every source.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why `source` was missed on an earlier page, if it was.
    pub fn kind_of(&self, source: &str) -> Option<ErrorKind> {
        let name = short(source);
        self.0
            .iter()
            .find(|missed| missed.name == name)
            .and_then(|missed| ErrorKind::ALL.get(usize::from(missed.kind)).copied())
    }

    /// How much memory it takes besides its own value.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Notes that `source` is missing, and why. What was noted first stays.
    pub fn note(&mut self, source: &str, kind: ErrorKind) {
        if self.0.len() == NAMED || self.kind_of(source).is_some() {
            return;
        }
        let place = ErrorKind::ALL.iter().position(|other| *other == kind);
        self.0.extend(place.map(|place| MissedSource {
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
        let mut missed = Missed::default();
        assert!(missed.is_empty());
        for kind in ErrorKind::ALL {
            missed.note(kind.as_str(), kind);
        }
        for kind in ErrorKind::ALL {
            assert_eq!(missed.kind_of(kind.as_str()), Some(kind));
        }
        assert_eq!(missed.kind_of("another"), None);
    }

    #[test]
    fn the_first_reason_stays() {
        let mut missed = Missed::default();
        missed.note("a", ErrorKind::Dns);
        missed.note("a", ErrorKind::Tls);
        assert_eq!(missed.kind_of("a"), Some(ErrorKind::Dns));
    }

    #[test]
    fn more_sources_than_a_cursor_can_name_still_count_as_missing() {
        let mut missed = Missed::default();
        for number in 0..=NAMED {
            missed.note(&number.to_string(), ErrorKind::Connect);
        }
        assert_eq!(missed.kind_of("59"), Some(ErrorKind::Connect));
        assert_eq!(missed.kind_of("60"), None);
        assert!(!missed.is_empty());
    }
}
