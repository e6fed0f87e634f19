//! Carries a document to a server and its answer back, whatever way the server is reached by. What
//! is said is not read here.
//!
//! The path of one exchange: `url` and `login` make an [`Endpoint`] -> [`Endpoint::connect`] resolves
//! its name, or that of its `proxy`, and opens a `stream`, by a `tunnel` and `tls` where they are due
//! -> [`Connection::post`] sends a [`Request`] as `http` or `scgi` has it -> `body` gathers the
//! answer under its limit, in the [`Room`] that there is -> [`Response`], or an [`Error`] that says
//! whether the same may be sent again.

mod body;
mod connection;
mod endpoint;
mod error;
mod http;
mod login;
mod lookups;
mod message;
mod post;
mod proxy;
mod scgi;
mod stream;
mod tls;
mod traffic;
mod tunnel;
mod url;

pub use body::{NoRoom, Room, Taking};
pub use connection::Connection;
pub use endpoint::{BadEndpoint, Endpoint, EndpointSettings, Setting};
pub use error::{Error, Nonsense};
pub use login::{BadLogin, Login};
pub use lookups::Lookups;
pub use message::{MAX_HEAD_BYTES, MAX_HEADERS, Request, Response};
pub use post::{Limits, post};
pub use proxy::{BadProxy, Proxy, Way};
pub use traffic::Traffic;
