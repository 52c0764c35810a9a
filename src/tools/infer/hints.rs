//! Tables for lists that belong to that of groups, where a field of a record or the URL speaks for them: as
//! comments, because no sample shows what such a list is like.

use toml_edit::{InlineTable, Value};
use url::Url;

use crate::plan::{Format, RelatedList};

use super::block::BlockSection;
use super::columns::Column;
use super::draft::Draft;
use super::fields;
use super::guess::{LineEntry, ProposedLine, table};
use super::listed_kind::PARTITIONS;
use super::names::{plain, singular};
use super::placed::{UrlParts, braced};
use super::record_texts::{RecordText, record_texts};
use super::shape::is_reference;
use super::words::WordList;

/// Words for several people.
const PEOPLE: WordList = WordList("members users people participants memberships");

/// How many members a record has at most that only leads to its details.
const BARE: usize = 3;

/// What links are relative to where no sample has a URL.
const ORIGIN: &str = "http://origin.invalid";

/// The tables that the records and the URL of `draft` speak for, the `given` ones aside. `fields` are those of its
/// block.
pub(super) fn tables(
    draft: &Draft<'_, '_>,
    fields: &[ProposedLine],
    given: &[RelatedList],
) -> Vec<BlockSection> {
    let is_new = |list: RelatedList| !given.contains(&list);
    let hints = Hints::of(draft);
    let partitions = hints
        .partitions()
        .filter(|_| is_new(RelatedList::Partitions));
    let details = hints.details().filter(|_| is_new(RelatedList::Details));
    let members = hints
        .members(fields)
        .filter(|_| is_new(RelatedList::Members));
    [partitions, details, members]
        .into_iter()
        .flatten()
        .collect()
}

struct Hints<'d, 'r, 'a> {
    draft: &'d Draft<'r, 'a>,
    texts: Vec<RecordText>,
}

impl<'d, 'r, 'a> Hints<'d, 'r, 'a> {
    fn of(draft: &'d Draft<'r, 'a>) -> Self {
        let id = fields::id_paths(&draft.columns, &draft.records);
        let texts = record_texts(&draft.records.all(), &draft.columns, &id);
        Self { draft, texts }
    }

    fn members(&self, fields: &[ProposedLine]) -> Option<BlockSection> {
        if fields.iter().any(|line| line.is_of("members")) {
            return None;
        }
        let columns = self.draft.columns.all.iter();
        let mut named = columns.filter(|column| {
            let name = plain(&column.names.concat());
            is_link(column) && PEOPLE.iter().any(|word| name.contains(word))
        });
        let link = named.next();
        let count = fields.iter().find_map(|line| match &line.entry {
            LineEntry::Set(key, path) if key == "member_count" => Some(path.to_string()),
            LineEntry::Set(..) | LineEntry::Suggested(..) | LineEntry::Nothing => None,
        });
        let (why, path) = match (link, count) {
            (Some(link), _) => {
                let why = format!(
                    "`{}` looks like a link to the members of each group",
                    link.path
                );
                (why, self.template(link).or_else(|| self.followed(link)))
            }
            (None, Some(count)) => {
                let count = count.trim().trim_matches('"').to_owned();
                (
                    format!("`{count}` counts members, and no field lists them"),
                    None,
                )
            }
            (None, None) => return None,
        };
        let path = path.unwrap_or_else(|| format!("{}/{{group.id}}/members", self.list_path()));
        let lines = vec![
            request(path),
            ProposedLine::clear("records", "/", ""),
            ProposedLine::clear("fields", table([("id", "id".into())]), ""),
        ];
        Some(section(RelatedList::Members, &why, lines))
    }

    /// XML is not laid over XML.
    fn details(&self) -> Option<BlockSection> {
        if self.draft.reading.format() == Format::Xml {
            return None;
        }
        let columns = &self.draft.columns.all;
        let records = self.draft.records.all();
        let is_plain = !records.is_empty() && records.iter().all(|record| !record.is_object());
        let own = columns.iter().filter(|column| column.names.len() == 1);
        let is_bare = own.count() <= BARE;
        let mut links = columns.iter().filter(|column| is_bare && is_link(column));
        let link = links.find_map(|link| Some((link, self.template(link)?)));
        let (why, path) = match link {
            _ if is_plain => ("the list has nothing but ids".to_owned(), None),
            Some((link, path)) if path.ends_with('}') => {
                let why = format!(
                    "the records say little, and `{}` looks like a link to more",
                    link.path
                );
                (why, Some(path))
            }
            Some(_) | None => return None,
        };
        let path = path.unwrap_or_else(|| format!("{}/{{group.id}}", self.list_path()));
        Some(section(RelatedList::Details, &why, vec![request(path)]))
    }

