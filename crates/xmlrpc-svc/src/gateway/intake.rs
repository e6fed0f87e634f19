//! The bytes that an upstream sent and nobody has read yet, cut into lines.
//!
//! Lines end in LF or CRLF; those of an upstream that is sent CR end in CR, too.

use memchr::{memchr, memchr2};

use super::settings::LineEnd;

/// What is kept of an empty buffer, in bytes.
const KEPT_BYTES: usize = 4096;

/// What has arrived of one connection and is not read yet.
#[derive(Debug)]
pub struct Intake {
    bytes: Vec<u8>,
    /// Where the unread bytes begin.
    start: usize,
    /// Where the bytes begin that were not looked at for a line end.
    looked: usize,
    ends: LineEnd,
    /// A CR ended what was read last: an LF belongs to it.
    is_after_cr: bool,
}

/// A line that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Without its end.
    pub text: &'a [u8],
    /// With its end.
    pub whole: &'a [u8],
}

impl Intake {
    /// Nothing has arrived yet.
    pub fn new(ends: LineEnd) -> Self {
        Self { bytes: Vec::new(), start: 0, looked: 0, ends, is_after_cr: false }
    }

    /// These bytes arrived.
    pub fn push(&mut self, mut arrived: &[u8]) {
        if self.start == self.bytes.len() {
            self.let_go();
            arrived = self.without_lf(arrived);
        }
        if self.start > KEPT_BYTES && self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.looked -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(arrived);
    }

    /// Keeps no room for what was read, where that is all.
    pub fn let_go(&mut self) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
            (self.start, self.looked) = (0, 0);
        }
    }

    /// What has arrived and is not read.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// What is unread, less a CR that may be the begin of a line's end.
    pub fn unfinished(&self) -> &[u8] {
        let unread = self.unread();
        unread.strip_suffix(b"\r").unwrap_or(unread)
    }

    /// The next line, if all of it has arrived.
    pub fn line(&mut self) -> Option<Line<'_>> {
        let Some(at) = self.line_end() else {
            self.looked = self.bytes.len();
            return None;
        };
        let start = self.start;
        let end = at + 1;
        self.read_to(end);
        let text = &self.bytes[start..at];
        let text = match self.bytes[at] {
            b'\n' => text.strip_suffix(b"\r").unwrap_or(text),
            _ => text,
        };
        Some(Line { text, whole: &self.bytes[start..self.start] })
    }

    /// The next `number` bytes, whatever they are, if all of them have arrived.
    pub fn take(&mut self, number: usize) -> Option<&[u8]> {
        let (start, end) = (self.start, self.start.checked_add(number)?);
        if end > self.bytes.len() {
            return None;
        }
        (self.start, self.looked) = (end, end);
        self.is_after_cr &= number == 0;
        Some(&self.bytes[start..end])
    }

    /// All that is unread.
    pub fn take_all(&mut self) -> Vec<u8> {
        let unread = self.unread().to_vec();
        self.start = self.bytes.len();
        unread
    }

    fn line_end(&self) -> Option<usize> {
        let unknown = &self.bytes[self.looked..];
        let found = match self.ends {
            LineEnd::Lf | LineEnd::CrLf => memchr(b'\n', unknown),
            LineEnd::Cr => memchr2(b'\r', b'\n', unknown),
        };
        found.map(|at| self.looked + at)
    }

    /// A line was read, up to its end at `end`, and with it an LF that belongs to a CR there.
    fn read_to(&mut self, end: usize) {
        let is_cr = self.bytes[end - 1] == b'\r';
        let has_lf = is_cr && self.bytes.get(end) == Some(&b'\n');
        self.is_after_cr = is_cr && end == self.bytes.len();
        self.start = end + usize::from(has_lf);
        self.looked = self.start;
    }

    fn without_lf<'a>(&mut self, arrived: &'a [u8]) -> &'a [u8] {
        if !self.is_after_cr || arrived.is_empty() {
            return arrived;
        }
        self.is_after_cr = false;
        arrived.strip_prefix(b"\n").unwrap_or(arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ends: LineEnd, arrived: &[&str], lines: &[&str], unread: &str) {
        let mut intake = Intake::new(ends);
        let mut read = Vec::new();
        for arrived in arrived {
            intake.push(arrived.as_bytes());
            while let Some(line) = intake.line() {
                read.push(String::from_utf8(line.text.to_vec()).unwrap());
            }
        }
        assert_eq!(read, lines, "{arrived:?}");
        assert_eq!(intake.unread(), unread.as_bytes(), "{arrived:?}");
    }

    #[test]
    fn lines_end_in_lf_and_in_crlf() {
        for ends in [LineEnd::Lf, LineEnd::CrLf] {
            check(ends, &["a\nb\r\n\n\r\nc"], &["a", "b", "", ""], "c");
            check(ends, &["a\r", "\nb\rc\n"], &["a", "b\rc"], "");
            check(ends, &["a\r"], &[], "a\r");
        }
    }

    #[test]
    fn lines_of_an_upstream_that_takes_cr_end_in_cr_too() {
        let check = |arrived: &[&str], lines: &[&str], unread| {
            check(LineEnd::Cr, arrived, lines, unread);
        };
        check(&["a\rb\r\nc\nd"], &["a", "b", "c"], "d");
        check(&["a\r", "\nb\r"], &["a", "b"], "");
        check(&["a\r", "\n"], &["a"], "");
        check(&["a\r", "\n\n"], &["a", ""], "");
        check(&["a\r\r\n\n"], &["a", "", ""], "");
    }

    #[test]
    fn bytes_that_were_read_are_not_kept() {
        let mut intake = Intake::new(LineEnd::Lf);
        for _ in 0..10_000 {
            intake.push(&[b"x".repeat(99), b"\ny".to_vec()].concat());
            assert!(intake.line().is_some());
            intake.push(b"\n");
            assert_eq!(intake.line().map(|line| line.text), Some(&b"y"[..]));
        }
        intake.push(&[b'x'; 1_000_000]);
        assert_eq!(intake.take(1_000_000).map(<[u8]>::len), Some(1_000_000));
        intake.push(b"y");
        assert!(intake.bytes.capacity() <= 2 * KEPT_BYTES, "{}", intake.bytes.capacity());
        intake.push(&[b'x'; 1_000_000]);
        intake.take_all();
        intake.let_go();
        assert!(intake.bytes.capacity() <= 2 * KEPT_BYTES, "{}", intake.bytes.capacity());
    }
}
