//! What the upstreams hold.

use http::{HeaderMap, StatusCode};

use crate::{Answer, GROUPS};

/// The list of one upstream. No two texts in it are alike, or gzip would make almost nothing of a
/// page.
pub(crate) fn list(number: u64) -> Answer {
    let mut chance = Chance(number);
    let groups: Vec<_> = (0..GROUPS)
        .map(|number| group(number, &mut chance))
        .collect();
    let body = format!("[{}]", groups.join(","));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    (StatusCode::OK, headers, body.into())
}

fn group(number: usize, chance: &mut Chance) -> String {
    let all: Vec<_> = WORDS.split(' ').collect();
    let words: Vec<_> = (0..16).map(|_| *chance.of(&all)).collect();
    let [name, about] = [&words[..3], &words[3..]].map(|words| words.join(" "));
    let people: Vec<_> = (0..4)
        .map(|_| format!("\"{:08x}\"", chance.next() >> 32))
        .collect();
    let people = people.join(",");
    format!(r#"{{"id":"{number:05}","name":"{name}","about":"{about}","people":[{people}]}}"#)
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
struct Chance(u64);

impl Chance {
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
