//! Puts a document on a tape, by its tags and texts.
//!
//! Tags without attributes and texts, which are nearly all of a page, are read right here. Attributes,
//! comments, instructions and the like are quick-xml's. Elements that are open are kept on a stack of
//! bounded depth and what they become is counted, so a small document cannot become a large one.

use std::mem;

use quick_xml::errors::IllFormedError;
use quick_xml::events::BytesStart;
use quick_xml::parser::{ElementParser, Parser};
use quick_xml::{Error, XmlVersion};
use wide::u8x16;

use crate::json::first_among;
use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};
use crate::page::format::limits::Bounds;
use crate::page::format::tape::{EntryKind, RepeatRule, TapeBuilder, TapeEntry};

use super::element::{Child, ContentPart, Element, SourceRange, entry};
use super::flaw::Flaw;
use super::name::{check_name, local_name};

mod content;

/// The key of text beside attributes or children. No element can have this name.
pub(crate) const TEXT: &str = "#text";

/// The tape of a document, or what is wrong with it, and where.
pub(super) fn read(source: &str, bounds: Bounds) -> Result<TapeBuilder, (usize, Flaw)> {
    let mut tree = Tree::new(source, bounds).map_err(|flaw| (0, flaw))?;
    match tree.document() {
        Ok(()) => Ok(tree.tape),
        Err(flaw) => Err((tree.at, flaw)),
    }
}

/// The document so far.
struct Tree<'a> {
    source: &'a str,
    /// How far it has been read.
    at: usize,
    tape: TapeBuilder,
    /// The innermost element that is open, or the document.
    current: Element,
    /// What is around it, outermost first: the document, then elements.
    around: Vec<Element>,
    /// The texts of all that is open.
    pieces: Vec<ContentPart>,
    /// The name of text beside attributes or children, once there is any.
    text_name: Option<TapeEntry>,
    has_root: bool,
    has_doctype: bool,
    depth: usize,
}

impl<'a> Tree<'a> {
    fn new(source: &'a str, bounds: Bounds) -> Result<Self, Flaw> {
        let tape = TapeBuilder::new(source, bounds);
        let mut tape = tape.ok_or_else(|| Flaw::new("more than 2 GiB in one page"))?;
        let document = tape.open(EntryKind::Object, 0, None)?;
        let mark = '\u{feff}';
        Ok(Self {
            source,
            at: if source.starts_with(mark) {
                mark.len_utf8()
            } else {
                0
            },
            tape,
            current: Element::new(document, SourceRange::NONE, 0),
            around: Vec::new(),
            pieces: Vec::new(),
            text_name: None,
            has_root: false,
            has_doctype: false,
            depth: bounds.depth as usize,
        })
    }

