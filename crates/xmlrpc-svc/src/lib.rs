//! The functions that the `xmlrpc-svc` binary publishes, and its settings. How a call reaches them is
//! the library `callbox`'s.

pub mod commands;
pub mod config;
pub mod gateway;
pub mod methods;
pub mod upstream_metrics;
