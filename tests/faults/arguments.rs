//! The arguments that `cargo test` hands on, as far as a table can follow them.

/// Which cells are chosen.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    filters: Vec<String>,
    skipped: Vec<String>,
    exact: bool,
    list: bool,
    ignored: bool,
}

impl Arguments {
    /// Reads the arguments of the test harness. Those that mean nothing here are passed over.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self::default();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => read.list = true,
                "--exact" => read.exact = true,
                "--ignored" => read.ignored = true,
                "--skip" => read.skipped.extend(arguments.next()),
                "--format" | "--color" | "--test-threads" | "--logfile" | "-Z" => {
                    arguments.next();
                }
                option if option.starts_with('-') => {}
                _ => read.filters.push(argument),
            }
        }
        read
    }

    /// Whether the cells are only to be named.
    pub(crate) const fn lists(&self) -> bool {
        self.list
    }

    /// Whether somebody wants some cells and not others.
    pub(crate) const fn chooses(&self) -> bool {
        self.ignored || !self.filters.is_empty() || !self.skipped.is_empty()
    }

    /// Whether this cell is wanted. None is ever ignored.
    pub(crate) fn choose(&self, name: &str) -> bool {
        let holds = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter)
            }
        };
        !self.ignored
            && (self.filters.is_empty() || self.filters.iter().any(holds))
            && !self.skipped.iter().any(holds)
    }
}
