//! Where the list of groups stands in a page.
//!
//! Every list in the page is a candidate. What its items look like counts most, then what it is
//! called: `groups` is better than `data`, and `data` better than `users`.

use toml_edit::Value;

use crate::plan::{AbsentRecords, Path};

use super::body::SampleBody;
use super::columns::Columns;
use super::guess::{Confidence, ProposedLine};
use super::listed_kind::ListedKind;
use super::lists::{ListKind, candidates};
use super::names::{NameHint, plain};
use super::part::{SampleValue, page_path};
use super::rating::{Quality, RatedList, subjects};
use super::sample::Sample;
use super::vocabulary::CHILDREN;

/// The list of groups that was found, in every sample.
#[derive(Debug, Clone)]
pub(super) struct RecordGuess<'a> {
    /// The names from the page's root to the list.
    pub(super) names: Vec<&'a str>,
    /// The records of each sample.
    pub(super) pages: Vec<Vec<SampleValue<'a>>>,
    pub(super) is_keyed: bool,
    /// Words for one record: a member's name may begin with them.
    pub(super) subjects: Vec<String>,
    pub(super) confidence: Confidence,
    /// Whether there is a list at all.
    pub(super) is_found: bool,
    pub(super) path: String,
    /// What is to be made of a page without the list: every sample can be read by it.
    absent: AbsentRecords,
    why: String,
    others: Vec<String>,
}

impl<'a> RecordGuess<'a> {
    /// The records of all samples.
    pub(super) fn all(&self) -> Vec<SampleValue<'a>> {
        self.pages.iter().flatten().copied().collect()
    }

    /// The list of another group, whose samples are these: its records are at the same place, or there are none.
    /// `None` where these cannot be read so.
    pub(super) fn of_other(&mut self, pages: &'a [(&Sample, SampleBody)]) -> Option<Self> {
        let path: Path = self.path.parse().ok()?;
        let bodies: Vec<_> = pages.iter().map(|(_, body)| body).collect();
        let absent = absent_in(&path, &bodies)?;
        // A page with other records is no empty list.
        let found = find(&bodies, ListedKind::People);
        if absent != AbsentRecords::Error && found.is_found && !found.all().is_empty() {
            return None;
        }
        if self.absent == AbsentRecords::Error || absent == AbsentRecords::EmptyWithParent {
            self.absent = absent;
        }
        let records = bodies.iter().map(|body| body.records(&path, absent));
        Some(Self {
            pages: records.collect(),
            ..self.clone()
        })
    }

    /// The line that says where they are.
    pub(super) fn line(&self, columns: &Columns<'_>) -> ProposedLine {
        let children = children(columns);
        let mut keys: Vec<(&str, Value)> = vec![("at", self.path.as_str().into())];
        if self.absent != AbsentRecords::Error {
            keys.push(("absent", self.absent.to_string().into()));
        }
        if self.is_keyed {
            keys.push(("keyed", true.into()));
        }
        if let Some(children) = &children {
            keys.push(("children", children.to_string().into()));
        }
        let value = if keys.len() == 1 {
            self.path.as_str().into()
        } else {
            Value::InlineTable(keys.into_iter().collect())
        };
        let mut line = ProposedLine::guess("records", value, self.confidence, &self.why);
        if self.absent != AbsentRecords::Error {
            line = line.and(format!(
                "{}: a sample has no such list, which is taken for an empty list",
                Confidence::Likely
            ));
        }
        if let Some(children) = children {
            line = line.and(format!(
                "{}: `{children}` holds the groups below a group, by its name; each becomes a \
                 group of its own",
                Confidence::Likely
            ));
        }
        if !self.others.is_empty() {
            line = line.and(format!("It could also be {}.", self.others.join(", ")));
        }
        line
    }
}

/// The member of a record that lists the groups below it.
pub(super) fn children(columns: &Columns<'_>) -> Option<Path> {
    let is_list = |part: &SampleValue<'_>| part.items().is_some() && !part.is_xml();
    columns
        .all
        .iter()
        .find(|column| {
            column.names.len() == 1
                && CHILDREN.contains(&plain(column.names[0]))
                && column.cells.iter().all(|(_, part)| is_list(part))
        })
        .map(|column| column.path.clone())
}

/// Finds the list. There always is an answer; its confidence says what it is worth.
pub(super) fn find<'a>(bodies: &[&'a SampleBody], kind: ListedKind) -> RecordGuess<'a> {
    let lists = candidates(bodies).into_iter();
    let rated = lists.filter_map(|list| RatedList::of(list, kind));
    let (nested, mut rated): (Vec<_>, Vec<_>) =
        rated.partition(|list| list.candidate.within.is_some());
    // The sort is stable: of equals, the one that comes first in the page.
    rated.sort_by_key(|list| std::cmp::Reverse(list.score()));
    let mut rated = rated.into_iter();
    match rated.next() {
        Some(best) if best.quality > Quality::Single => {
            let others: Vec<_> = rated.collect();
            let mut nested = nested.into_iter();
            let within =
                nested.find(|list| kind == ListedKind::Groups && holds_groups_of(list, &best));
            chosen(within.unwrap_or(best), &others, bodies)
        }
        _ => nothing(bodies),
    }
}

