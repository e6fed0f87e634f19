//! From a peer's bytes to commands: one rule for clients that send lines and
//! for those that send a bare word and wait.
//!
//! A pure state machine. Its owner feeds it what happens ([`Framing::bytes`],
//! [`Framing::end`], [`Framing::grace_over`]) and does what it says ([`Action`]).

use super::Command;

/// How a command ended, and so how its reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// No line end: the stream ended, or a bare word was judged.
    None,
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl LineEnd {
    /// The line end's bytes.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
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
    /// A bare command was answered; its line end may follow.
    Answered(Command),
    /// A line end has been seen: only line ends count from here on.
    Lines,
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
        self.phase == Phase::Lines
    }

    /// Whether the grace time runs.
    pub fn is_in_grace(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Answered(_))
    }

    /// Bytes that are kept of a command which has not ended.
    pub fn unfinished_bytes(&self) -> usize {
        self.tail.len()
    }

    /// The peer sent `input`.
    pub fn bytes(&mut self, mut input: &[u8], act: &mut dyn FnMut(Action)) {
        if let Phase::Answered(command) = self.phase {
            input = self.expect_line_end(command, input, act);
        }
        while let Some(at) = memchr::memchr(b'\n', input) {
            if self.phase == Phase::Closed {
                return;
            }
            self.line(&input[..at], act);
            input = &input[at + 1..];
        }
        if self.phase != Phase::Closed && !input.is_empty() {
            self.unfinished(input, act);
        }
    }

    /// The peer ended its stream.
    pub fn end(&mut self, act: &mut dyn FnMut(Action)) {
        if self.phase == Phase::Closed {
            return;
        }
        if !self.tail.is_empty() && !matches!(self.phase, Phase::Answered(_)) {
            act(Action::Reply(Command::parse(without_cr(&self.tail)), LineEnd::None));
        }
        self.close(act);
    }

    /// The grace time has passed: what is there is judged. Nothing in a line session.
    pub fn grace_over(&mut self, act: &mut dyn FnMut(Action)) {
        if self.is_in_grace() {
            self.end(act);
        }
    }

    fn line(&mut self, rest: &[u8], act: &mut dyn FnMut(Action)) {
        self.phase = Phase::Lines;
        if self.tail.is_empty() {
            return self.answer_line(rest, act);
        }
        let mut line = std::mem::take(&mut self.tail);
        line.extend_from_slice(rest);
        self.answer_line(&line, act);
    }

    fn answer_line(&mut self, line: &[u8], act: &mut dyn FnMut(Action)) {
        let text = without_cr(line);
        if text.len() > self.max_command {
            return self.overlong(act);
        }
        let end = if text.len() < line.len() { LineEnd::CrLf } else { LineEnd::Lf };
        let command = Command::parse(text);
        act(Action::Reply(command, end));
        if command == Command::Goodbye {
            self.close(act);
        }
    }

    fn unfinished(&mut self, input: &[u8], act: &mut dyn FnMut(Action)) {
        // One byte past the limit and a CR decides, so the tail stays small.
        let room = (self.max_command + 2).saturating_sub(self.tail.len());
        self.tail.extend_from_slice(&input[..input.len().min(room)]);
        if without_cr(&self.tail).len() > self.max_command {
            self.overlong(act);
        } else if self.phase != Phase::Lines {
            self.bare_word(act);
        }
    }

    fn bare_word(&mut self, act: &mut dyn FnMut(Action)) {
        let command = Command::parse(&self.tail);
        if command != Command::Unknown && !begins_another(&self.tail) {
            self.tail.clear();
            self.phase = Phase::Answered(command);
            act(Action::Reply(command, LineEnd::None));
            act(Action::ArmGrace);
        } else if self.phase == Phase::Fresh {
            self.phase = Phase::Opening;
            act(Action::ArmGrace);
        }
    }

    /// Takes the line end that a bare command's reply still lacks and gives back what follows it.
    fn expect_line_end<'a>(
        &mut self,
        command: Command,
        input: &'a [u8],
        act: &mut dyn FnMut(Action),
    ) -> &'a [u8] {
        let (end, rest) = match (self.tail.is_empty(), input) {
            (true, [b'\r']) => {
                self.tail.push(b'\r');
                return b"";
            }
            (_, []) => return b"",
            (true, [b'\n', rest @ ..]) => (LineEnd::Lf, rest),
            (true, [b'\r', b'\n', rest @ ..]) | (false, [b'\n', rest @ ..]) => {
                (LineEnd::CrLf, rest)
            }
            _ => {
                self.close(act);
                return b"";
            }
        };
        self.tail.clear();
        self.phase = Phase::Lines;
        act(Action::Finish(end));
        if command == Command::Goodbye {
            self.close(act);
        }
        rest
    }

    /// No line end: where the limit strikes, none may have arrived.
    fn overlong(&mut self, act: &mut dyn FnMut(Action)) {
        act(Action::Reply(Command::Unknown, LineEnd::None));
        self.close(act);
    }

    fn close(&mut self, act: &mut dyn FnMut(Action)) {
        self.phase = Phase::Closed;
        self.tail = Vec::new();
        act(Action::Close);
    }
}

/// `text` less a CR at its end, which is no byte of the command.
fn without_cr(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

fn begins_another(text: &[u8]) -> bool {
    let longer = |name: &str| name.len() > text.len() && name.as_bytes().starts_with(text);
    Command::NAMED.iter().any(|(name, _)| longer(name))
}
