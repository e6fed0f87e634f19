//! The commands that the service knows now, how they are answered, and how often they were.

mod file;

use std::borrow::Cow;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::civil::DateTime;
use protocol::command::{Circumstances, Command, Vocabulary};
use svc_runtime::file::FileError;
use svc_runtime::metrics::{Counter, Family, Metrics};
use svc_runtime::reload::Reload;

pub use self::file::read;

/// The label of all that is no command.
const NO_COMMAND: &str = "-";

/// What answers commands. Clones know and count the same.
#[derive(Clone)]
pub struct Commands(Arc<Inner>);

struct Inner {
    known: ArcSwap<Known>,
    answered: Family<Counter>,
    now: Box<dyn Fn() -> DateTime + Send + Sync>,
    host: String,
}

/// A vocabulary, and how often its commands were answered.
pub(crate) struct Known {
    pub(crate) vocabulary: Vocabulary,
    unknown: Counter,
    builtin: [Counter; Command::BUILTIN.len()],
    own: Vec<Counter>,
}

impl Commands {
    /// Those of `vocabulary`, on the machine called `host`, where `now` gives the local time.
    pub fn new(
        vocabulary: Vocabulary,
        metrics: &Metrics,
        host: String,
        now: impl Fn() -> DateTime + Send + Sync + 'static,
    ) -> Self {
        let answered = metrics.family("callbox_commands", "Commands that were answered");
        let known = ArcSwap::from_pointee(Known::new(vocabulary, &answered));
        Self(Arc::new(Inner { known, answered, now: Box::new(now), host }))
    }

    /// What reads the file at `path` again, whose names have at most `max_bytes`.
    pub fn reload(&self, path: PathBuf, max_bytes: usize) -> Reload {
        let commands = self.clone();
        let read = move || {
            let vocabulary = read(&path, max_bytes)?;
            commands.0.known.store(Arc::new(Known::new(vocabulary, &commands.0.answered)));
            Ok(())
        };
        Reload::new("commands", move || read().map_err(|error: FileError| error.to_string()))
    }

    /// Those that are known now.
    pub(crate) fn known(&self) -> impl std::ops::Deref<Target = Arc<Known>> {
        self.0.known.load()
    }

    /// The reply to a command that `peer` said, without a line end.
    pub(crate) fn reply<'k>(
        &self,
        known: &'k Known,
        command: Command,
        peer: &dyn Display,
    ) -> Cow<'k, str> {
        let of = Circumstances { now: &self.0.now, host: &self.0.host, peer };
        known.vocabulary.respond(command, &of)
    }
}

impl Known {
    fn new(vocabulary: Vocabulary, answered: &Family<Counter>) -> Self {
        let series = |name| answered.series([("command", name)]);
        let called = |command| vocabulary.names().find(|(_, known)| *known == command);
        let counter = |command| called(command).map_or(NO_COMMAND, |(name, _)| name);
        let builtin = Command::BUILTIN.map(|(_, command)| series(counter(command)));
        let own = (0..vocabulary.own_count()).map(|place| series(counter(Command::Own(place))));
        let own = own.collect();
        Self { unknown: series(NO_COMMAND), builtin, own, vocabulary }
    }

    /// Counts a command that is answered so many times.
    pub(crate) fn answered(&self, command: Command, times: u64) {
        // Nothing is not counted either: all connections would meet there.
        if times > 0 {
            self.counter(command).inc_by(times);
        }
    }

    fn counter(&self, command: Command) -> &Counter {
        // In the order of `Command::BUILTIN`.
        let [hello, time, goodbye, help] = &self.builtin;
        match command {
            Command::Hello => hello,
            Command::Time => time,
            Command::Goodbye => goodbye,
            Command::Help => help,
            Command::Own(place) => self.own.get(place).unwrap_or(&self.unknown),
            Command::Unknown => &self.unknown,
        }
    }
}
