//! The XML edge: publishes functions over XML-RPC.
//!
//! socket -> `svc_runtime::http` -> [`service`] (the routes, and the limits on calls) -> [`head`] and
//! [`codec`] (the request becomes a call) -> [`registry`] (the call becomes a function's result) ->
//! [`codec`] (the result becomes a body) -> socket.
//!
//! A program that publishes functions of its own puts them into a [`registry::Registry`] and
//! [`serve::serve`]s it. The functions of the `xmlrpc-svc` binary stand in [`methods`].

pub mod budget;
pub mod codec;
pub mod coding;
pub mod command_client;
pub mod config;
pub mod head;
pub mod methods;
pub mod multicall;
pub mod registry;
pub mod serve;
pub mod service;
pub mod unread;
