//! Callers with different grants, and what each of them shows of itself.

use std::collections::BTreeMap;
use std::path::Path;

use http::request::Builder;
use serde_json::{Value, json};

use super::{BY_CALLER, CALLERS, Dice, SOURCES};
use crate::authentication::hash_of_key;
use crate::authentication::testing::{EC, published};
use crate::caller::{HiddenFields, HideableField, VisibleSources};
use crate::hex::hex;

/// How many tokens each caller with tokens has: with those of others, more than are remembered.
const TOKENS: usize = 300;

/// What makes a token long.
const PADDING: usize = 5000;

/// Somebody who asks.
pub(super) struct AskingCaller {
    /// What it may see.
    pub(super) visible: VisibleSources,
    /// Who it is; nobody if it shows nothing.
    pub(super) shows: Shows,
    /// Which of those who are the same caller it is, for the source that is sent that.
    pub(super) owner: String,
    /// What its grants hide of each source; of every source nothing, where that is all that is said.
    granted: Option<BTreeMap<&'static str, HiddenFields>>,
}

/// With what somebody shows who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shows {
    Nothing,
    /// A key of this number.
    Key(usize),
    /// One of its tokens, of this number.
    Token(usize),
}

/// All who ask, and the settings by which they are told apart.
pub(super) struct Crowd {
    pub(super) callers: Vec<AskingCaller>,
    settings: String,
    grants: String,
    /// The tokens of each caller that has some.
    tokens: BTreeMap<usize, Vec<String>>,
}

/// Some callers. The first sees all, and some see the same as others.
fn callers(dice: &mut Dice) -> Vec<AskingCaller> {
    let fields: Vec<_> = HiddenFields::ALL.fields().collect();
    let mut callers: Vec<AskingCaller> = Vec::new();
    while callers.len() < CALLERS {
        let number = callers.len();
        let granted = match number {
            0 => None,
            _ if number > CALLERS - 4 => callers[number - 3].granted.clone(),
            _ => {
                let mut named = BTreeMap::new();
                for source in SOURCES {
                    let is_seen = match source {
                        BY_CALLER => number.is_multiple_of(3),
                        _ => dice.roll(2) == 0,
                    };
                    if is_seen {
                        let hidden = (0..dice.roll(5)).map(|_| *dice.pick(&fields)).collect();
                        named.insert(source, hidden);
                    }
                }
                Some(named)
            }
        };
        let shows = match number {
            1 => Shows::Nothing,
            // The last is whom another is, and asks for somebody else.
            _ if number == CALLERS - 1 => callers[number - 3].shows.clone(),
            _ if dice.roll(2) == 0 => Shows::Token(number),
            _ => Shows::Key(number),
        };
        let visible = match &granted {
            None => VisibleSources::All,
            Some(named) => {
                let named = named.iter().map(|(name, hidden)| ((*name).into(), *hidden));
                VisibleSources::granted(named.collect(), None)
            }
        };
        callers.push(AskingCaller {
            visible,
            shows,
            owner: format!("owner-{number}-"),
            granted,
        });
    }
    callers
}

impl Crowd {
    /// Who asks. Keys of tokens are put into `folder`.
    pub(super) fn new(dice: &mut Dice, folder: &Path) -> Self {
        let callers = callers(dice);
        let keys = folder.join("keys.json");
        std::fs::write(&keys, published(&[&EC])).unwrap();
        let mut settings = format!(
            "[callers]
            required = false
            jwt = {{ issuer = 'https://id.example.com', audience = 'groupgate', algorithms = ['ES256'], \
             jwks = {{ file = '{}' }} }}\n",
            keys.display()
        );
        let (mut grants, mut tokens) = (String::new(), BTreeMap::new());
        for (number, caller) in callers.iter().enumerate() {
            let given = caller.grants(number);
            let named: Vec<_> = given.iter().map(|(name, ..)| name.clone()).collect();
            match caller.shows {
                Shows::Nothing => settings += &format!("anonymous = {named:?}\n"),
                // Another has its key or tokens already.
                Shows::Key(of) | Shows::Token(of) if of != number => continue,
                Shows::Key(_) => {
                    let hash = hex(&hash_of_key(key(number).as_bytes()).0);
                    settings +=
                        &format!("keys.c{number} = {{ sha256 = '{hash}', grants = {named:?} }}\n");
                }
                Shows::Token(_) => {
                    let token = |which| EC.token(&claims(number, which, &named));
                    tokens.insert(number, (0..TOKENS).map(token).collect());
                }
            }
            for (name, source, hidden) in given {
                let hide: Vec<_> = hidden.fields().map(HideableField::as_str).collect();
                grants += &format!("[grants.{name}]\nsources = ['{source}']\nhide = {hide:?}\n");
                if matches!(caller.shows, Shows::Token(_)) {
                    grants += &format!("when = {{ claim = '/grants', any = ['{name}'] }}\n");
                }
            }
        }
        Self {
            callers,
            settings,
            grants,
            tokens,
        }
    }

    /// The settings by which they are told apart. Those of another number say the same, and are others.
    pub(super) fn settings(&self, number: usize) -> String {
        let hash = hex(&hash_of_key(format!("spare {number}").as_bytes()).0);
        format!(
            "{}keys.spare = {{ sha256 = '{hash}' }}\n{}",
            self.settings, self.grants
        )
    }

    /// A request that shows who asks.
    pub(super) fn sign(&self, dice: &mut Dice, caller: usize, request: Builder) -> Builder {
        let caller = &self.callers[caller];
        let request = request.header("x-owner", &caller.owner);
        match caller.shows {
            Shows::Nothing => request,
            Shows::Key(number) => request.header("x-api-key", key(number)),
            Shows::Token(number) => {
                let token = dice.pick(&self.tokens[&number]);
                request.header("authorization", format!("Bearer {token}"))
            }
        }
    }
}

impl AskingCaller {
    /// Whether its lists are those that are there for it alone.
    pub(super) fn has_own_lists(&self) -> bool {
        self.visible.allows(BY_CALLER)
    }

    /// Whether a cursor of one is one of the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.shows == other.shows && self.visible == other.visible
    }

    /// Whether what one got from an address may be what the other gets: of a page, it may show none of the lists that are
    /// there for one alone.
    pub(super) fn may_share_tags(&self, other: &Self, address: &str) -> bool {
        let shows_all = address == "/groups";
        let is_same_list = self.owner == other.owner || !self.has_own_lists();
        self.visible == other.visible && (is_same_list || !shows_all)
    }

    /// Its grants: each with its name, what source it is for and what it hides of that.
    fn grants(&self, number: usize) -> Vec<(String, &'static str, HiddenFields)> {
        let Some(granted) = &self.granted else {
            return vec![(format!("g{number}"), "*", HiddenFields::NONE)];
        };
        let named = granted.iter();
        let named = named.map(|(source, hidden)| (format!("g{number}_{source}"), *source, *hidden));
        named.collect()
    }
}

fn key(number: usize) -> String {
    format!("the-key-of-caller-{number}")
}

/// What a token says. It is over when nobody runs this any more.
fn claims(number: usize, which: usize, grants: &[String]) -> Value {
    json!({
        "iss": "https://id.example.com", "aud": "groupgate", "sub": format!("c{number}"),
        "exp": 4_000_000_000_u64, "grants": grants, "jti": which, "padding": "x".repeat(PADDING),
    })
}
