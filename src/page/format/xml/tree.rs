//! Puts a document on a tape, by its elements, attributes and texts, event by event.
//!
//! OpenEntry elements are kept on a stack of bounded depth and their memory is counted, so a small
//! document cannot become a large one.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, XmlVersion};

use crate::json::MemoryBudget;
use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};
use crate::page::format::limits::Bounds;
use crate::page::format::tape::{EntryKind, OpenEntry, RepeatRule, TapeBuilder, TapeEntry};

use super::doctype::declares_entities;
use super::flaw::Flaw;

/// The key of text beside attributes or children. No element can have this name.
pub(crate) const TEXT: &str = "#text";

/// The document so far.
pub(super) struct Tree<'a> {
    source: &'a str,
    tape: TapeBuilder,
    /// The elements that are open, outermost first. The first of all stands for the document.
    open: Vec<Element<'a>>,
    has_root: bool,
    has_doctype: bool,
    depth: usize,
    room: MemoryBudget,
}

impl<'a> Tree<'a> {
    pub(super) fn new(source: &'a str, bounds: Bounds) -> Result<Self, Flaw> {
        let tape = TapeBuilder::new(source);
        let mut tape = tape.ok_or_else(|| Flaw::new("more than 2 GiB in one page"))?;
        let document = Element::new("", tape.open(EntryKind::Object));
        Ok(Self {
            source,
            tape,
            open: vec![document],
            has_root: false,
            has_doctype: false,
            depth: bounds.depth as usize,
            room: MemoryBudget::of(bounds.room.as_u64()),
        })
    }

