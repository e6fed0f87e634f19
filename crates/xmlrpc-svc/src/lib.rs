//! The functions that the `xmlrpc-svc` binary publishes, and its settings. How a call reaches them is
//! the library `callbox`'s.

pub mod command_client;
pub mod config;
pub mod methods;
pub mod upstream_metrics;
