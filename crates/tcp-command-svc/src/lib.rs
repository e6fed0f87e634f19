//! The text edge: answers text commands over TCP.
//!
//! socket -> `svc_runtime::serve` -> [`connection`] -> `protocol::command::framing` ->
//! `protocol::command::respond` -> one write for all replies at hand -> socket.

pub mod config;
pub mod connection;
pub mod traffic;
