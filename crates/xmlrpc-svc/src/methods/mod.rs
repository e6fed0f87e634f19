//! The functions that the `xmlrpc-svc` binary publishes, a file a group.

pub mod arithmetic;
pub mod command;
pub mod system;
