//! The groups that the emulations serve, generated from an upstream's name and an index on every
//! access.
//!
//! Nothing is stored, so a million groups cost no memory, and every run serves the same ones. The
//! first names are the same everywhere: equal names within and across upstreams, and what makes a
//! sort or a search hard (scripts, cases, composed and decomposed letters, markup).

use std::time::Duration;

use jiff::Timestamp;

/// Names of the first groups. All that makes names hard is among them.
const FIRST_NAMES: [&str; 28] = [
    "Sales Team",
    "Engineering",
    "Support Tier 1",
    "Human Resources",
    "Straße",
    "STRASSE",
    "İstanbul Ofisi",
    "istanbul ofisi",
    "Caf\u{e9} Crew",
    "Cafe\u{301} Crew",
    "開発チーム",
    "デザイン",
    "فريق المبيعات",
    "צוות תמיכה",
    "🚀 Launch Crew",
    "👩\u{200d}👩\u{200d}👧 Families",
    "O'Brien & Sons <Partners>",
    "\"Quoted\", with comma",
    "Sales Team",
    "sales team",
    "ﬁnance",
    "Ωmega",
    "e",
    "100% Remote",
    "A/B Testing",
    "_internal",
    "2024 Onboarding",
    "A name that goes on for longer than any column is wide, because whoever made this group took \
     the field for a description and wrote down everything they knew about the people in it",
];

const ADJECTIVES: [&str; 12] = [
    "Northern",
    "Southern",
    "Global",
    "Regional",
    "Mobile",
    "Senior",
    "Junior",
    "Düsseldorf",
    "São Paulo",
    "Łódź",
    "Zürich",
    "Ōsaka",
];

const NOUNS: [&str; 12] = [
    "Sales",
    "Engineers",
    "Support",
    "Marketing",
    "Operations",
    "Équipe",
    "Büro",
    "Команда",
    "Ομάδα",
    "团队",
    "Reviewers",
    "Guests",
];

/// 2015-01-01T00:00:00Z, before any group was created.
const EPOCH: i64 = 1_420_070_400;

/// How many of the first groups are a day apart; the others follow within minutes, so that a million
/// of them end before today.
const DAILY: u64 = 1000;

/// One group of one upstream. It is only a number: each vendor derives its fields from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct GeneratedGroup {
    upstream: &'static str,
    index: u32,
}

impl GeneratedGroup {
    /// The group at `index`. A group with a higher index is newer.
    pub(super) const fn new(upstream: &'static str, index: u32) -> Self {
        Self { upstream, index }
    }

    /// Its number in its upstream.
    pub(super) const fn index(self) -> u32 {
        self.index
    }

    /// A number that looks random and depends on upstream, index and `of` only.
    pub(super) fn number(self, of: &str) -> u64 {
        let bytes = self
            .upstream
            .bytes()
            .chain(of.bytes())
            .chain(self.index.to_le_bytes());
        // FNV-1a, whose low bits are mixed too little on their own, and the last step of
        // splitmix64. Not the standard library's hash, which may change between releases.
        let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }

    /// True for one group in so many.
    pub(super) fn one_in(self, many: u64, of: &str) -> bool {
        self.number(of).is_multiple_of(many)
    }

    /// The group's name. Other groups may have the same.
    pub(super) fn name(self) -> String {
        if let Some(&name) = FIRST_NAMES.get(self.index as usize) {
            return name.to_owned();
        }
        let adjective = self.pick(&ADJECTIVES, "adjective");
        let noun = self.pick(&NOUNS, "noun");
        if self.one_in(8, "plain name") {
            return format!("{adjective} {noun}");
        }
        format!("{adjective} {noun} {}", self.index)
    }

    /// What the group is for, if it says so.
    pub(super) fn description(self) -> Option<String> {
        match self.index {
            0 => Some("Handles all sales inquiries.".to_owned()),
            1 => Some("Two lines:\nbuilds & <runs> \"things\".".to_owned()),
            2 => Some(String::new()),
            _ if self.one_in(4, "description") => None,
            _ => Some(format!("Looks after {} of all kinds.", self.name())),
        }
    }

    /// Whether the name or the description contains a lower-case text.
    pub(super) fn matches(self, search: &str) -> bool {
        search.is_empty()
            || [self.name(), self.description().unwrap_or_default()]
                .iter()
                .any(|text| text.to_lowercase().contains(search))
    }

    /// The group's own address.
    pub(super) fn email(self) -> String {
        format!("group-{}@example.com", self.index)
    }

