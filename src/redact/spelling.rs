//! How a text may be written down: letter by letter, each as it is or escaped in a URL, a form, JSON or a
//! web page.
//!
//! Writers differ in which letters they escape and in the case of their digits, so no list of whole
//! encodings is complete. A text is followed letter by letter instead, in any mixture of escapes.

/// The most bytes that one byte of a text takes when it is escaped.
pub(super) const MOST_BYTES: usize = 12;

/// How much of a text stands at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// All of it, up to here.
    Whole(usize),
    /// Its beginning, up to the end of what is searched.
    CutOff,
    /// Less.
    None,
}

/// How much of `secret` stands in `text` at `start`, which is where a character begins.
pub(super) fn spelling_at(text: &str, start: usize, secret: &str) -> Spelling {
    let first = text.as_bytes().get(start);
    let is_escape = matches!(first, Some(b'%' | b'\\' | b'&' | b'+'));
    if !is_escape && first != secret.as_bytes().first() {
        return Spelling::None;
    }
    // An escape may be read as the letters that it consists of, too: each reading goes on by itself.
    let mut ends = vec![start];
    let mut next = Vec::new();
    let mut is_cut_off = false;
    for letter in secret.chars() {
        for end in ends.drain(..) {
            let rest = &text[end..];
            letter_at(rest, letter, |length| {
                if !next.contains(&(end + length)) {
                    next.push(end + length);
                }
            });
            is_cut_off |= end > start && breaks_off(rest);
        }
        if next.is_empty() {
            return if is_cut_off {
                Spelling::CutOff
            } else {
                Spelling::None
            };
        }
        std::mem::swap(&mut ends, &mut next);
    }
    ends.into_iter()
        .max()
        .map_or(Spelling::None, Spelling::Whole)
}

/// Whether a text ends where a letter is expected, or within an escape.
fn breaks_off(rest: &str) -> bool {
    if let Some(digits) = rest.strip_prefix('%') {
        return digits.trim_start_matches("25").len() < 2;
    }
    if let Some(name) = rest.strip_prefix('&') {
        return name.len() < MOST_BYTES && !name.contains([';', ' ']);
    }
    let left = rest.trim_start_matches('\\');
    left.is_empty() || (left.len() < rest.len() && left.len() < 5 && left.starts_with('u'))
}

/// Tells `found` how long each spelling of `letter` is that `rest` begins with.
fn letter_at(rest: &str, letter: char, mut found: impl FnMut(usize)) {
    let mut tell = |length: Option<usize>| length.into_iter().for_each(&mut found);
    tell(rest.starts_with(letter).then(|| letter.len_utf8()));
    match rest.bytes().next() {
        Some(b'%') => tell(percent(rest, letter)),
        Some(b'+') => tell((letter == ' ').then_some(1)),
        Some(b'&') => tell(entity(rest, letter)),
        Some(b'\\') => backslash(rest, letter)
            .into_iter()
            .for_each(|length| tell(Some(length))),
        _ => {}
    }
}

/// In a URL or a form; also in a URL within a URL, whose `%` is `%25`.
fn percent(rest: &str, letter: char) -> Option<usize> {
    let mut left = rest;
    for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
        left = left.strip_prefix('%')?;
        while byte != b'%' || left.starts_with("2525") {
            let Some(inner) = left.strip_prefix("25") else {
                break;
            };
            left = inner;
        }
        let digits = left.get(..2)?;
        left = &left[2..];
        if u8::from_str_radix(digits, 16) != Ok(byte) {
            return None;
        }
    }
    Some(rest.len() - left.len())
}

/// In a web page or XML; also where `&` itself was escaped.
fn entity(rest: &str, letter: char) -> Option<usize> {
    const NAMED: [(&str, char); 13] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("plus", '+'),
        ("sol", '/'),
        ("bsol", '\\'),
        ("equals", '='),
        ("grave", '`'),
        ("num", '#'),
        ("percnt", '%'),
    ];
    let mut name = rest.strip_prefix('&')?;
    while let Some(inner) = name.strip_prefix("amp;")
        && inner
            .split_once(';')
            .is_some_and(|(inner, _)| is_entity(inner))
    {
        name = inner;
    }
    let (name, left) = name.split_once(';')?;
    let means = if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        number.ok().and_then(char::from_u32)
    } else {
        let mut named = NAMED.iter();
        let known = named.find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, letter)| *letter)
    };
    (means == Some(letter)).then_some(rest.len() - left.len())
}

/// Whether it looks like what stands between the `&` and the semicolon of an entity.
fn is_entity(name: &str) -> bool {
    let name = name.strip_prefix('#').unwrap_or(name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// In JSON or a language like it; also in JSON within JSON, where backslashes are escaped.
fn backslash(rest: &str, letter: char) -> Vec<usize> {
    let left = rest.trim_start_matches('\\');
    let count = rest.len() - left.len();
    let mut lengths = Vec::new();
    if letter == '\\' {
        lengths.extend([2, 4].into_iter().filter(|length| *length <= count));
    }
    let short = match letter {
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '"' | '\'' | '/' | '`' => Some(letter),
        _ => None,
    };
    if short.is_some_and(|short| left.starts_with(short)) {
        lengths.push(count + 1);
    }
    let mut units = left;
    for (index, unit) in letter.encode_utf16(&mut [0; 2]).iter().enumerate() {
        if index > 0 {
            units = units.trim_start_matches('\\');
        }
        let Some(digits) = units.strip_prefix('u').and_then(|digits| digits.get(..4)) else {
            return lengths;
        };
        if u16::from_str_radix(digits, 16) != Ok(*unit) {
            return lengths;
        }
        units = &units[5..];
    }
    lengths.push(rest.len() - units.len());
    lengths
}