    /// Reads all of it. What is wrong is wrong where it has come to.
    fn document(&mut self) -> Result<(), Flaw> {
        let bytes = self.source.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b'<') => match bytes.get(self.at + 1) {
                    Some(b'/') => self.end_tag()?,
                    Some(b'!' | b'?') | None => self.other()?,
                    Some(_) => self.start_tag()?,
                },
                Some(b'&') => self.reference()?,
                Some(_) => self.text()?,
                None => return self.finish(),
            }
        }
    }

    const fn is_outside(&self) -> bool {
        self.around.is_empty()
    }

    fn start_tag(&mut self) -> Result<(), Flaw> {
        let bytes = self.source.as_bytes();
        let start = self.at + 1;
        let (child, local, end) = match self.likely_child(start) {
            Some((child, end)) => (child, start, end),
            None => match local_name(bytes, start) {
                Some((local, end)) => (Child::Other, local, end),
                None => return self.other_start_tag(),
            },
        };
        let is_empty = match &bytes[end..] {
            [b'>', ..] => false,
            [b'/', b'>', ..] => true,
            _ => return self.other_start_tag(),
        };
        self.may_begin()?;
        self.begin_in_list(child, SourceRange::new(local, end))?;
        let content = end + 1;
        if is_empty {
            self.put(SourceRange::new(end, end).entry())?;
            self.at = content + 1;
            return Ok(());
        }
        // Most elements hold a text and nothing else.
        let text = first_among(bytes, content, |bytes| {
            let starts = bytes.simd_eq(u8x16::splat(b'<')) | bytes.simd_eq(u8x16::splat(b'&'));
            starts | bytes.simd_eq(u8x16::splat(b'\r'))
        });
        if let Some(tag) = bytes[text..].strip_prefix(b"</")
            && let Some([b'>', ..]) = tag.strip_prefix(&bytes[start..end])
        {
            self.put(SourceRange::new(content, text).entry())?;
            self.at = text + "</>".len() + (end - start);
            return Ok(());
        }
        self.begin(SourceRange::new(start, end))?;
        self.at = content;
        Ok(())
    }

    /// Which child begins, and where its name ends, if that is the one before once more or the one that
    /// an earlier element like this one had next.
    #[inline]
    fn likely_child(&self, start: usize) -> Option<(Child, usize)> {
        let bytes = self.source.as_bytes();
        let Element { open, last, .. } = &self.current;
        let is_named = |name: &[u8]| {
            let end = start + name.len();
            bytes.get(end) == Some(&b'>') && bytes[start..end] == *name
        };
        let again = last.bytes(bytes);
        if !again.is_empty() && is_named(again) {
            return Some((Child::Again, start + again.len()));
        }
        // None if it is the name of an attribute, which stands beside the document.
        let name = self.tape.expected(open)?;
        let name = SourceRange::of_entry(*name).bytes(bytes);
        (!name.is_empty() && is_named(name)).then(|| (Child::Expected, start + name.len()))
    }

    /// A tag with attributes, or one that is wrong.
    fn other_start_tag(&mut self) -> Result<(), Flaw> {
        let (content, end) = self.tag()?;
        let content = &content["<".len()..];
        let (content, is_empty) = match content.strip_suffix('/') {
            Some(content) => (content, true),
            None => (content, false),
        };
        let is_space = |letter| matches!(letter, ' ' | '\t' | '\n' | '\r');
        let length = content.find(is_space).unwrap_or(content.len());
        let tag = BytesStart::from_content(content, length);
        self.may_begin()?;
        let local = tag.local_name().into_inner();
        check_name(local)?;
        let start = self.at + 1;
        let name = SourceRange::new(start, start + length);
        let local = SourceRange::new(name.end() - local.len(), name.end());
        self.begin_in_list(Child::Other, local)?;
        self.begin(name)?;
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
        let open = &mut self.current.open;
        self.tape.settle(open, self.source, RepeatRule::First)?;
        if is_empty {
            self.close()?;
        }
        self.at = end;
        Ok(())
    }

    /// A tag up to its end, and where that is.
    fn tag(&self) -> Result<(&'a str, usize), Flaw> {
        let rest = &self.source[self.at..];
        let mut parser = ElementParser::Outside;
        match parser.feed(rest.as_bytes()) {
            Some(length) => Ok((&rest[..length], self.at + length + 1)),
            None => Err(Error::Syntax(parser.eof_error(rest.as_bytes())).into()),
        }
    }

    /// Whether an element may begin here.
    fn may_begin(&mut self) -> Result<(), Flaw> {
        if self.is_outside() && self.has_root {
            return Err(Flaw::new("a second root element"));
        }
        if self.around.len() >= self.depth {
            return Err(Flaw::TooDeep);
        }
        self.has_root = true;
        Ok(())
    }

    /// Begins a child. Those of one name that follow each other are one list.
    #[inline]
    fn begin_in_list(&mut self, child: Child, name: SourceRange) -> Result<(), Flaw> {
        let Element {
            open, last, list, ..
        } = &mut self.current;
        let bytes = self.source.as_bytes();
        match child {
            Child::Again => return Ok(()),
            Child::Other if name.bytes(bytes) == last.bytes(bytes) => return Ok(()),
            Child::Other => self.tape.note(open, name.entry(), self.source),
            Child::Expected => self.tape.meet(open),
        }
        open.enter_list();
        self.tape.push(name.entry())?;
        (*last, *list) = (name, self.tape.next());
        self.tape.push(TapeEntry {
            length: 0,
            ..TapeEntry::bare(EntryKind::List)
        })?;
        Ok(())
    }

    /// Begins what stands on the list that has begun, and is more than a text.
    fn begin(&mut self, name: SourceRange) -> Result<(), Flaw> {
        let open = self
            .tape
            .open(EntryKind::Object, 0, Some(&self.current.open))?;
        let child = Element::new(open, name, self.pieces.len());
        let parent = mem::replace(&mut self.current, child);
        self.around.push(parent);
        Ok(())
    }

    /// Puts a child that is a text on the list that has begun.
    fn put(&mut self, text: TapeEntry) -> Result<(), Flaw> {
        self.tape.push(text)?;
        self.current.end_of_child(&mut self.tape);
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Flaw> {
        if name == "nil" {
            self.current.is_nil = matches!(value, "true" | "1");
            return Ok(());
        }
        check_name(name)?;
        let start = self.tape.beside_start();
        self.tape.write_beside("@")?;
        self.tape.write_beside(name)?;
        let name = self.tape.beside_since(start);
        self.tape.note(&mut self.current.open, name, self.source);
        self.tape.push(name)?;
        let value = entry(self.source, value, &mut self.tape)?;
        self.tape.push(value)?;
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), Flaw> {
        let bytes = self.source.as_bytes();
        let name = self.current.name.bytes(bytes);
        let end = match bytes[self.at + "</".len()..].strip_prefix(name) {
            Some([b'>', ..]) if !self.is_outside() => self.at + "</>".len() + name.len(),
            _ => self.other_end_tag()?,
        };
        self.close()?;
        self.at = end;
        Ok(())
    }

    /// Where a tag ends that has white space in it, unless it is another one than is expected.
    fn other_end_tag(&self) -> Result<usize, Flaw> {
        let (content, end) = self.tag()?;
        let is_space = |letter| matches!(letter, ' ' | '\t' | '\n' | '\r');
        let found = content["</".len()..].trim_end_matches(is_space);
        let found = if found.is_empty() {
            &content["</".len()..]
        } else {
            found
        };
        let expected = self.current.name.of(self.source);
        let flaw = if self.is_outside() {
            IllFormedError::UnmatchedEndTag(found.to_owned())
        } else if found == expected {
            return Ok(end);
        } else {
            IllFormedError::MismatchedEndTag {
                expected: expected.to_owned(),
                found: found.to_owned(),
            }
        };
        Err(Error::IllFormed(flaw).into())
    }

    /// Closes the innermost element.
    fn close(&mut self) -> Result<(), Flaw> {
        let Some(parent) = self.around.pop() else {
            return Err(Flaw::new("an end without a start"));
        };
        let mut closed = mem::replace(&mut self.current, parent);
        let index = closed.open.index;
        if closed.is_nil || closed.open.count == 0 {
            let entry = if closed.is_nil {
                TapeEntry::NULL
            } else {
                self.joined(closed.pieces)?
            };
            self.tape.truncate(index);
            self.tape.push(entry)?;
        } else {
            let is_indentation = closed.is_blank && closed.has_children();
            if closed.pieces < self.pieces.len() && !is_indentation {
                let name = self.text_name()?;
                self.tape.push(name)?;
                let text = self.joined(closed.pieces)?;
                self.tape.push(text)?;
                closed.open.count += 1;
            }
            let parent = &mut self.current.open;
            self.tape
                .close(&mut closed.open, Some(parent), self.source, RepeatRule::All)?;
        }
        self.pieces.truncate(closed.pieces);
        self.current.end_of_child(&mut self.tape);
        Ok(())
    }

    /// The end of the body.
    fn finish(&mut self) -> Result<(), Flaw> {
        if !self.is_outside() {
            let name = self.current.name.of(self.source);
            let (_, local) = name.split_once(':').unwrap_or(("", name));
            let name = excerpt(local, GLIMPSE_CHARS);
            return Err(Flaw::new(format!("the end of the body inside `<{name}>`")));
        }
        if !self.has_root {
            return Err(Flaw::new("the end of the body before any element"));
        }
        let document = &mut self.current.open;
        self.tape
            .close(document, None, self.source, RepeatRule::All)?;
        Ok(())
    }
}
