//! Presets: adapters for well-known group APIs, as TOML, embedded in the binary.
//!
//! Each file is the inside of an `[upstreams.NAME]` block in the language of `gateway.toml`, so a
//! preset says nothing that a block could not say itself, and adding one is adding a file and its
//! name here. [`crate::config`] lays a preset under the block that names it.
//!
//! Two lines of a file mean something beyond TOML. The first is the title. And `# yours:` stands
//! before a key that every deployment sets for itself, with an example of a value.

/// The file of each preset, by its name.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!($name, ".toml")))),+]
    };
}

const FILES: &[(&str, &str)] = files![
    "auth0_organizations",
    "auth0_roles",
    "aws_iam",
    "aws_identity_center",
    "collections",
    "discourse",
    "freeipa",
    "github",
    "gitlab",
    "google_directory",
    "grafana",
    "keycloak",
    "mattermost",
    "microsoft_graph",
    "microsoft_graph_delta",
    "nextcloud",
    "okta",
    "onlivesite",
    "pagerduty",
    "publisher",
    "publisher_json",
    "scim",
    "scim_cursor",
    "servicenow",
    "slack",
    "tallyfy",
    "vinyldns",
    "zendesk",
];

/// An adapter for a well-known API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What a block calls it, as in `preset = "okta"`.
    pub name: &'static str,
    /// Which API it describes.
    pub title: &'static str,
    /// The adapter, as TOML.
    pub text: &'static str,
}

/// The names of all presets, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    FILES.iter().map(|&(name, _)| name)
}

/// The preset of this name.
pub fn get(name: &str) -> Option<Preset> {
    let &(name, text) = FILES.iter().find(|(known, _)| *known == name)?;
    let title = text.lines().next()?.trim_start_matches("# ");
    Some(Preset { name, title, text })
}

impl Preset {
    /// The adapter as a whole block for an upstream of this name, to be written out and changed.
    pub fn block(self, upstream: &str) -> String {
        let mut block = format!("[upstreams.{upstream}]\n");
        for line in self.text.lines() {
            let heading = |bracket| Some((bracket, line.strip_prefix(bracket)?));
            // A table of the block is a table of the upstream.
            match heading("[[").or_else(|| heading("[")) {
                Some((bracket, name)) => {
                    block.push_str(&format!("{bracket}upstreams.{upstream}.{name}\n"));
                }
                None => block.push_str(&format!("{line}\n")),
            }
        }
        block
    }

    /// The keys that every deployment sets for itself, each as an assignment to follow.
    pub fn needs(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.text.lines().filter_map(|line| {
            let assignment = line.strip_prefix("# yours: ")?;
            Some((assignment.split_once(" = ")?.0, assignment))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_listed_in_alphabetical_order_each_with_its_title() {
        assert!(names().is_sorted());
        for name in names() {
            let preset = get(name).unwrap();
            assert_eq!(preset.name, name);
            assert!(preset.text.starts_with(&format!("# {}\n", preset.title)));
        }
        assert_eq!(get("nowhere"), None);
    }

    #[test]
    fn a_preset_cites_what_it_follows_and_stays_short() {
        for preset in names().filter_map(get) {
            let lines = preset.text.lines().count();
            assert!(lines <= 60, "{} has {lines} lines", preset.name);
            assert!(preset.text.contains("\n# Follows "), "{}", preset.name);
        }
    }

    #[test]
    fn a_base_url_is_given_or_asked_for() {
        for preset in names().filter_map(get) {
            let table: toml::Table = preset.text.parse().unwrap();
            let is_asked_for = preset.needs().any(|(key, _)| key == "base_url");
            assert_ne!(
                table.contains_key("base_url"),
                is_asked_for,
                "{}",
                preset.name
            );
        }
    }

    #[test]
    fn a_block_says_what_the_preset_says() {
        for preset in names().filter_map(get) {
            let adapter: toml::Table = preset.text.parse().unwrap();
            let block: toml::Table = preset.block("a").parse().unwrap();
            assert_eq!(block["upstreams"]["a"].as_table(), Some(&adapter));
        }
    }

    #[test]
    fn what_a_deployment_sets_is_written_as_it_would_be() {
        for (_, assignment) in names().filter_map(get).flat_map(Preset::needs) {
            assignment.parse::<toml::Table>().unwrap();
        }
    }
}
