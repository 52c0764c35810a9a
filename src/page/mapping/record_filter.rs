//! Which records are groups and which items of lists are people, where a list holds others too.

use crate::page::format::Node;
use crate::plan::{OneOrMany, Part, RecordFilter, Scalar};

use super::item::Item;
use super::outcome::Skip;

/// Why the conditions leave an item out, if one does.
pub(super) fn left_out(filters: &OneOrMany<RecordFilter>, item: Item<'_>) -> Option<Skip> {
    let mut filters = filters.as_slice().iter();
    filters.find_map(|filter| filter.leaves_out(item))
}

/// The first item of a list that is meant, and whether an item says at all what the conditions compare.
pub(crate) fn choose<'a>(list: Node<'a>, filters: &OneOrMany<RecordFilter>) -> ChosenItem<'a> {
    let mut is_marked = false;
    for item in list.list() {
        match left_out(filters, Item::Plain(item)) {
            None => return ChosenItem::One(item),
            Some(skip) => is_marked |= skip != Skip::Unmarked,
        }
    }
    if is_marked || list.is_empty() {
        ChosenItem::Nothing
    } else {
        ChosenItem::Unmarked
    }
}

/// What was chosen of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChosenItem<'a> {
    /// This item.
    One(Node<'a>),
    /// None of them, by what they say.
    Nothing,
    /// None of them, and none says what is compared.
    Unmarked,
}

/// What a condition looks at.
#[derive(Clone, Copy)]
enum Compared<'a> {
    Text(&'a str),
    Value(Node<'a>),
}

impl Compared<'_> {
    /// Whether a text there is one of `values`: of a list, that of any item.
    fn is_any_of(self, values: &OneOrMany<Scalar>) -> bool {
        let is_value = |text: &str| values.as_slice().iter().any(|Scalar(value)| value == text);
        match self {
            Self::Text(text) => is_value(text),
            Self::Value(node) if node.is_list() => {
                (node.items()).any(|item| item.text().is_some_and(|text| is_value(&text)))
            }
            Self::Value(node) => node.text().is_some_and(|text| is_value(&text)),
        }
    }

    /// Whether there is nothing but a sign of nothing.
    fn is_nothing(self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Value(node) => {
                node.is_null() || node.is_empty() || node.text().is_some_and(|text| text.is_empty())
            }
        }
    }
}

impl RecordFilter {
    fn leaves_out(&self, item: Item<'_>) -> Option<Skip> {
        let compared = compared(&self.path, item).filter(|compared| !compared.is_nothing());
        let is = |values: &OneOrMany<Scalar>| compared.is_some_and(|it| it.is_any_of(values));
        let is_wanted = match (&self.equals, &self.not, self.present) {
            (Some(values), _, _) => is(values),
            (None, Some(values), _) => !is(values),
            (None, None, Some(present)) => compared.is_some() == present,
            (None, None, None) => true,
        };
        let skip = match compared {
            Some(_) => Skip::LeftOut,
            None => Skip::Unmarked,
        };
        (!is_wanted).then_some(skip)
    }
}

fn compared<'a>(part: &Part, item: Item<'a>) -> Option<Compared<'a>> {
    match (part, item) {
        (Part::Key, Item::Keyed(key, _)) => Some(Compared::Text(key)),
        (Part::At(path), Item::Piece(text)) if path.is_record() => Some(Compared::Text(text)),
        (Part::At(path), _) => item.node()?.find(path).map(Compared::Value),
        (Part::Key, Item::Plain(_) | Item::Piece(_)) => None,
    }
}