    /// When the group was created: later than every group before it.
    pub(super) fn created(self) -> Timestamp {
        let index = u64::from(self.index);
        let seconds = index.min(DAILY) * 86_400 + index.saturating_sub(DAILY) * 250;
        let fraction = self.fraction("created");
        instant(seconds + self.number("created") % 250, fraction)
    }

    /// When the group last changed, if it did.
    pub(super) fn updated(self) -> Option<Timestamp> {
        if self.one_in(5, "never updated") {
            return None;
        }
        let later = Duration::from_secs(self.number("updated") % (90 * 86_400) + 1);
        self.created().checked_add(later).ok()
    }

    /// The account numbers of up to `most` people in a role, in no order.
    pub(super) fn people(self, role: &str, most: u64) -> Vec<u64> {
        let count = self.number(role) % (most + 1);
        (0..count)
            .map(|nth| 1001 + self.number(&format!("{role} {nth}")) % 9000)
            .collect()
    }

    /// A UUID whose last twelve digits are the index, so that [`find`] needs no table.
    pub(super) fn uuid(self) -> String {
        let bits = self.number("uuid");
        format!(
            "{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}",
            bits >> 32,
            bits & 0xffff,
            (bits >> 16) & 0xfff,
            (bits >> 28) & 0xfff,
            self.index
        )
    }

    /// One of `choices`.
    pub(super) fn pick<T: Copy>(self, choices: &[T], of: &str) -> T {
        choices[self.number(of) as usize % choices.len()]
    }

    /// Nanoseconds: most are zero, as with most vendors.
    fn fraction(self, of: &str) -> i32 {
        match self.number(of) >> 32 {
            bits if bits % 8 == 0 => 123_000_000,
            bits if bits % 8 == 1 => 123_456_000,
            _ => 0,
        }
    }
}

/// The UUID of an account.
pub(super) fn account_uuid(account: u64) -> String {
    format!("2764183c-5e75-4ae6-8833-{account:012x}")
}

/// The group with this UUID, among the first `groups` of an upstream.
pub(super) fn find(upstream: &'static str, uuid: &str, groups: usize) -> Option<GeneratedGroup> {
    let index = u32::from_str_radix(uuid.rsplit('-').next()?, 16).ok()?;
    let record = GeneratedGroup::new(upstream, index);
    ((index as usize) < groups && record.uuid() == uuid).then_some(record)
}

fn instant(seconds: u64, nanoseconds: i32) -> Timestamp {
    Timestamp::new(EPOCH + seconds.cast_signed(), nanoseconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn records(count: u32) -> impl Iterator<Item = GeneratedGroup> {
        (0..count).map(|index| GeneratedGroup::new("any", index))
    }

    #[test]
    fn a_group_is_the_same_whenever_it_is_generated() {
        let record = GeneratedGroup::new("any", 1234);
        assert_eq!(record.number("salt"), 13_288_757_543_432_741_358);
        assert_eq!(record.name(), GeneratedGroup::new("any", 1234).name());
        assert_ne!(
            record.number("salt"),
            GeneratedGroup::new("other", 1234).number("salt")
        );
    }

    #[test]
    fn a_later_group_is_newer() {
        let times: Vec<Timestamp> = records(3000).map(GeneratedGroup::created).collect();
        assert!(times.is_sorted_by(|earlier, later| earlier < later));
        let last = GeneratedGroup::new("any", 999_999);
        let end: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(last.updated().unwrap_or(last.created()) < end);
    }

    #[test]
    fn uuids_are_found_again_and_forged_ones_are_not() {
        for record in records(500) {
            let found = find("any", &record.uuid(), 500).unwrap();
            assert_eq!(found.index(), record.index());
            assert!(find("other", &record.uuid(), 500).is_none());
        }
        assert!(find("any", &GeneratedGroup::new("any", 500).uuid(), 500).is_none());
        assert!(find("any", "", 500).is_none());
        assert!(find("any", "not-a-uuid-€", 500).is_none());
    }

    #[test]
    fn two_hundred_groups_hold_every_trap() {
        let names: Vec<String> = records(200).map(GeneratedGroup::name).collect();
        let distinct: HashSet<&String> = names.iter().collect();
        assert!(distinct.len() < names.len(), "equal names");
        assert!(records(200).any(|record| record.description().is_none()));
        assert!(records(200).any(|record| record.updated().is_none()));
        assert!(records(200).any(|record| record.people("members", 6).is_empty()));
        assert!(records(200).any(|record| record.created().subsec_nanosecond() != 0));
    }
}
