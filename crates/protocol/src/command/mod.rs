//! The text commands: what they are called and what is said to them.
//!
//! [`framing`] cuts a peer's bytes into commands; [`respond`] answers one.
//! It is the only place where a command is answered, for both services.

pub mod framing;
mod reply;

pub use reply::{BUSY, Command, INVALID, MAX_COMMAND_BYTES, Reply, respond};
