//! One connection to a line service: a question goes out, and its reply comes in before anything else
//! is asked.

use std::io;
use std::time::Duration;

use callbox_client::transport::NoRoom;
use tokio::time::{Instant, sleep_until};

use super::answer_memory::{Arriving, MAX_UNCOUNTED};
use super::framing::{Framing, Misframed, Reader};
use super::intake::Intake;
use super::manner::Manner;
use super::reply::Reply;
use super::socket::{Heard, Socket};
use super::trouble::{Broken, Stage, Trouble};

/// What one connection may say between two questions and still be kept, in bytes.
const MAX_IDLE_BYTES: usize = 65_536;

/// One connection to a line service.
pub(super) struct LineConnection {
    socket: Socket,
    intake: Intake,
    /// When the pause after the last exchange is over.
    rests_until: Instant,
    /// Somebody has looked whether it is quiet, and nothing was asked since.
    is_checked: bool,
}

/// One question, and the end of its reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The line, without its end.
    pub(super) line: &'a [u8],
    /// Where the reply ends.
    pub(super) framing: &'a Framing,
    /// What is alike in all that the service says.
    pub(super) manner: &'a Manner,
    /// How long nothing is asked afterwards.
    pub(super) pause: Duration,
}

impl LineConnection {
    pub(super) fn new(socket: Socket, manner: &Manner) -> Self {
        let intake = Intake::new(manner.line_end);
        Self { socket, intake, rests_until: Instant::now(), is_checked: false }
    }

    /// Nothing is asked until this has passed.
    pub(super) fn rest(&mut self, pause: Duration) {
        self.rests_until = Instant::now() + pause;
    }

    /// Whether the pause after the last exchange is over.
    pub(super) fn is_rested(&self) -> bool {
        Instant::now() >= self.rests_until
    }

    /// Reads what the service says first, a line.
    pub(super) async fn greeting(
        &mut self,
        manner: &Manner,
        arriving: &mut Arriving,
    ) -> Result<Reply, Trouble> {
        let reply = self.reply(&Framing::Line, manner, arriving).await;
        reply.map_err(|broken| broken.trouble)
    }

    /// Asks, and reads the reply, whose memory is taken as it is `arriving`. What is there before the
    /// question goes out is no reply to it.
    pub(super) async fn ask(
        &mut self,
        asked: Asked<'_>,
        arriving: &mut Arriving,
    ) -> Result<Reply, Broken> {
        if !self.is_checked || !self.is_rested() {
            sleep_until(self.rests_until).await;
            self.check(asked.manner).map_err(|trouble| Broken::at(Stage::Unsent, trouble))?;
        }
        self.is_checked = false;
        self.send(&[asked.line, asked.manner.line_end.as_bytes()].concat()).await?;
        let reply = self.reply(asked.framing, asked.manner, arriving).await?;
        self.intake.let_go();
        self.rest(asked.pause);
        Ok(reply)
    }

    /// Whether the service has said nothing that belongs to no reply, and has not closed.
    pub(super) fn is_quiet(&mut self, manner: &Manner) -> bool {
        self.is_checked = self.check(manner).is_ok();
        self.is_checked
    }

    /// Whether nothing of another reply has come with the last one.
    pub(super) fn is_in_step(&mut self, manner: &Manner) -> bool {
        self.drop_skipped(manner)
    }

    fn check(&mut self, manner: &Manner) -> Result<(), Trouble> {
        let mut heard = 0;
        loop {
            let before = self.intake.unread().len();
            match self.socket.listen(&mut self.intake) {
                Heard::Nothing if before == 0 => return Ok(()),
                Heard::Nothing => return Err(unasked(before)),
                Heard::End => return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
                Heard::Something => heard += self.intake.unread().len() - before,
            }
            if heard > MAX_IDLE_BYTES || !self.drop_skipped(manner) {
                return Err(unasked(heard));
            }
        }
    }

    /// Drops the lines that belong to no reply; false where another one is there.
    fn drop_skipped(&mut self, manner: &Manner) -> bool {
        while let Some(line) = self.intake.line() {
            if !manner.is_skipped(line.text) {
                return false;
            }
        }
        self.intake.unread().is_empty() || manner.may_be_skipped(self.intake.unread())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let mut sent = 0;
        while sent < bytes.len() {
            let stage = if sent == 0 { Stage::Unsent } else { Stage::Unanswered };
            let more = self.socket.send(&bytes[sent..]).await;
            sent += more.map_err(|error| Broken::at(stage, error))?;
        }
        Ok(())
    }

    async fn reply(
        &mut self,
        framing: &Framing,
        manner: &Manner,
        arriving: &mut Arriving,
    ) -> Result<Reply, Broken> {
        let (mut reader, mut stage) = (Reader::new(framing, manner), Stage::Unanswered);
        loop {
            let size = reader.size(&self.intake);
            if size > MAX_UNCOUNTED {
                let grown = arriving.grow_to(size).await;
                grown.map_err(|NoRoom| Broken::at(stage, Trouble::NoMemory))?;
            }
            match reader.read(&mut self.intake) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(what) => return Err(nonsense(what, size)),
            }
            match self.socket.receive(&mut self.intake).await {
                Ok(0) => {
                    let ended = reader.end(&mut self.intake);
                    return ended.map_err(|what| cut(stage, what));
                }
                Ok(_) => stage = Stage::Answering,
                Err(error) => return Err(Broken::at(stage, error)),
            }
        }
    }
}

fn unasked(bytes: usize) -> Trouble {
    Trouble::Nonsense { what: Misframed::Unasked, bytes }
}

fn nonsense(what: Misframed, bytes: usize) -> Broken {
    Broken::at(Stage::Answering, Trouble::Nonsense { what, bytes })
}

/// The service closed. That is no nonsense: it may be on its way down.
fn cut(stage: Stage, what: Misframed) -> Broken {
    Broken::at(stage, io::Error::new(io::ErrorKind::UnexpectedEof, what.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use callbox_client::transport::Lookups;
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixListener;

    use crate::gateway::settings::Address;

    #[tokio::test]
    async fn connection_that_says_too_much_between_two_questions_is_not_kept() {
        // By a Unix socket all has arrived that was sent.
        let path = std::env::temp_dir().join(format!("talkative-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let manner = Manner { skip: vec!["event".to_owned()], ..Manner::default() };
        let line = b"event 9\n";
        for (lines, is_quiet) in
            [(MAX_IDLE_BYTES / line.len(), true), (MAX_IDLE_BYTES / line.len() + 1, false)]
        {
            let address = Address::Unix(path.clone());
            let socket = Socket::connect(&address, &Lookups::default(), 0).await.unwrap();
            let mut connection = LineConnection::new(socket, &manner);
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.write_all(&line.repeat(lines)).await.unwrap();
            assert_eq!(connection.is_quiet(&manner), is_quiet, "{lines}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
