//! What may name a caller.

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// How long the name of a caller may be, in bytes.
const LONGEST: usize = 1024;

/// Whether a text can name a caller: it may come into headers, logs and the addresses of upstreams.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && !text.chars().any(is_unseen)
}

/// Whether a character shows nothing itself and changes how others are shown, or where a line ends.
fn is_unseen(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    matches!(
        category,
        Control | Format | LineSeparator | ParagraphSeparator
    )
}
