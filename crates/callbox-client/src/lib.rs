//! Calls the methods of XML-RPC servers, typed by serde both ways, whatever way a server is reached
//! by.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = callbox_client::Client::new("https://ana:secret@example.org/RPC2")?;
//! let sum = client.call::<(i32, i32), i64>("addition", (2, 3)).await?;
//! assert_eq!(sum, 5);
//! # Ok(())
//! # }
//! ```
//!
//! [`blocking::Client`] is for programs without a runtime. What an [`Error`] is of, its
//! [`kind`](Error::kind) says.
//!
//! The path of a call: `params` become values and those a document -> [`Client`] takes a connection
//! that was `kept`, or makes one -> [`transport`] -> `answer` reads what came, from broken servers
//! too -> a result, or an [`Error`]. `multicall` sends several calls as one.

mod answer;
pub mod blocking;
mod client;
mod error;
mod kept;
mod multicall;
mod page;
mod params;
mod settings;
pub mod transport;

pub use answer::Answer;
pub use client::Client;
pub use error::{Error, ErrorKind};
pub use multicall::Call;
pub use params::{BadParams, Params};
pub use protocol::xmlrpc::{
    Array, Base64, DateTime, DecodeError, Fault, InvalidDateTime, Struct, TooDeep, TypeError,
    Value, code, from_value, to_value,
};
pub use settings::Settings;
pub use transport::{BadEndpoint, BadLogin, BadProxy, Limits, Login, Proxy, Way};

/// The code of the page for users, tested as that of documentation is.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/client.md")]
mod page_for_users {}
