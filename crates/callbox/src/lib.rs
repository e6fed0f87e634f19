//! Publishes a program's functions over XML-RPC, for every XML-RPC client in the field.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     let mut registry = callbox::Registry::new();
//!     registry.add("twice", "A number doubled.", |number: i32| number * 2);
//!     callbox::serve(registry)
//! }
//! ```
//!
//! Functions and closures are published one by one ([`Registry::add`]), those of an `impl` block
//! together ([`methods`]). [`serve`] makes a whole process of them, [`serve_with`] one with options
//! of its own, [`Server::run`] a task on a runtime of one's own, and [`Server::router`] a part of an
//! axum application.
//!
//! The path of a call: socket -> `svc_runtime::http` -> `edge` (the route, who calls, and the limits
//! on size, calls, time and memory) -> `doors` (the request becomes a call) -> `registry` (the call
//! becomes a function's result) -> `doors` -> `edge` -> socket.

mod accounts;
mod connections;
mod doors;
mod edge;
mod registry;
mod reloader;
mod server;
mod settings;

pub use callbox_macros::{Reply, methods};
pub use edge::{AllowedHost, CallService, NoHost};
#[cfg(any(feature = "chrono", feature = "jiff"))]
pub use protocol::xmlrpc::UnfitDateTime;
#[cfg(feature = "chrono")]
pub use protocol::xmlrpc::chrono;
#[cfg(feature = "jiff")]
pub use protocol::xmlrpc::jiff;
pub use protocol::xmlrpc::{
    Array, Base64, DateTime, Fault, InvalidDateTime, Struct, ToValueError, TooDeep, TypeError,
    TypeName, Value, code, from_value, into_value, to_value,
};
pub use registry::{
    Account, AccountKind, Awaited, Caller, Catalog, CatalogMethod, CatalogPattern, Door, Failure,
    Function, Handler, IntoFault, MAX_HOLD, MAX_REQUEST_ID, Method, Methods, Param, Parameter,
    Peer, Registry, RegistryError, Reply, Scope, Serde, Signature, StateFunction, StateMethod,
    SyncFunction, internal,
};
pub use reloader::Reloader;
pub use server::{Server, ServerError, serve, serve_with, stop_signal};
pub use settings::{AccountsSettings, PeerLimits, Settings, Switch, parse};
pub use svc_runtime::access::AccessLog;
pub use svc_runtime::address::{ListenAddr, NoListenAddr};
pub use svc_runtime::check::Check;
pub use svc_runtime::descriptors::TooFewDescriptors;
pub use svc_runtime::file::FileError;
pub use svc_runtime::listener::ListenError;
pub use svc_runtime::logging::LogFormat;
pub use svc_runtime::metrics::Metrics;
pub use svc_runtime::network::{Network, NoNetwork};
pub use svc_runtime::process::StartError;
pub use svc_runtime::settings::{Announce, ProcessSettings};
pub use svc_runtime::share::{NoPercent, Percent};
pub use svc_runtime::tls::{TlsError, TlsSettings};

/// What the macros' expansions stand on. Nobody else's: it may change at any time.
#[doc(hidden)]
pub mod __private {
    pub use crate::registry::{Plain, Returned, Serde, into_result, param, type_name};
}

/// The code of the pages for users, tested as that of documentation is.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    /// Shows the dates of both.
    #[cfg(all(feature = "chrono", feature = "jiff"))]
    #[doc = include_str!("../../../docs/library.md")]
    struct Library;
}
