//! How a Callbox process lives, whatever protocol it speaks.
//!
//! A service's `main` reads its settings ([`settings::parse`]) and hands the rest to
//! [`process::run`]: logs and signal handlers, then the [`service`], which [`serve`]s its
//! listeners and the admin port ([`admin`]) until a signal arrives and is drained.
//!
//! Nothing here knows what the peers say. [`http`] drives one HTTP connection, whoever
//! answers on it; [`clock`] is the one source of the local time.

pub mod access;
pub mod address;
pub mod admin;
pub mod aside;
pub mod budget;
mod certificate;
pub mod check;
pub mod clock;
pub mod datagrams;
pub mod descriptors;
pub mod file;
pub mod handshake;
mod head;
pub mod held;
pub mod http;
mod inbox;
mod inherited;
pub mod linger;
pub mod listener;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod network;
mod peer;
mod pem;
pub mod presence;
pub mod probe;
pub mod process;
pub mod reload;
pub mod roll;
pub mod seldom;
pub mod serve;
pub mod service;
pub mod settings;
pub mod share;
pub mod signal;
mod socket_file;
pub mod source;
pub mod stop;
pub mod stream;
mod subject;
mod supervisor;
pub mod tls;
pub mod transport;
