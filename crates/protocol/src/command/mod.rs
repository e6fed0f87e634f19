//! The text commands: what they are called and what is said to them.
//!
//! [`framing`] cuts a peer's bytes into commands; [`Vocabulary::respond`] answers one.
//! It is the only place where a command is answered, for both services.

pub mod framing;
mod reply;
mod vocabulary;

pub use reply::{Circumstances, MAX_REPLY_BYTES, NoReplyText, ReplyText};
pub use vocabulary::{
    BUSY, Command, INVALID, MAX_COMMAND_BYTES, MAX_HELP_BYTES, NoName, Vocabulary,
};
