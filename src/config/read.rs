//! Reads the merged tree into [`Settings`], and goes on after a fault, so that one reading finds
//! all of them.
//!
//! serde stops at the first fault. So a value that cannot be read is taken out of the tree, or is
//! given a stand-in where its table needs one, and the tree is read again. Nothing ever runs with a
//! stand-in: settings that were read with faults do not leave the loader.

use toml::Value;

use super::layers::{Variables, variable};
use super::preset::Laid;
use super::secret::{SECRET_HELP, SECRET_LITERAL};
use super::tree::{self, FoundValue, Misfit, TreeError};
use super::upstream::{Auth, Pagination};
use super::{Settings, mask, schema};
use crate::did_you_mean::{nearest, suggest};
use crate::problem::{KeyPath, Problem, Problems};

/// What became of the tree.
pub(super) struct ReadSettings {
    /// The settings; with stand-ins for what is in `unread`. `None` if not even those helped.
    pub(super) settings: Option<Settings>,
    /// The keys that could not be read or were missing, in the order in which they were met.
    pub(super) unread: Vec<KeyPath>,
    /// What is to be said of them.
    pub(super) problems: Problems,
    /// The tree as it was read in the end.
    pub(super) tree: Value,
}

/// More faults than this in one file say that it is no configuration of ours.
const MOST_FAULTS: usize = 200;

/// Reads the tree; `variables` are the keys whose values came from the environment, as texts, and
/// `presets` is what lies under the file.
pub(super) fn read(mut tree: Value, variables: &Variables, presets: &Laid) -> ReadSettings {
    let mut misfits: Vec<Misfit> = Vec::new();
    let mut reading = ReadSettings {
        settings: None,
        unread: Vec::new(),
        problems: Problems::default(),
        tree: Value::Boolean(false),
    };
    while misfits.len() < MOST_FAULTS {
        let misfit = match attempt(&tree) {
            Ok(settings) => {
                reading.settings = Some(settings);
                break;
            }
            Err(misfit) => misfit,
        };
        if retype(&mut tree, &misfit, variables) {
            continue;
        }
        if !follows_from(&misfit, &misfits) {
            let problem = problem(&misfit, &tree, variables, presets);
            reading.problems.push(problem);
        }
        let healed = heal(&mut tree, &misfit.slot());
        misfits.push(misfit);
        match healed {
            Some(healed) => reading.unread.push(healed),
            None => break,
        }
    }
    reading.tree = tree;
    reading
}

impl Misfit {
    /// The key that is wrong, unknown or missing.
    fn slot(&self) -> KeyPath {
        match &self.fault {
            // Our own visitors meet an unknown key before it is part of the path.
            TreeError::UnknownKey { key, .. } if self.at.keys().last() != Some(key) => {
                self.at.join(key)
            }
            TreeError::MissingKey(key) => self.at.join(key),
            TreeError::UnknownKey { .. }
            | TreeError::UnknownWord { .. }
            | TreeError::WrongType { .. }
            | TreeError::Unreadable(_) => self.at.clone(),
        }
    }
}

fn attempt(tree: &Value) -> Result<Settings, Misfit> {
    tree::read(tree.clone()).map_err(|misfit| refine(tree, misfit))
}

/// What is wrong with the keys of a tagged table, by its tag.
type InVariant = fn(&str, Value) -> Option<Misfit>;

