//! From a peer's bytes to commands: one rule for clients that send lines and
//! for those that send a bare word and wait.
//!
//! A pure state machine. Its owner feeds it what happens ([`Framing::bytes`],
//! [`Framing::end`], [`Framing::grace_over`]) and does what it says ([`Action`]). The vocabulary may
//! be another one each time.

use super::{Command, Vocabulary};

/// How a command ended, and so how its reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// No line end: the stream ended, or a bare word was judged.
    None,
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl LineEnd {
    /// The line end's bytes.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }
}

/// What the owner of a [`Framing`] has to do, in the order given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Answer this command, and end the reply so.
    Reply(Command, LineEnd),
    /// Send the line end of a reply that went out without one.
    Finish(LineEnd),
    /// Call [`Framing::grace_over`] when the grace time has passed from now.
    ArmGrace,
    /// Send what is to be sent and close; no action follows.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has arrived.
    Fresh,
    /// No line end has been seen yet, and the grace time runs.
    Opening,
    /// A bare command was answered, the last one or not; its line end may follow.
    Answered {
        is_last: bool,
    },
    /// The first line end had an LF: only LFs count from here on.
    Lines,
    /// The first line end was a CR alone: only CRs count from here on.
    CrLines,
    /// The same, right after a CR: an LF or NUL belongs to it.
    AfterCr,
    Closed,
}

/// The state of one connection: what has arrived and is not answered yet.
#[derive(Debug)]
pub struct Framing {
    phase: Phase,
    /// Bytes since the last line end, never more than `max_command` and a CR.
    tail: Vec<u8>,
    max_command: usize,
}

impl Framing {
    /// The framing of a new connection; a command has at most `max_command` bytes.
    pub fn new(max_command: usize) -> Self {
        Self { phase: Phase::Fresh, tail: Vec::new(), max_command }
    }

    /// Whether a line end has been seen, so that no grace time runs.
    pub fn is_line_session(&self) -> bool {
        matches!(self.phase, Phase::Lines | Phase::CrLines | Phase::AfterCr)
    }

