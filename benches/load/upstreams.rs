//! What the upstreams hold, and the servers that list it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::bare::serve;
use crate::free_port;

/// How an upstream writes its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
}

/// One server of a whole list, which counts how often it was asked.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) format: Format,
    asked: Arc<AtomicUsize>,
}

impl Upstream {
    /// Serves so many groups, in a task of the runtime.
    pub(crate) fn start(number: u64, format: Format, groups: usize) -> Self {
        let upstream = Self {
            address: free_port(),
            format,
            asked: Arc::default(),
        };
        let asked = Arc::clone(&upstream.asked);
        let body = list(number, format, groups);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", format.media_type().parse().unwrap());
        tokio::spawn(serve(upstream.address, move || {
            asked.fetch_add(1, Ordering::Relaxed);
            (StatusCode::OK, headers.clone(), body.clone())
        }));
        upstream
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}", self.address, self.format.word())
    }

    /// The block that describes it.
    pub(crate) fn toml(&self, name: &str) -> String {
        let Self {
            address, format, ..
        } = self;
        let (word, records, people) = match format {
            Format::Json => (format.word(), "/", "people"),
            Format::Xml => (format.word(), "/groups/group", "people/person"),
        };
        format!(
            "[upstreams.{name}]\nbase_url = 'http://{address}'\nrequest = {{ path = '/{word}' }}\n\
             format = '{word}'\nrecords = '{records}'\n\
             [upstreams.{name}.fields]\nid = 'id'\nname = 'name'\ndescription = 'about'\n\
             email = 'mail'\nstatus = 'state'\ncreated_at = 'made'\nupdated_at = 'changed'\n\
             members = {{ each = '{people}', id = 'id', email = 'mail' }}\n"
        )
    }
}

impl Format {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }
}

/// The list of one upstream. No two texts in it are alike, or gzip would make almost nothing of a
/// page.
fn list(number: u64, format: Format, groups: usize) -> Bytes {
    let mut chance = Chance(number);
    let groups: Vec<_> = (0..groups)
        .map(|number| group(number, format, &mut chance))
        .collect();
    let body = match format {
        Format::Json => format!("[{}]", groups.join(",")),
        Format::Xml => format!("<groups>{}</groups>", groups.concat()),
    };
    body.into()
}

fn group(number: usize, format: Format, chance: &mut Chance) -> String {
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