/// Leads a misfit that stopped at a tagged table to the key in it.
fn refine(tree: &Value, misfit: Misfit) -> Misfit {
    let keys: Vec<&str> = misfit.at.keys().iter().map(String::as_str).collect();
    let (tag, in_variant, depth): (_, InVariant, usize) = match keys.as_slice() {
        ["upstreams", _, "pagination", ..] => (Pagination::TAG, Pagination::misfit, 3),
        [
            "upstreams",
            _,
            "partitions" | "members" | "admins" | "guests" | "users",
            "pagination",
            ..,
        ] => (Pagination::TAG, Pagination::misfit, 4),
        ["upstreams", _, "auth", "chain", _, ..] => (Auth::TAG, Auth::misfit, 5),
        ["upstreams", _, "auth", ..] => (Auth::TAG, Auth::misfit, 3),
        _ => return misfit,
    };
    let is_at_table = keys.len() == depth;
    let at = KeyPath::new(misfit.at.keys().iter().take(depth).cloned());
    let mut table = match find(tree, &at) {
        Some(Value::Table(table)) if is_at_table => table.clone(),
        // serde takes its first item for the tag.
        Some(Value::Array(_)) => {
            let fault = TreeError::WrongType {
                expected: "a table".to_owned(),
                found: FoundValue::Container("a list"),
            };
            return Misfit { at, fault };
        }
        _ => return misfit,
    };
    let Some(variant) = table.remove(tag) else {
        return misfit;
    };
    let inner = variant
        .as_str()
        .and_then(|variant| in_variant(variant, Value::Table(table)));
    match inner {
        Some(inner) => {
            let found = Misfit {
                at: misfit.at.append(&inner.at),
                fault: inner.fault,
            };
            // It may have stopped at another tagged table, which stands in this one.
            if inner.at.keys().is_empty() {
                found
            } else {
                refine(tree, found)
            }
        }
        None => Misfit {
            at: misfit.at.join(tag),
            fault: misfit.fault,
        },
    }
}

/// Variables are texts. Where a number or a truth value was expected instead, the text is taken
/// for one; so a key that takes strings keeps `12345` as it is.
fn retype(tree: &mut Value, misfit: &Misfit, variables: &Variables) -> bool {
    let TreeError::WrongType {
        found: FoundValue::Text(text),
        ..
    } = &misfit.fault
    else {
        return false;
    };
    if !variables.contains_key(&misfit.at) {
        return false;
    }
    let value = (text.parse().map(Value::Integer))
        .or_else(|_| text.parse().map(Value::Boolean))
        .or_else(|_| text.parse().map(Value::Float));
    value.is_ok_and(|value| put(tree, &misfit.at, Some(value)).is_some())
}

/// Whether a key is missing only because it was misspelt.
fn follows_from(misfit: &Misfit, earlier: &[Misfit]) -> bool {
    let TreeError::MissingKey(missing) = &misfit.fault else {
        return false;
    };
    earlier.iter().any(|earlier| match &earlier.fault {
        TreeError::UnknownKey { key, known } => {
            earlier.slot().parent().as_ref() == Some(&misfit.at)
                && nearest(key, known.iter().copied()) == Some(missing)
        }
        TreeError::MissingKey(_)
        | TreeError::UnknownWord { .. }
        | TreeError::WrongType { .. }
        | TreeError::Unreadable(_) => false,
    })
}

/// Makes the tree readable at `slot`, or else at a table around it; says where it did.
fn heal(tree: &mut Value, slot: &KeyPath) -> Option<KeyPath> {
    let is_healed = |tree: &Value| match attempt(tree) {
        Ok(_) => true,
        Err(next) => {
            let next = next.slot();
            !next.is_within(slot) && !slot.is_within(&next)
        }
    };
    for stand_in in stand_ins() {
        let mut healed = tree.clone();
        if put(&mut healed, slot, stand_in).is_some() && is_healed(&healed) {
            *tree = healed;
            return Some(slot.clone());
        }
    }
    let around = slot.parent().filter(|around| !around.keys().is_empty())?;
    heal(tree, &around)
}

/// What is put in the place of a value, in the order of trying: nothing, and then one of each
/// shape that a key without a default takes.
fn stand_ins() -> [Option<Value>; 6] {
    let table = |keys: &[&str]| {
        let entries = keys.iter().map(|key| ((*key).to_owned(), "/".into()));
        Some(Value::Table(entries.collect()))
    };
    [
        None,
        Some("/".into()),
        Some("http://localhost/".into()),
        table(&["env"]),
        table(&["path"]),
        table(&["id", "name"]),
    ]
}