    /// Whether the grace time runs.
    pub fn is_in_grace(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Answered { .. })
    }

    /// Whether the first CR has arrived, and not yet what tells whether it is a line end of its own.
    pub fn is_after_first_cr(&self) -> bool {
        self.is_in_grace() && self.tail.last() == Some(&b'\r')
    }

    /// Bytes that are kept of a command which has not ended.
    pub fn unfinished_bytes(&self) -> usize {
        self.tail.len()
    }

    /// The peer sent `input`.
    pub fn bytes(
        &mut self,
        mut input: &[u8],
        vocabulary: &Vocabulary,
        act: &mut dyn FnMut(Action),
    ) {
        let owner = &mut Owner { vocabulary, act };
        while !input.is_empty() {
            input = match self.phase {
                _ if self.is_after_first_cr() => self.after_first_cr(input, owner),
                Phase::Fresh | Phase::Opening => self.opening(input, owner),
                Phase::Answered { .. } => self.after_answer(input, owner),
                Phase::Lines => self.lines(b'\n', input, owner),
                Phase::CrLines => self.lines(b'\r', input, owner),
                Phase::AfterCr => self.after_cr(input),
                Phase::Closed => return,
            }
        }
    }

    /// The peer ended its stream.
    pub fn end(&mut self, vocabulary: &Vocabulary, act: &mut dyn FnMut(Action)) {
        self.ended(&mut Owner { vocabulary, act });
    }

    fn ended(&mut self, owner: &mut Owner<'_>) {
        if self.is_after_first_cr() {
            self.first_end(LineEnd::Cr, owner);
        }
        if self.phase == Phase::Closed {
            return;
        }
        if !self.tail.is_empty() {
            owner.act(Action::Reply(owner.vocabulary.parse(without_cr(&self.tail)), LineEnd::None));
        }
        self.close(owner);
    }

    /// The grace time has passed: what is there is judged. Nothing in a line session.
    pub fn grace_over(&mut self, vocabulary: &Vocabulary, act: &mut dyn FnMut(Action)) {
        let owner = &mut Owner { vocabulary, act };
        if self.is_after_first_cr() {
            self.first_end(LineEnd::Cr, owner);
        } else if self.is_in_grace() {
            self.ended(owner);
        }
    }

    /// Takes what opens a connection, to its first line end, and gives back what follows.
    fn opening<'a>(&mut self, input: &'a [u8], owner: &mut Owner<'_>) -> &'a [u8] {
        let end = memchr::memchr2(b'\n', b'\r', input);
        let (text, rest) = input.split_at(end.map_or(input.len(), |at| at + 1));
        if text.ends_with(b"\n") {
            self.phase = Phase::Lines;
            self.line(&text[..text.len() - 1], owner);
        } else if self.keep(text, owner) {
            self.unfinished(rest.is_empty(), owner);
        }
        rest
    }

    /// Takes the line end that a bare command's reply still lacks and gives back what follows it.
    fn after_answer<'a>(&mut self, input: &'a [u8], owner: &mut Owner<'_>) -> &'a [u8] {
        match input {
            [b'\n', ..] => self.first_end(LineEnd::Lf, owner),
            [b'\r', rest @ ..] => {
                self.tail.push(b'\r');
                if rest.is_empty() {
                    owner.act(Action::ArmGrace);
                }
            }
            // What was said can't be unsaid.
            _ => self.close(owner),
        }
        &input[1..]
    }

    /// Takes what tells of which line end the first CR was, and gives back what follows it.
    fn after_first_cr<'a>(&mut self, input: &'a [u8], owner: &mut Owner<'_>) -> &'a [u8] {
        if let Some(rest) = input.strip_prefix(b"\n") {
            self.first_end(LineEnd::CrLf, owner);
            return rest;
        }
        self.first_end(LineEnd::Cr, owner);
        input
    }

    /// The first line end, which fixes the kind of all others; the tail is what stands before it.
    fn first_end(&mut self, end: LineEnd, owner: &mut Owner<'_>) {
        let line = std::mem::take(&mut self.tail);
        let then = if end == LineEnd::Cr { Phase::AfterCr } else { Phase::Lines };
        match std::mem::replace(&mut self.phase, then) {
            Phase::Answered { is_last } => {
                owner.act(Action::Finish(end));
                if is_last {
                    self.close(owner);
                }
            }
            _ => self.answer(without_cr(&line), end, owner),
        }
    }

    /// Takes all lines that end with `end`, and keeps what follows them.
    fn lines<'a>(&mut self, end: u8, mut input: &'a [u8], owner: &mut Owner<'_>) -> &'a [u8] {
        while let Some(at) = memchr::memchr(end, input) {
            self.line(&input[..at], owner);
            input = &input[at + 1..];
            if self.phase != Phase::Lines {
                return input;
            }
        }
        self.keep(input, owner);
        b""
    }

    /// Drops what belongs to the CR before it, and gives back what follows.
    fn after_cr<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        self.phase = Phase::CrLines;
        input.strip_prefix(b"\n").or(input.strip_prefix(b"\0")).unwrap_or(input)
    }

    fn line(&mut self, rest: &[u8], owner: &mut Owner<'_>) {
        if self.tail.is_empty() {
            return self.answer_line(rest, owner);
        }
        let mut line = std::mem::take(&mut self.tail);
        line.extend_from_slice(rest);
        self.answer_line(&line, owner);
    }

    fn answer_line(&mut self, line: &[u8], owner: &mut Owner<'_>) {
        if self.phase == Phase::CrLines {
            self.phase = Phase::AfterCr;
            return self.answer(line, LineEnd::Cr, owner);
        }
        let text = without_cr(line);
        let end = if text.len() < line.len() { LineEnd::CrLf } else { LineEnd::Lf };
        self.answer(text, end, owner);
    }

    fn answer(&mut self, text: &[u8], end: LineEnd, owner: &mut Owner<'_>) {
        if text.len() > self.max_command {
            return self.overlong(owner);
        }
        let command = owner.vocabulary.parse(text);
        owner.act(Action::Reply(command, end));
        if owner.vocabulary.is_last(command) {
            self.close(owner);
        }
    }

    /// Keeps what has no line end yet, unless it is too long for any.
    fn keep(&mut self, input: &[u8], owner: &mut Owner<'_>) -> bool {
        // One byte past the limit and a CR decides, so the tail stays small.
        let room = (self.max_command + 2).saturating_sub(self.tail.len());
        self.tail.extend_from_slice(&input[..input.len().min(room)]);
        let is_overlong = without_cr(&self.tail).len() > self.max_command;
        if is_overlong {
            self.overlong(owner);
        }
        !is_overlong
    }

    /// Judges what opens a connection and has no known line end yet; `is_all` that is at hand.
    fn unfinished(&mut self, is_all: bool, owner: &mut Owner<'_>) {
        let command = owner.vocabulary.parse(&self.tail);
        if command != Command::Unknown && !owner.vocabulary.begins_another(&self.tail) {
            self.tail.clear();
            self.phase = Phase::Answered { is_last: owner.vocabulary.is_last(command) };
            owner.act(Action::Reply(command, LineEnd::None));
            owner.act(Action::ArmGrace);
            return;
        }
        let was_fresh = std::mem::replace(&mut self.phase, Phase::Opening) == Phase::Fresh;
        // What follows a CR has a grace time of its own.
        if is_all && (was_fresh || self.is_after_first_cr()) {
            owner.act(Action::ArmGrace);
        }
    }

    /// No line end: where the limit strikes, none may have arrived.
    fn overlong(&mut self, owner: &mut Owner<'_>) {
        owner.act(Action::Reply(Command::Unknown, LineEnd::None));
        self.close(owner);
    }

    fn close(&mut self, owner: &mut Owner<'_>) {
        self.phase = Phase::Closed;
        self.tail = Vec::new();
        owner.act(Action::Close);
    }
}

/// `text` less a CR at its end, which is no byte of the command.
fn without_cr(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Whom the framing asks what is a command, and tells what to do.
struct Owner<'a> {
    vocabulary: &'a Vocabulary,
    act: &'a mut dyn FnMut(Action),
}

impl Owner<'_> {
    fn act(&mut self, action: Action) {
        (self.act)(action);
    }
}