    pub(super) fn take(&mut self, event: Event<'a>) -> Result<(), Flaw> {
        match event {
            // The reader is told to expand empty elements into a start and an end.
            Event::Start(tag) | Event::Empty(tag) => self.start(&tag),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(&reference),
            Event::DocType(doctype) => self.doctype(&doctype),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    const fn is_outside(&self) -> bool {
        self.open.len() < 2
    }

    fn doctype(&mut self, doctype: &str) -> Result<(), Flaw> {
        if self.has_doctype || self.has_root {
            return Err(Flaw::new(
                "a document type that is not before the root element",
            ));
        }
        if declares_entities(doctype) {
            return Err(Flaw::new(
                "a document type that declares entities, which is refused,",
            ));
        }
        self.has_doctype = true;
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Flaw> {
        if self.is_outside() && self.has_root {
            return Err(Flaw::new("a second root element"));
        }
        if self.open.len() > self.depth {
            return Err(Flaw::TooDeep);
        }
        self.has_root = true;
        let local = tag.local_name();
        let name = part_of(self.source, local.as_ref());
        let name = name.ok_or_else(|| Flaw::new("a name that is nowhere"))?;
        check_name(name)?;
        let element = match self.open.last_mut() {
            Some(parent) => parent.begin(name, self.source, &mut self.tape),
            None => return Err(Flaw::new("an element outside of the document")),
        };
        self.open.push(element);
        // The reader's own check for repeated names is quadratic, and a body of nothing but
        // attributes would take hours.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(Error::from)?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            self.attribute(attribute.key.local_name().as_ref(), &value)?;
        }
        if let Some(element) = self.open.last_mut()
            && element.open.names.may_repeat()
        {
            let open = &mut element.open;
            open.count = self.tape.settle(open, self.source, RepeatRule::First);
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Flaw> {
        let Some(element) = self.open.last_mut() else {
            return Ok(());
        };
        if name == "nil" {
            element.is_nil = matches!(value, "true" | "1");
            return Ok(());
        }
        check_name(name)?;
        let open = &mut element.open;
        self.room.member(name.len() + 1, open.count == 0)?;
        self.room.value(value.len())?;
        open.count += 1;
        open.names.note(name.as_bytes());
        let start = self.tape.beside_start();
        let beside = self.tape.beside_text();
        beside.push('@');
        beside.push_str(name);
        let name = self.tape.beside_since(start);
        self.tape.push(name);
        let value = entry(self.source, value, &mut self.tape);
        self.tape.push(value);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Flaw> {
        let closed = if self.is_outside() {
            None
        } else {
            self.open.pop()
        };
        let (Some(closed), Some(parent)) = (closed, self.open.last_mut()) else {
            return Err(Flaw::new("an end without a start"));
        };
        let is_first = closed.is_first_of_parent;
        let name = closed.is_first_of_name.then_some(closed.name);
        closed.finish(self.source, &mut self.tape);
        parent.end_of_child(&mut self.tape);
        // Its content was counted when it was read.
        self.room.value(0)?;
        if let Some(name) = name {
            self.room.member(name.len(), is_first)?;
            self.room.value(0)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Flaw> {
        if self.is_outside() {
            if is_blank(text) {
                return Ok(());
            }
            return Err(Flaw::new("text outside the root element"));
        }
        self.room.text(text.len())?;
        if let Some(element) = self.open.last_mut() {
            element.text.push(self.source, text);
        }
        Ok(())
    }

    /// Character references and the five predefined entities (XML 1.0, section 4.6).
    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Flaw> {
        if let Some(character) = reference.resolve_char_ref()? {
            return self.text(character.encode_utf8(&mut [0; 4]));
        }
        match resolve_predefined_entity(reference) {
            Some(text) => self.text(text),
            None => Err(Flaw::new(format!(
                "the unknown entity `&{};`",
                excerpt(reference, GLIMPSE_CHARS)
            ))),
        }
    }

    /// The tape of the document, whose text is `source`.
    pub(super) fn finish(mut self) -> Result<TapeBuilder, Flaw> {
        if !self.is_outside()
            && let Some(element) = self.open.last()
        {
            let name = excerpt(element.name, GLIMPSE_CHARS);
            return Err(Flaw::new(format!("the end of the body inside `<{name}>`")));
        }
        if !self.has_root {
            return Err(Flaw::new("the end of the body before any element"));
        }
        if let Some(document) = self.open.pop() {
            document.finish(self.source, &mut self.tape);
        }
        Ok(self.tape)
    }
}

/// One element, while it is open.
struct Element<'a> {
    name: &'a str,
    open: OpenEntry,
    text: ElementText<'a>,
    /// The name of the child that was begun last, and where the list of children of this name is.
    last: Option<(&'a str, usize)>,
    is_nil: bool,
    /// Whether it is the first child of its parent, which has no attributes either.
    is_first_of_parent: bool,
    is_first_of_name: bool,
}

/// The text of an element so far.
enum ElementText<'a> {
    /// As it stands in the document.
    Part(&'a str),
    Own(String),
}

impl<'a> ElementText<'a> {
    fn push(&mut self, source: &'a str, text: &str) {
        match self {
            Self::Part("") if !text.is_empty() => {
                *self = match part_of(source, text) {
                    Some(part) => Self::Part(part),
                    None => Self::Own(text.to_owned()),
                };
            }
            Self::Part(part) => *self = Self::Own([part, text].concat()),
            Self::Own(own) => own.push_str(text),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Part(part) => part,
            Self::Own(own) => own,
        }
    }
}

impl<'a> Element<'a> {
    fn new(name: &'a str, open: OpenEntry) -> Self {
        Self {
            name,
            open,
            text: ElementText::Part(""),
            last: None,
            is_nil: false,
            is_first_of_parent: false,
            is_first_of_name: false,
        }
    }

    /// Begins a child. Those of one name that follow each other are one list.
    fn begin(&mut self, name: &'a str, source: &str, tape: &mut TapeBuilder) -> Self {
        let is_first_of_parent = self.open.count == 0;
        let is_next = self.last.is_some_and(|(last, _)| last == name);
        if !is_next {
            self.open.count += 1;
            self.open.names.note(name.as_bytes());
            let entry = entry(source, name, tape);
            tape.push(entry);
            self.last = Some((name, tape.next()));
            tape.push(TapeEntry {
                length: 0,
                ..TapeEntry::bare(EntryKind::List)
            });
        }
        Self {
            is_first_of_parent,
            is_first_of_name: !is_next,
            ..Self::new(name, tape.open(EntryKind::Object))
        }
    }

    /// Takes note that the child that was begun last has ended.
    fn end_of_child(&self, tape: &mut TapeBuilder) {
        let next = tape.next();
        if let Some((_, list)) = self.last
            && let Some(entry) = tape.entry_mut(list)
        {
            entry.length += 1;
            entry.span = (next - list) as u32;
        }
    }

    fn finish(mut self, source: &str, tape: &mut TapeBuilder) {
        let index = self.open.index;
        if self.is_nil {
            tape.truncate(index);
            tape.push(TapeEntry::NULL);
            return;
        }
        let text = self.text.as_str();
        if self.open.count == 0 {
            tape.truncate(index);
            let entry = entry(source, text, tape);
            tape.push(entry);
            return;
        }
        let is_indentation = self.last.is_some() && is_blank(text);
        if !text.is_empty() && !is_indentation {
            self.open.count += 1;
            let name = tape.beside(TEXT);
            tape.push(name);
            let entry = entry(source, text, tape);
            tape.push(entry);
        }
        tape.close(self.open, source, RepeatRule::All);
    }
}

/// The entry of a text, wherever it stands.
fn entry(source: &str, text: &str, tape: &mut TapeBuilder) -> TapeEntry {
    match place_in(source, text) {
        Some(start) => TapeEntry {
            start: start as u32,
            length: text.len() as u32,
            ..TapeEntry::bare(EntryKind::Text)
        },
        None => tape.beside(text),
    }
}

/// Where a text stands in the document, if it is a part of it.
fn place_in(source: &str, text: &str) -> Option<usize> {
    let start = text.as_ptr().addr().checked_sub(source.as_ptr().addr())?;
    (start + text.len() <= source.len()).then_some(start)
}

/// The same text as a part of the document.
fn part_of<'a>(source: &'a str, text: &str) -> Option<&'a str> {
    let start = place_in(source, text)?;
    source.get(start..start + text.len())
}

/// Rejects invalid names (XML 1.0, section 2.3), by their ASCII characters: they could pass for an
/// attribute or text.
fn check_name(name: &str) -> Result<(), Flaw> {
    let is_start = |letter: char| letter == '_' || letter.is_ascii_alphabetic();
    let is_inner = |letter: char| matches!(letter, '-' | '.' | '0'..='9');
    let mut letters = name.chars();
    let Some(first) = letters.next() else {
        return Err(Flaw::new("a tag or an attribute without a name"));
    };
    let is_name = (is_start(first) || !first.is_ascii())
        && letters.all(|letter| is_start(letter) || is_inner(letter) || !letter.is_ascii());
    if is_name {
        return Ok(());
    }
    Err(Flaw::new(format!(
        "`{}`, which is not a name,",
        excerpt(name, GLIMPSE_CHARS)
    )))
}

/// Whether a text is only white space, like indentation. XML defines four such characters; vendors
/// also indent with no-break spaces.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}
