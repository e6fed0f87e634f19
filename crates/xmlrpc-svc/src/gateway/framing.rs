//! Where a reply ends: the upstream's bytes in, its lines or its bytes out.

use std::fmt;

use super::intake::Intake;
use super::manner::Manner;
use super::reply::{Body, Reply};

/// How an upstream ends its replies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Framing {
    /// There is no reply.
    None,
    /// One line.
    #[default]
    Line,
    /// The first line that begins so ends the reply. The lines before it are the reply, or that
    /// line itself where there are none.
    Until(String),
    /// A blank line ends the reply.
    Blank,
    /// The first line begins with a number: that many lines follow.
    Count,
    /// `250-more`, `250 last`; 4xx and 5xx are errors.
    Status,
    /// A line that begins so ends in the number of bytes that follow, and a line end after them.
    Length(String),
    /// All until the peer closes.
    Close,
}

/// Why what an upstream says is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misframed {
    /// It is longer than it may be.
    TooLong,
    /// It has not the form that a reply has.
    Malformed,
    /// It ended in the midst of a reply.
    Unfinished,
    /// Nobody asked.
    Unasked,
}

impl fmt::Display for Misframed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the reply is too long",
            Self::Malformed => "the reply has another form",
            Self::Unfinished => "the stream ended before the reply did",
            Self::Unasked => "nobody asked",
        })
    }
}

/// Reads one reply.
#[derive(Debug)]
pub struct Reader<'a> {
    framing: &'a Framing,
    manner: &'a Manner,
    stage: Stage,
    text: Vec<u8>,
    count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing of the reply has been read.
    First,
    /// Lines follow.
    More,
    /// Lines follow until there are so many.
    Counted(usize),
    /// Lines follow until one has this status, and is the last.
    Coded([u8; 3]),
    /// So many bytes follow.
    Blob(usize),
    /// A line end follows.
    BlobEnd,
}

impl<'a> Reader<'a> {
    /// Reads a reply that ends so, of an upstream of this manner.
    pub fn new(framing: &'a Framing, manner: &'a Manner) -> Self {
        Self { framing, manner, stage: Stage::First, text: Vec::new(), count: 0 }
    }

    /// The reply, if all of it has arrived. What is unread then belongs to no reply.
    pub fn read(&mut self, intake: &mut Intake) -> Result<Option<Reply>, Misframed> {
        match self.framing {
            Framing::None => return Ok(Some(Reply::Said(Body::EMPTY))),
            Framing::Close => return self.bounded(intake.unread().len()).map(|()| None),
            _ => {}
        }
        loop {
            match self.stage {
                Stage::Blob(length) => {
                    let Some(bytes) = intake.take(length) else { return Ok(None) };
                    self.text.extend_from_slice(bytes);
                    self.stage = Stage::BlobEnd;
                }
                Stage::BlobEnd => return self.blob_end(intake),
                _ => {
                    let Some(line) = intake.line() else {
                        return self.unfinished(intake.unfinished()).map(|()| None);
                    };
                    if let Some(reply) = self.line(line.text)? {
                        return Ok(Some(reply));
                    }
                }
            }
        }
    }

    /// The reply, where the upstream has closed and all that was sent before has arrived.
    pub fn end(self, intake: &mut Intake) -> Result<Reply, Misframed> {
        match self.framing {
            // One that closes without a word has not answered.
            Framing::Close if !intake.unread().is_empty() => Ok(self.rest(intake)),
            Framing::Line if self.is_bare(intake.unread()) => {
                let bare = intake.take_all();
                Ok(match self.manner.is_error(&bare) {
                    true => Reply::Refused(bare),
                    false => Reply::Said(Body::Lines { text: bare, count: 1 }),
                })
            }
            _ => Err(Misframed::Unfinished),
        }
    }

    /// Bytes of the reply that were read, or are about to be.
    pub fn size(&self, intake: &Intake) -> usize {
        self.text.len() + intake.unread().len()
    }

