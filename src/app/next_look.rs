//! When the watch looks at the files again.

use crate::config::Fingerprint;

/// How often files may be found to have changed in a row. One that never comes to rest is read all the same.
const MOST_READINGS: usize = 40;

/// When the watch looks at the files again.
#[derive(Debug)]
pub(super) enum NextLook {
    Now,
    /// They were being written: after a moment, and again until two readings in a row find the same.
    UntilAtRest {
        last: Fingerprint,
        readings: usize,
    },
    /// When there is word of a change.
    AtAChange,
}

impl NextLook {
    /// What comes after a look that has found files to be other than they were read last. `None`: they are at
    /// rest, and what they hold counts.
    pub(super) fn after(self, found: &Fingerprint) -> Option<Self> {
        let readings = match self {
            Self::UntilAtRest { last, readings } => {
                if last == *found || readings == MOST_READINGS {
                    return None;
                }
                readings + 1
            }
            Self::Now | Self::AtAChange => 1,
        };
        Some(Self::UntilAtRest {
            last: found.clone(),
            readings,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Environment, load_with_fingerprint};

    #[test]
    fn files_are_at_rest_once_two_readings_find_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.toml");
        let read = |text: &str| {
            fs::write(&file, text).unwrap();
            load_with_fingerprint(&file, Environment::default()).0
        };
        let (part, whole) = (read("[server]"), read("[server]\nwatch = true"));
        let next = NextLook::Now.after(&part).unwrap();
        let next = next.after(&whole).unwrap();
        assert!(next.after(&whole).is_none());
        let next = NextLook::AtAChange.after(&part).unwrap();
        assert!(next.after(&part).is_none());
    }

    #[test]
    fn files_that_never_come_to_rest_are_read_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.toml");
        let mut next = NextLook::Now;
        let mut readings = 0;
        loop {
            fs::write(&file, format!("# {readings}")).unwrap();
            let found = load_with_fingerprint(&file, Environment::default()).0;
            readings += 1;
            match next.after(&found) {
                Some(after) => next = after,
                None => break,
            }
        }
        assert_eq!(readings, MOST_READINGS + 1);
    }
}
