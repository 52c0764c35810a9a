//! A line that is put together in room that is there already.
//!
//! A string that grows asks at each piece whether it must. A piece whose length the compiler knows is written without a
//! call.

use jiff::Timestamp;

use crate::json::{push_body, special};

use super::json_lines::{push_time, six_digits, with_second};

/// A line, and the room for it.
#[derive(Debug)]
pub(super) struct LineRoom<'a> {
    room: &'a mut [u8],
    used: usize,
    is_short: bool,
}

impl<'a> LineRoom<'a> {
    pub(super) const fn new(room: &'a mut [u8]) -> Self {
        Self {
            room,
            used: 0,
            is_short: false,
        }
    }

    /// The line. `None`: there was too little room for it.
    pub(super) fn written(self) -> Option<&'a [u8]> {
        let line = self.room.get(..self.used);
        line.filter(|_| !self.is_short)
    }

    /// Writes a piece of the source code.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, piece: &[u8; N]) {
        let rest = self.room.get_mut(self.used..);
        match rest.and_then(|rest| rest.first_chunk_mut()) {
            Some(place) => {
                *place = *piece;
                self.used += N;
            }
            None => self.is_short = true,
        }
    }

    /// Writes a text as it is.
    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes the bytes of a text as they are.
    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let rest = self.room.get_mut(self.used..);
        match rest.and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.used += bytes.len();
            }
            None => self.is_short = true,
        }
    }

    /// Writes a text with what JSON escapes.
    pub(super) fn escaped(&mut self, text: &str) {
        if special(text.as_bytes(), 0) == text.len() {
            return self.text(text);
        }
        let mut escaped = String::new();
        push_body(&mut escaped, text);
        self.text(&escaped);
    }

    /// Writes a time as [`push_time`] does.
    pub(super) fn time(&mut self, time: Timestamp) {
        let Ok(micros) = u32::try_from(time.subsec_microsecond()) else {
            let mut text = String::new();
            push_time(&mut text, time);
            return self.text(&text);
        };
        with_second(time, |second| self.text(second));
        self.put(b".");
        self.put(&six_digits(micros));
        self.put(b"Z");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: usize, write: fn(&mut LineRoom<'_>)) -> Option<String> {
        let mut room = vec![0; bytes];
        let mut line = LineRoom::new(&mut room);
        write(&mut line);
        let line = line.written()?;
        Some(String::from_utf8(line.to_vec()).unwrap())
    }

    #[test]
    fn a_line_that_does_not_fit_is_none_at_all() {
        let write = |line: &mut LineRoom<'_>| {
            line.put(b"a piece, ");
            line.text("a text, ");
            line.escaped("and a \"quoted\" one");
            line.put(b".");
        };
        let whole = r#"a piece, a text, and a \"quoted\" one."#;
        assert_eq!(written(whole.len(), write).as_deref(), Some(whole));
        for short in 0..whole.len() {
            assert_eq!(written(short, write), None);
        }
    }

    #[test]
    fn times_are_the_same_as_in_other_lines() {
        for text in [
            "2026-11-21T09:30:00.000001Z",
            "2026-11-21T09:30:59.987654Z",
            "1969-12-31T23:59:59.500000Z",
        ] {
            let mut room = [0; 32];
            let mut line = LineRoom::new(&mut room);
            line.time(text.parse().unwrap());
            assert_eq!(line.written().unwrap(), text.as_bytes());
        }
    }
}