fn problem(misfit: &Misfit, tree: &Value, variables: &Variables, presets: &Laid) -> Problem {
    let slot = misfit.slot();
    let text = find(tree, &slot).and_then(Value::as_str);
    let is_hidden =
        text.is_some_and(mask::has_secret) || mask::may_be_secret(&slot, scheme(tree, &slot));
    match &misfit.fault {
        TreeError::UnknownKey { key, known } => {
            if let Some(new) = renamed(&slot) {
                let meant = slot.parent().unwrap_or_default().join(new);
                let help = match variables.get(&slot) {
                    Some(_) => format!("set `{}` instead", variable(&meant)),
                    None => format!("write `{new}`; it means the same"),
                };
                let message = format!("`{key}` is now called `{new}`");
                return Problem::new(slot, message).with_help(help);
            }
            let help = match nearest(key, known.iter().copied()) {
                Some(nearest) if variables.contains_key(&slot) => {
                    let meant = slot.parent().unwrap_or_default().join(nearest);
                    format!("did you mean `{}`?", variable(&meant))
                }
                _ => suggest(key, known.iter().copied()),
            };
            Problem::new(slot, misfit.fault.to_string()).with_help(help)
        }
        TreeError::MissingKey(key) => presets.need(&slot).unwrap_or_else(|| {
            let message = format!("`{}` lacks the key `{key}`", misfit.at);
            let problem = Problem::new(misfit.at.clone(), message);
            match schema::describe(&slot, tree) {
                Some(description) => problem.with_help(format!("`{key}`: {description}")),
                None => problem,
            }
        }),
        TreeError::UnknownWord { word, known } => Problem::new(slot, misfit.fault.to_string())
            .with_help(suggest(word, known.iter().copied())),
        TreeError::WrongType { expected, found } if is_hidden => {
            Problem::new(slot, format!("expected {expected}, found {}", found.kind()))
        }
        TreeError::Unreadable(message) if message == SECRET_LITERAL => {
            Problem::new(slot, SECRET_LITERAL).with_help(SECRET_HELP)
        }
        TreeError::Unreadable(_) if is_hidden => Problem::new(slot, "the value cannot be read"),
        TreeError::WrongType { .. } | TreeError::Unreadable(_) => {
            Problem::new(slot, misfit.fault.to_string())
        }
    }
}

/// What a key of an earlier release is called now.
fn renamed(at: &KeyPath) -> Option<&'static str> {
    let keys: Vec<_> = at.keys().iter().map(String::as_str).collect();
    match keys[..] {
        ["server", "lead"] => Some("shutdown_delay"),
        ["upstreams", _, "breaker", "rest"] => Some("open_for"),
        _ => None,
    }
}

/// The scheme that the `auth` around a key names.
fn scheme<'a>(tree: &'a Value, at: &KeyPath) -> Option<&'a str> {
    mask::auths_around(at).find_map(|auth| find(tree, &auth.join(Auth::TAG))?.as_str())
}

fn find<'a>(tree: &'a Value, at: &KeyPath) -> Option<&'a Value> {
    at.keys().iter().try_fold(tree, |value, key| {
        if value.is_array() {
            return value.get(key.parse::<usize>().ok()?);
        }
        value.get(key)
    })
}

fn find_mut<'a>(tree: &'a mut Value, at: &KeyPath) -> Option<&'a mut Value> {
    at.keys().iter().try_fold(tree, |value, key| {
        if value.is_array() {
            return value.get_mut(key.parse::<usize>().ok()?);
        }
        value.get_mut(key)
    })
}

/// Puts a value at a key, or takes the key out. `None` if the tree has no such place.
///
/// An item is never taken out of a list: the items after it would be found at other numbers than
/// the file has them.
fn put(tree: &mut Value, at: &KeyPath, value: Option<Value>) -> Option<()> {
    let key = at.keys().last()?;
    let container = find_mut(tree, &at.parent()?)?;
    if let Some(items) = container.as_array_mut() {
        *items.get_mut(key.parse::<usize>().ok()?)? = value?;
        return Some(());
    }
    let table = container.as_table_mut()?;
    match value {
        Some(value) => table.insert(key.clone(), value),
        None => table.remove(key),
    };
    Some(())
}
