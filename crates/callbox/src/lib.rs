//! Publishes functions over XML-RPC.
//!
//! socket -> `svc_runtime::http` -> [`edge`] (the routes, and the limits on calls; the request becomes a
//! call) -> [`registry`] (the call becomes a function's result) -> [`edge`] (the result becomes a body)
//! -> socket.
//!
//! A program puts its functions into a [`registry::Registry`] and [`server::serve`]s it.

pub mod edge;
pub mod registry;
pub mod server;
pub mod settings;