    fn is_bare(&self, text: &[u8]) -> bool {
        self.manner.bare.as_ref().is_some_and(|bare| bare.as_bytes() == text)
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, Misframed> {
        if self.manner.is_skipped(line) {
            return self.bounded(line.len()).map(|()| None);
        }
        self.bounded(self.read_so_far() + line.len())?;
        if self.stage == Stage::First && self.is_error(line) {
            return Ok(Some(Reply::Refused(line.to_vec())));
        }
        match (self.framing, self.stage) {
            (Framing::Until(end), _) if self.manner.begins(line, end) => {
                return Ok(Some(self.last(line)));
            }
            (Framing::Blank, _) if line.is_empty() => return Ok(Some(self.said())),
            (Framing::Count, Stage::First) => return self.counted(line),
            (Framing::Status, Stage::First) => self.stage = Stage::Coded(status(line)?),
            (Framing::Length(begin), Stage::First) => return self.length(line, begin),
            (_, Stage::First) => self.stage = Stage::More,
            _ => {}
        }
        self.add(line);
        Ok(self.is_whole(line).then(|| self.said()))
    }

    /// Whether `line` is an error, and alone. A status says itself whether it is one, and where it
    /// ends.
    fn is_error(&self, line: &[u8]) -> bool {
        let has_status = *self.framing == Framing::Status && status(line).is_ok();
        !has_status && self.manner.is_error(line)
    }

    /// Whether the reply ends with `line`, which belongs to it.
    fn is_whole(&self, line: &[u8]) -> bool {
        match self.stage {
            Stage::Counted(lines) => self.count == lines,
            Stage::Coded(code) => {
                line.starts_with(&code) && matches!(line.get(3), None | Some(b' '))
            }
            _ => *self.framing == Framing::Line,
        }
    }

    /// The reply, where `line` ends it and only belongs to it where it is alone, or is an error.
    fn last(&mut self, line: &[u8]) -> Reply {
        if self.manner.is_error(line) {
            return Reply::Refused(line.to_vec());
        }
        match self.count {
            0 => Reply::Said(Body::End(line.to_vec())),
            _ => self.said(),
        }
    }

    fn counted(&mut self, line: &[u8]) -> Result<Option<Reply>, Misframed> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let lines = number(&line[..digits])?;
        // A line is a byte at least, with its end.
        let lines = usize::try_from(lines).map_err(|_| Misframed::TooLong)?;
        self.bounded(lines)?;
        self.stage = Stage::Counted(lines);
        Ok((lines == 0).then_some(Reply::Said(Body::EMPTY)))
    }

    fn length(&mut self, line: &[u8], begin: &str) -> Result<Option<Reply>, Misframed> {
        let begin = self.manner.charset.encode(begin).ok_or(Misframed::Malformed)?;
        let rest = line.strip_prefix(&*begin).ok_or(Misframed::Malformed)?;
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, digits) = rest.split_at(rest.len() - digits);
        let length = number(digits)?;
        if before.ends_with(b"-") && length > 0 {
            return Ok(Some(Reply::Absent));
        }
        let length = usize::try_from(length).map_err(|_| Misframed::TooLong)?;
        self.bounded(length)?;
        self.stage = Stage::Blob(length);
        Ok(None)
    }

    fn blob_end(&mut self, intake: &mut Intake) -> Result<Option<Reply>, Misframed> {
        if let Some(line) = intake.line() {
            let is_end = line.text.is_empty();
            let blob = std::mem::take(&mut self.text);
            return if is_end {
                Ok(Some(Reply::Said(Body::Blob(blob))))
            } else {
                Err(Misframed::Malformed)
            };
        }
        if intake.unfinished().is_empty() { Ok(None) } else { Err(Misframed::Malformed) }
    }

    /// All that arrived before the upstream closed, less the lines that belong to no reply.
    fn rest(&self, intake: &mut Intake) -> Reply {
        let mut rest = Vec::new();
        let mut first = None;
        while let Some(line) = intake.line() {
            if !self.manner.is_skipped(line.text) {
                first.get_or_insert_with(|| line.text.to_vec());
                rest.extend_from_slice(line.whole);
            }
        }
        let last = intake.take_all();
        if !self.manner.is_skipped(&last) {
            rest.extend_from_slice(&last);
        }
        match first.unwrap_or(last) {
            error if self.manner.is_error(&error) => Reply::Refused(error),
            _ => Reply::Said(Body::Rest(rest)),
        }
    }

    fn said(&mut self) -> Reply {
        let text = std::mem::take(&mut self.text);
        match self.stage {
            Stage::Coded([b'4' | b'5', ..]) => Reply::Refused(text),
            _ => Reply::Said(Body::Lines { text, count: self.count }),
        }
    }

    fn add(&mut self, line: &[u8]) {
        if self.count > 0 {
            self.text.push(b'\n');
        }
        self.text.extend_from_slice(line);
        self.count += 1;
    }

    /// Refuses a line that is too long before all of it has arrived. Whether it counts for the
    /// reply is not known of one that may yet be skipped.
    fn unfinished(&self, line: &[u8]) -> Result<(), Misframed> {
        let before = if self.manner.may_be_skipped(line) { 0 } else { self.read_so_far() };
        self.bounded(before + line.len())
    }

    /// Bytes before the next line, if that belongs to the reply.
    fn read_so_far(&self) -> usize {
        self.text.len() + usize::from(self.count > 0)
    }

    fn bounded(&self, bytes: usize) -> Result<(), Misframed> {
        if bytes > self.manner.max_reply_bytes { Err(Misframed::TooLong) } else { Ok(()) }
    }
}

/// Digits alone.
fn number(digits: &[u8]) -> Result<u64, Misframed> {
    if digits.is_empty() {
        return Err(Misframed::Malformed);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| Misframed::Malformed)?;
    digits.parse().map_err(|_| Misframed::TooLong)
}

/// The three digits that a reply with a status begins with.
fn status(line: &[u8]) -> Result<[u8; 3], Misframed> {
    match line {
        [a, b, c] | [a, b, c, b' ' | b'-', ..] if [a, b, c].iter().all(|d| d.is_ascii_digit()) => {
            Ok([*a, *b, *c])
        }
        _ => Err(Misframed::Malformed),
    }
}

#[cfg(test)]
mod tests;
