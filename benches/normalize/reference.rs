//! What any program pays that reads the same bytes: every field, into structs that own their texts.

#![allow(
    dead_code,
    reason = "the fields are decoded, and nothing else is done with them"
)]

use std::hint::black_box;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Read;
use super::shapes::Shape;

/// The reference for a shape.
pub(super) fn of(name: &str) -> Read {
    match name {
        "collections" => json::<CollectionsPage>,
        "vinyldns" => json::<VinylPage>,
        "onlivesite" => json::<OnlivePage>,
        "tallyfy" => json::<TallyfyPage>,
        "publisher" => publisher,
        _ => unreachable!("{name} has no reference"),
    }
}

/// A page that says how many groups it has.
trait Listed: DeserializeOwned {
    fn listed(&self) -> usize;
}

fn json<P: Listed>(shape: &Shape) -> usize {
    let pages = shape.pages.iter();
    // All are kept until the end, as the groups of a walk are.
    let pages: Vec<P> = pages
        .map(|page| serde_json::from_slice(&page.body).unwrap())
        .collect();
    black_box(&pages).iter().map(Listed::listed).sum()
}

macro_rules! listed {
    ($($page:ty, $groups:ident;)*) => {
        $(impl Listed for $page {
            fn listed(&self) -> usize {
                self.$groups.len()
            }
        })*
    };
}

listed! {
    CollectionsPage, data;
    VinylPage, groups;
    OnlivePage, items;
    TallyfyPage, data;
}

#[derive(Deserialize)]
struct Account {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CollectionsPage {
    status_code: u16,
    data: Vec<CollectionsGroup>,
    message: String,
}

#[derive(Deserialize)]
struct CollectionsGroup {
    group_id: String,
    group_name: String,
    group_description: Option<String>,
    created_at: String,
    updated_at: String,
    document_count: u64,
    settings: Option<CollectionsSettings>,
}

#[derive(Deserialize)]
struct CollectionsSettings {
    language: String,
    tags: Vec<Option<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VinylPage {
    groups: Vec<VinylGroup>,
    start_from: Option<String>,
    next_id: Option<String>,
    max_items: u32,
    ignore_access: bool,
}

#[derive(Deserialize)]
struct VinylGroup {
    id: String,
    name: String,
    email: String,
    description: Option<String>,
    created: String,
    status: String,
    members: Vec<Account>,
    admins: Vec<Account>,
}

#[derive(Deserialize)]
struct OnlivePage {
    items: Vec<OnliveGroup>,
    total: u64,
    page: u64,
    limit: u64,
    pages: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnliveGroup {
    id: String,
    name: String,
    description: Option<String>,
    external_id: Option<String>,
    organization_id: String,
    extra_fields: OnliveFields,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnliveFields {
    department: String,
    location: Option<String>,
    allowed_features: Vec<String>,
}

#[derive(Deserialize)]
struct TallyfyPage {
    data: Vec<TallyfyGroup>,
    meta: TallyfyMeta,
}

#[derive(Deserialize)]
struct TallyfyMeta {
    pagination: TallyfyPagination,
}

#[derive(Deserialize)]
struct TallyfyPagination {
    total: u64,
    count: u64,
    per_page: u64,
    current_page: u64,
    total_pages: u64,
}

#[derive(Deserialize)]
struct TallyfyGroup {
    id: String,
    name: String,
    description: Option<String>,
    logo: Option<String>,
    members: Vec<u64>,
    guests: Vec<String>,
    created_at: String,
    #[serde(alias = "last_updated")]
    updated_at: String,
    deleted_at: Option<String>,
    job_title: Option<String>,
}

#[derive(Default)]
struct PublisherGroup {
    id: String,
    name: String,
    link: String,
    description: String,
    created: String,
    updated: String,
    kind: String,
    creator_id: String,
    creator_name: String,
    users: Vec<String>,
}

/// One pass over the events, in which each field's text is put where it belongs.
fn publisher(shape: &Shape) -> usize {
    let mut groups = Vec::new();
    for page in &shape.pages {
        let text = str::from_utf8(&page.body).unwrap();
        let mut reader = Reader::from_str(text);
        let mut group = PublisherGroup::default();
        let mut is_creator = false;
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(tag) => {
                    text.clear();
                    match tag.local_name().as_ref() {
                        "group" => group = PublisherGroup::default(),
                        "createdby" => is_creator = true,
                        _ => {}
                    }
                }
                Event::Text(content) => text.push_str(&content.xml10_content()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                    Some(letter) => text.push(letter),
                    None => text.push_str(resolve_predefined_entity(&reference).unwrap()),
                },
                Event::End(tag) => {
                    let field = match tag.local_name().as_ref() {
                        "group" => {
                            groups.push(std::mem::take(&mut group));
                            continue;
                        }
                        "createdby" => {
                            is_creator = false;
                            continue;
                        }
                        "user" => {
                            group.users.push(text.clone());
                            continue;
                        }
                        "id" if is_creator => &mut group.creator_id,
                        "name" if is_creator => &mut group.creator_name,
                        "id" => &mut group.id,
                        "name" => &mut group.name,
                        "link" => &mut group.link,
                        "description" => &mut group.description,
                        "created" => &mut group.created,
                        "updated" => &mut group.updated,
                        "type" => &mut group.kind,
                        _ => continue,
                    };
                    field.push_str(&text);
                }
                Event::Empty(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_) => {}
            }
        }
    }
    black_box(&groups).len()
}