/// Whether the groups are not in `outer` itself but in a list that each of its items has, such as the
/// groups of each organization.
fn holds_groups_of(list: &RatedList<'_>, outer: &RatedList<'_>) -> bool {
    let around = &outer.candidate.names;
    let is_within =
        list.candidate.within == Some(around.len()) && list.candidate.names.starts_with(around);
    let name = list.candidate.names.last().copied().unwrap_or_default();
    let outer_name = around.last().copied().unwrap_or("items");
    let is_nameless = outer.quality <= Quality::HalfNamed;
    is_within
        && list.quality == Quality::AllNamed
        && !CHILDREN.contains(&plain(name))
        && NameHint::of(name) == NameHint::Sought
        && (is_nameless || NameHint::of(outer_name) == NameHint::Unknown)
}

/// The list that was chosen, beside the others.
fn chosen<'a>(
    best: RatedList<'a>,
    others: &[RatedList<'a>],
    bodies: &[&SampleBody],
) -> RecordGuess<'a> {
    let is_in_record = |other: &RatedList<'a>| {
        best.candidate.kind != ListKind::List
            && other.candidate.names.starts_with(&best.candidate.names)
    };
    let rivals: Vec<_> = others
        .iter()
        .filter(|other| other.quality >= Quality::HalfNamed.min(best.quality))
        .filter(|other| other.quality > Quality::Single && !is_in_record(other))
        .collect();
    let absent = absent_in(&best.path, bodies).unwrap_or(AbsentRecords::Empty);
    let is_everywhere = absent == AbsentRecords::Error;
    let lead = rivals
        .iter()
        .map(|rival| best.score() - rival.score())
        .min();
    let is_close = lead.is_some_and(|lead| lead < 2);
    let confidence = match best.quality {
        _ if is_close => Confidence::NotSure,
        Quality::AllNamed | Quality::Named if best.listed == NameHint::Others => {
            Confidence::NotSure
        }
        Quality::AllNamed
            if rivals.is_empty() && is_everywhere && best.candidate.kind != ListKind::Keyed =>
        {
            Confidence::Clear
        }
        Quality::AllNamed | Quality::Named => Confidence::Likely,
        Quality::HalfNamed | Quality::Objects | Quality::Opaque | Quality::Single => {
            Confidence::NotSure
        }
    };
    let others = rivals
        .iter()
        .map(|rival| format!("`{}` ({})", rival.path, rival.what()))
        .collect();
    RecordGuess {
        why: best.why(is_close),
        names: best.candidate.names,
        pages: best.candidate.pages,
        is_keyed: best.candidate.kind == ListKind::Keyed,
        subjects: best.subjects,
        path: best.path.to_string(),
        absent,
        confidence,
        is_found: true,
        others,
    }
}

/// The least that must be made of a missing list, so that all samples can be read.
fn absent_in(path: &Path, bodies: &[&SampleBody]) -> Option<AbsentRecords> {
    [
        AbsentRecords::Error,
        AbsentRecords::Empty,
        AbsentRecords::EmptyWithParent,
    ]
    .into_iter()
    .find(|absent| {
        let mut bodies = bodies.iter();
        bodies.all(|body| body.page.records(path, *absent).is_ok())
    })
}

/// No list anywhere: the page itself may be one group.
fn nothing<'a>(bodies: &[&'a SampleBody]) -> RecordGuess<'a> {
    let roots = bodies.iter().map(|body| body.root());
    let (names, pages): (Vec<_>, Vec<_>) = match bodies.first().map(|body| body.root()) {
        Some(root) if root.is_xml() => {
            let root = root.members().into_iter().next();
            let name = root.map_or("groups", |(name, _)| name);
            (vec![name, "group"], vec![Vec::new(); bodies.len()])
        }
        Some(_) => {
            let pages = roots.map(|root| {
                let is_group = root.is_object() && !root.members().is_empty();
                is_group.then_some(root).into_iter().collect()
            });
            (Vec::new(), pages.collect())
        }
        None => (Vec::new(), Vec::new()),
    };
    let why = match (bodies.is_empty(), pages.iter().flatten().count()) {
        (true, _) => "no sample could be read",
        (false, 0) => "there is no list in the samples: add a page with groups",
        (false, _) => "there is no list in the samples, so the page is taken for one group",
    };
    RecordGuess {
        path: page_path(&names).map_or_else(|| "/".to_owned(), |path| path.to_string()),
        subjects: subjects(&names),
        names,
        pages,
        is_keyed: false,
        confidence: Confidence::NotSure,
        absent: AbsentRecords::Error,
        why: why.to_owned(),
        others: Vec::new(),
        is_found: false,
    }
}
