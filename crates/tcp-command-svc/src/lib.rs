//! The text edge: answers text commands over TCP, and by UDP ([`udp`]).
//!
//! socket -> `svc_runtime::serve` -> [`connection`] -> `protocol::command::framing` ->
//! [`commands`] -> one write for all replies at hand -> socket.

pub mod commands;
pub mod config;
pub mod connection;
mod pace;
mod traffic;
pub mod udp;
