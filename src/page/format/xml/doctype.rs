//! What a document type declares.

/// Whether a document type declares an entity (XML 1.0, section 4.2), by its text without the
/// brackets around it. Comments, instructions and quoted texts declare nothing.
pub(super) fn declares_entities(doctype: &str) -> bool {
    let mut rest = doctype;
    while let Some(at) = rest.find(['<', '"', '\'']) {
        rest = &rest[at..];
        let end = if rest.starts_with("<!ENTITY") {
            return true;
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with('<') {
            rest = &rest[1..];
            continue;
        } else {
            &rest[..1]
        };
        rest = match rest[1..].split_once(end) {
            Some((_, after)) => after,
            // The reader has found the end of it, so this is no document type at all.
            None => return true,
        };
    }
    false
}
