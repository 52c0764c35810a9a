//! The records of upstreams. No two texts in a list are alike, or gzip would make almost nothing of a page.

use super::Format;

/// One record.
pub(super) fn record(number: usize, format: Format, chance: &mut Chance) -> String {
    let all: Vec<_> = WORDS.split(' ').collect();
    let words: Vec<_> = (0..12).map(|_| *chance.of(&all)).collect();
    let [name, about] = [&words[..3], &words[3..]].map(|words| words.join(" "));
    let mail = words[0];
    let state = if number.is_multiple_of(4) {
        "ARCHIVED"
    } else {
        "ACTIVE"
    };
    let [made, changed] = [2019, 2025].map(|year| {
        let [month, day] = [12, 28].map(|most| 1 + (chance.next() >> 33) % most);
        format!("{year}-{month:02}-{day:02}T08:30:00Z")
    });
    let people = (0..3).map(|_| {
        let id = chance.next() >> 32;
        match format {
            Format::Json => format!(r#"{{"id":"{id:08x}","mail":"{id:08x}@example.com"}}"#),
            Format::Xml => {
                format!("<person><id>{id:08x}</id><mail>{id:08x}@example.com</mail></person>")
            }
        }
    });
    let people: Vec<_> = people.collect();
    match format {
        Format::Json => {
            let people = people.join(",");
            format!(
                r#"{{"id":"{number:05}","name":"{name}","about":"{about}","mail":"{mail}@example.com","state":"{state}","made":"{made}","changed":"{changed}","people":[{people}]}}"#
            )
        }
        Format::Xml => {
            let people = people.concat();
            format!(
                "<group><id>{number:05}</id><name>{name}</name><about>{about}</about>\
                 <mail>{mail}@example.com</mail><state>{state}</state><made>{made}</made>\
                 <changed>{changed}</changed><people>{people}</people></group>"
            )
        }
    }
}

/// What texts are made of.
const WORDS: &str = "\
    access account admin analysis archive audit backup billing board branch budget build campus \
    change claims cluster college contract control counsel customer database deploy design desk \
    editor emergency engineering events facility field finance fleet floor gateway grants \
    hardware health hiring identity incident intern inventory invoice kitchen laboratory legal \
    library logistics maintenance marketing mentor mobile network night office onboarding \
    operations orders partner payroll planning platform pricing printer privacy procurement \
    product project quality regional release research review safety sales schedule security \
    server service shift software storage student supplier support survey team telephone tenant \
    testing training travel treasury vehicle vendor volunteer warehouse website workshop";

/// Numbers without a pattern, the same in every run (SplitMix64).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[(self.next() >> 33) as usize % all.len()]
    }
}