    fn partitions(&self) -> Option<BlockSection> {
        let url = self.draft.url()?;
        let segments: Vec<_> = url.path().split('/').collect();
        let place = segments.windows(3).position(|three| {
            PARTITIONS.contains(&singular(&plain(three[0]))) && !three[1].is_empty()
        })?;
        let (around, name) = (&segments[..=place], singular(&plain(segments[place])));
        let behind = segments[place + 2..].join("/");
        let listed = around.join("/");
        let why = format!(
            "the URL is that of one `{name}`. For the groups of all, `request.path` is \
             \"{listed}/{{partition.{name}}}/{behind}\""
        );
        let mut values = InlineTable::new();
        values.insert(&name, "id".into());
        let lines = vec![
            request(listed),
            ProposedLine::clear("records", "/", ""),
            ProposedLine::clear("values", values, ""),
        ];
        Some(section(RelatedList::Partitions, &why, lines))
    }

    /// The path of the list, or the usual one.
    fn list_path(&self) -> String {
        let url = self.draft.url();
        let path = url.map(|url| braced(url.path().trim_end_matches('/')));
        path.unwrap_or_else(|| "/groups".to_owned())
    }

    /// What stands for the links in a column, if they lead to where the list is, and say where that begins.
    fn followed(&self, link: &Column<'_>) -> Option<String> {
        let list = self.draft.url()?;
        let is_here = |text: &str| {
            let is_rooted = text.starts_with('/') || Url::parse(text).is_ok();
            is_rooted
                && list
                    .join(text)
                    .is_ok_and(|url| url.origin() == list.origin())
        };
        let all_here = link.texts().all(|(_, text)| is_here(text.trim()));
        all_here.then(|| format!("{{record/{}}}", link.path))
    }

    /// What all links in a column are, with placeholders for what they have of their records.
    fn template(&self, link: &Column<'_>) -> Option<String> {
        let list = self.draft.url();
        let base = list.cloned().or_else(|| Url::parse(ORIGIN).ok())?;
        let mut templates = link.texts().map(|(record, text)| {
            // What is left of a URI template (RFC 6570) is for parameters.
            let url = base.join(text.split('{').next()?).ok()?;
            if list.is_some_and(|list| list.origin() != url.origin()) {
                return None;
            }
            let mut parts = UrlParts::of(&url, list);
            let own: Vec<_> = (self.texts.iter())
                .filter(|text| text.record == record && text.path != link.path)
                .cloned()
                .collect();
            let found = parts.find(&own)?;
            parts.put(&found, &found.text.placeholder(), String::new());
            parts.finish().path.map(|path| path.template)
        });
        let first = templates.next()??;
        templates
            .all(|other| other.as_ref() == Some(&first))
            .then_some(first)
    }
}

fn section(list: RelatedList, why: &str, lines: Vec<ProposedLine>) -> BlockSection {
    let what = match list {
        RelatedList::Partitions => "their list",
        RelatedList::Details => "the details of one group",
        RelatedList::Users => "the users",
        RelatedList::Members | RelatedList::Admins | RelatedList::Guests => {
            "the members of one group"
        }
    };
    let remark = format!(
        "Not sure: {why}. `--{list} URL` takes a sample of {what} and says the rest; or fill in this:"
    );
    BlockSection {
        path: vec![list.into()],
        lines: [ProposedLine::remark(remark)]
            .into_iter()
            .chain(lines)
            .collect(),
        is_proven: false,
        is_suggestion: true,
    }
}

/// The request of a table.
fn request(path: String) -> ProposedLine {
    ProposedLine::clear("request", table([("path", Value::from(path))]), "")
}

/// Whether a column has nothing but URLs.
fn is_link(column: &Column<'_>) -> bool {
    let mut texts = column.texts();
    column.is_scalar() && column.filled() > 0 && texts.all(|(_, text)| is_reference(text.trim()))
}
