//! What Callbox's services say, and nothing of how it travels.
pub mod command;
pub mod json;
pub mod xmlrpc;
